"""The JSON bodies of the control endpoints, parsed and validated.

An invalid body is a ValueError whose message names the member.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from bridge.sandbox.control import json_members
from bridge.sandbox.control.clock import Clock
from bridge.sandbox.control.json_members import Members

_MAX_CALLS = 1_000_000_000
_MAX_ZONE = 999
_MAX_ADVANCE_S = 1e12  # a timedelta can hold it; the clock accepts less


def set_clock(clock: Clock, document: object) -> None:
    """Set a clock to a moment, then ahead, then stopped or running."""
    given = json_members.members(document, ("at", "advance_s", "frozen"))
    by_s = json_members.number(given, "advance_s", -_MAX_ADVANCE_S, _MAX_ADVANCE_S)
    frozen = given.get("frozen")
    if frozen is not None:
        frozen = json_members.switch(given, "frozen", default=False)
    moment = _moment(given.get("at"))
    clock.set(at=moment, by=timedelta(seconds=by_s), frozen=frozen)


def _moment(at: object) -> datetime | None:
    if at is None:
        return None
    try:
        moment = datetime.fromisoformat(at if isinstance(at, str) else "")
    except ValueError:
        raise ValueError("at must be a time like 2021-07-01T12:00:00Z.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_move(document: object) -> tuple[str, int | None]:
    """Return a user and the zone that serves it, None for all zones."""
    given = json_members.members(document, ("username", "zone"))
    username = json_members.text(given, "username")
    if given.get("zone") is None:
        return username, None
    return username, json_members.whole(given, "zone", 1, _MAX_ZONE)


def read_seed(
    document: object,
) -> tuple[int | None, Mapping[str, list[Mapping[str, object]]]]:
    """Return a tenant, None for the first one, and the rows to add by entity."""
    given = json_members.members(document, ("tenant", "rows"))
    rows = given.get("rows")
    if not isinstance(rows, Mapping):
        raise ValueError("rows must be an object.")  # noqa: TRY004 - one kind for all
    for entity, some in rows.items():
        if not isinstance(some, list) or not all(isinstance(o, Mapping) for o in some):
            raise ValueError(f"rows: {entity} must be a list of objects.")
    return _tenant(given), rows


def read_usage(document: object) -> tuple[int | None, int]:
    """Return a tenant, None for the first one, and the calls to add to its usage."""
    given = json_members.members(document, ("tenant", "calls"))
    return _tenant(given), json_members.whole(given, "calls", 0, _MAX_CALLS)


def _tenant(given: Members) -> int | None:
    if given.get("tenant") is None:
        return None
    return json_members.whole(given, "tenant", 0, 2**63)


def read_name(document: object) -> str:
    """Return the name in a body."""
    given = json_members.members(document, ("name",))
    return json_members.text(given, "name")
