"""Where the call budgets stand of the tenant databases an organization leads to."""

from __future__ import annotations

from bridge.catalog.model import JSON
from bridge.services.context import Context
from bridge.services.times import write_time
from bridge.store import instances
from bridge.store.governor.governor import BudgetFigures, LaneFigures
from bridge.store.tenants import User


def list_vendor_usage(ctx: Context, user: User) -> list[dict[str, JSON]]:
    """Return a document for each tenant database, ascending. No vendor call.

    What others who share the database have used is counted in it, never named.
    """
    zones = instances.list_zones(ctx.database, user.organization_id)
    databases = sorted({zone.database for zone in zones})
    return [_document(figures) for figures in ctx.governor.figures(databases)]


def _document(figures: BudgetFigures) -> dict[str, JSON]:
    """Return the figures as JSON; `theirs` is null when no recent reading tells."""
    until = figures.breaker_until
    return {
        "database": figures.database,
        "threshold": figures.threshold,
        "used": figures.ours + (figures.theirs or 0),
        "ours": figures.ours,
        "theirs": figures.theirs,
        "readAt": write_time(figures.read_at) if figures.read_at else None,
        "lanes": [_lane(lane) for lane in figures.lanes],
        "breaker": {
            "state": "closed" if until is None else "open",
            "retryAt": write_time(until) if until else None,
        },
    }


def _lane(figures: LaneFigures) -> dict[str, JSON]:
    return {
        "entity": figures.entity,
        "lanes": figures.lanes,
        "inFlight": figures.in_flight,
        "waiting": figures.waiting,
    }
