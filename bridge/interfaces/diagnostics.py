"""The protocol of diagnostics: what operators need of a vendor beyond `Backend`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bridge.interfaces.backend import Backend
from bridge.interfaces.data import Credentials, Zone


@dataclass(frozen=True, slots=True)
class ServiceRelease:
    """A service description and its release."""

    name: str
    release: str


def release_key(text: str) -> tuple[int, ...]:
    """Return a release such as `1.6.9` as numbers that compare; `()` for none."""
    parts = text.strip().rstrip("+").split(".")
    return tuple(map(int, parts)) if all(map(str.isdecimal, parts)) else ()


class BackendDiagnostics(Protocol):
    """What operators' commands need of a vendor beyond `Backend`."""

    def open_backend(
        self, credentials: Credentials, zone_changed: Callable[[Zone], None]
    ) -> Backend:
        """Open a backend without a rate limiter and a known zone. No vendor call."""

    def description(self) -> ServiceRelease:
        """Return the description that serving processes use. No vendor call."""

    def descriptions(self) -> Sequence[ServiceRelease]:
        """Return all descriptions, the newest fetched first, the bundled last."""

    def refresh(self, zone: Zone, credentials: Credentials) -> ServiceRelease:
        """Fetch a zone's description and store it. Two vendor calls.

        Serving processes use it from their next start on, if it is newer.

        Raises:
            ProviderError: it cannot be fetched, or is not a service description.
        """

    def compare(self, description: ServiceRelease) -> tuple[list[str], list[str]]:
        """Return what a description adds to the bundled one, and what it lacks."""

    def close(self) -> None:
        """Close idle connections."""

    def release(self, zone: Zone, credentials: Credentials) -> str:
        """Return the release of a zone. One vendor call."""

    def vendor_time(self, zone: Zone, credentials: Credentials) -> datetime:
        """Return the zone's clock, whole seconds. One call outside the quota."""
