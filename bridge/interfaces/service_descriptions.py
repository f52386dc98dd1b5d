"""The protocol of service descriptions, for the commands that administer them.

They belong to the SOAP backend. Nothing else but its commands and the check of
`bridge doctor` uses them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bridge.interfaces.data import Zone


@dataclass(frozen=True, slots=True)
class ServiceRelease:
    """A service description and its release."""

    name: str
    release: str


def release_key(text: str) -> tuple[int, ...]:
    """Return a release such as `1.6.9` as numbers that compare; `()` for none."""
    parts = text.strip().rstrip("+").split(".")
    return tuple(map(int, parts)) if all(map(str.isdecimal, parts)) else ()


class ServiceDescriptions(Protocol):
    """The bundled service description, and those fetched from zones."""

    def description(self) -> ServiceRelease:
        """Return the description that serving processes use. No vendor call."""

    def descriptions(self) -> Sequence[ServiceRelease]:
        """Return all descriptions, the newest fetched first, the bundled last."""

    def fetch(self, zone: Zone, release: str) -> ServiceRelease:
        """Fetch a zone's description and store it. One vendor call.

        Serving processes use it from their next start on, if it is newer.

        Raises:
            ProviderError: it cannot be fetched, or is not a service description.
            ConfigurationError: the release is not a number, or it cannot be stored.
        """

    def compare(self, description: ServiceRelease) -> tuple[list[str], list[str]]:
        """Return what a description adds to the bundled one, and what it lacks."""
