"""Zones: several service addresses in one process, and the users that each serves.

A zone is a path before the service, `/zones/<number>/ATServices/...`, so that a client
can use the address of getZoneInfo on any host and port. Where the vendor's host names
resolve to the simulator, zone N is also `webservicesN.autotask.net`. A user without a
zone is served at every address, a user with a zone only there: elsewhere the login
fails with a 401 page.
Source: SOAP contract notes, section 2. Unverified: a 401 for the wrong zone, which the
notes say of cached zones. Real zones also forward, which no client should rely on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bridge.sandbox.declarations import rule

_PATH = re.compile(r"/zones/(?P<zone>[0-9]{1,3})(?=/)", re.IGNORECASE)
_HOST = re.compile(
    r"webservices(?P<zone>[0-9]{1,3})\.autotask\.net(?::|\Z)", re.IGNORECASE
)


class Zones:
    """The zones of users; safe to share."""

    def __init__(self) -> None:
        # Threads share it without a lock: each method is one step of the dictionary.
        self._by_user: dict[str, int] = {}

    @rule("Zones", "Several zones in one process; a user can be moved", source="help")
    def move(self, username: str, zone: int | None) -> None:
        """Move a user to a zone, or with None to all."""
        if zone is None:
            self._by_user.pop(username.lower(), None)
        else:
            self._by_user[username.lower()] = zone

    def of(self, username: str) -> int | None:
        """Return the zone of a user, None for all zones."""
        return self._by_user.get(username.lower())

    @rule(
        "Zones",
        "A user who has moved gets the 401 page at the old address",
        source="unverified",
    )
    def serves(self, requested: int | None, username: str) -> bool:
        """Return whether the address of a zone serves a user."""
        zone = self.of(username)
        return zone is None or zone == requested

    def clear(self) -> None:
        """Move all users to all zones."""
        self._by_user.clear()

    def report(self) -> Mapping[str, int]:
        """Return the zones by user name."""
        return dict(self._by_user)


def requested_zone(path: str, host: str) -> tuple[int | None, str]:
    """Return the zone that a request is sent to, and the path after its prefix."""
    found = _PATH.match(path)
    if found:
        return int(found["zone"]), path[found.end() :]
    named = _HOST.match(host)
    return int(named["zone"]) if named else None, path


def address(base: str, zone: int | None) -> str:
    """Return the URL of a zone, slash at the end, below the server's own URL."""
    return base if zone is None else f"{base}zones/{zone}/"
