"""The protocol of diagnostics: what operators need of any vendor beyond `Backend`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from bridge.interfaces.backend import Backend
from bridge.interfaces.data import Credentials, Zone


class BackendDiagnostics(Protocol):
    """What operators' commands need of a vendor beyond `Backend`."""

    def open_backend(
        self, credentials: Credentials, zone_changed: Callable[[Zone], None]
    ) -> Backend:
        """Open a backend without a rate limiter and a known zone. No vendor call."""

    def release(self, zone: Zone, credentials: Credentials) -> str:
        """Return the release of a zone. One vendor call."""

    def vendor_time(self, zone: Zone, credentials: Credentials) -> datetime:
        """Return the zone's clock, whole seconds. One call outside the quota."""

    def close(self) -> None:
        """Close idle connections."""
