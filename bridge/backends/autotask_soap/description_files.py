"""Administration of service descriptions: list, fetch and compare them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bridge.backends.autotask_soap import descriptions
from bridge.backends.autotask_soap.connections import Timeouts
from bridge.interfaces import Zone
from bridge.interfaces.service_descriptions import ServiceRelease


class DescriptionFiles:
    """Implements `interfaces.service_descriptions.ServiceDescriptions`.

    Args:
        directory: where fetched descriptions lie.
        timeouts: of a fetch.
    """

    def __init__(self, directory: Path, timeouts: Timeouts) -> None:
        self._directory = directory
        self._timeouts = timeouts

    def description(self) -> ServiceRelease:
        """Return what serving processes work with. No vendor call."""
        return descriptions.newest(self._directory)[0]

    def descriptions(self) -> Sequence[ServiceRelease]:
        """Return all there are, the newest fetched first, the bundled last."""
        return (*descriptions.stored(self._directory), descriptions.BUNDLED)

    def fetch(self, zone: Zone, release: str) -> ServiceRelease:
        """Fetch a zone's description and save it. One vendor call."""
        body = descriptions.fetch(zone.url, self._timeouts)
        descriptions.check(body)
        return descriptions.save(self._directory, release, body)

    def compare(self, description: ServiceRelease) -> tuple[list[str], list[str]]:
        """Return what a fetched description adds to the bundled one, and lacks."""
        ours = set(descriptions.contract(descriptions.bundled()))
        path = self._directory / description.name
        theirs = set(descriptions.contract(path.read_bytes()))
        return sorted(theirs - ours), sorted(ours - theirs)
