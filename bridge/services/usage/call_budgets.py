"""Where the call budgets stand of the tenant databases an organization leads to."""

from __future__ import annotations

from datetime import datetime

from bridge.interfaces import BudgetUsage, Priority, SlotUsage
from bridge.services.context import Context
from bridge.services.times import write_time
from bridge.store import instances
from bridge.store.organizations import User
from bridge.types import JSON


def list_vendor_usage(ctx: Context, user: User) -> list[dict[str, JSON]]:
    """Return a document for each tenant database, ascending. No vendor call.

    What others who share the database have used is counted in it, never named.
    """
    zones = instances.list_zones(ctx.database, user.organization_id)
    databases = sorted({zone.database for zone in zones})
    return [_document(figures) for figures in ctx.rate_limiter.get_budgets(databases)]


def describe_limits(figures: BudgetUsage) -> str:
    """Return in a sentence which calls the rate limiter lets pass just now."""
    sentences = [_describe_budget(figures)]
    if figures.quota_refused_at is not None:
        sentences.append(
            f"Autotask refused a call for quota at {_second(figures.quota_refused_at)}"
        )
    if figures.breaker_until is not None:
        sentences.append(
            "its host failed too often and is called again at "
            f"{_second(figures.breaker_until)}"
        )
    return "; ".join(sentences)


def _describe_budget(figures: BudgetUsage) -> str:
    until = figures.refused_until
    people, others = until[Priority.INTERACTIVE], until[Priority.BULK]
    if people is None and others is None:
        return "calls pass"
    if people is None and others is not None:
        return (
            "interactive calls pass, bulk and polling calls are refused until "
            f"{_second(others)} at the earliest"
        )
    first = min(each for each in (people, others) if each is not None)
    return f"calls are refused until {_second(first)} at the earliest"


def _second(moment: datetime) -> str:
    return f"{moment:%H:%M:%S} UTC"


def _document(figures: BudgetUsage) -> dict[str, JSON]:
    """Return the figures as JSON; `theirs` is null when no recent reading tells."""
    until = figures.breaker_until
    return {
        "database": figures.database,
        "threshold": figures.threshold,
        "used": figures.ours + (figures.theirs or 0),
        "ours": figures.ours,
        "theirs": figures.theirs,
        "readAt": _time(figures.read_at),
        "ageSeconds": None if figures.age_s is None else int(figures.age_s),
        "assumedUsedUp": figures.quota_refused_at is not None,
        "quotaRefusedAt": _time(figures.quota_refused_at),
        "refusedUntil": {
            priority.name.lower(): _time(moment)
            for priority, moment in figures.refused_until.items()
        },
        "lanes": [_lane(lane) for lane in figures.lanes],
        "breaker": {
            "state": "closed" if until is None else "open",
            "retryAt": _time(until),
        },
    }


def _time(moment: datetime | None) -> str | None:
    return write_time(moment) if moment else None


def _lane(figures: SlotUsage) -> dict[str, JSON]:
    return {
        "entity": figures.entity,
        "lanes": figures.lanes,
        "inFlight": figures.in_flight,
        "waiting": figures.waiting,
    }
