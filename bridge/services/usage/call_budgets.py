"""Usage of the call budgets of an organization's tenant databases."""

from __future__ import annotations

from datetime import datetime

from bridge.interfaces import BudgetUsage, Priority
from bridge.services.context import Context
from bridge.services.times import write_time
from bridge.store import instances
from bridge.store.organizations import User
from bridge.types import JSON


def list_vendor_usage(ctx: Context, user: User) -> list[dict[str, JSON]]:
    """Return a document for each tenant database, ascending. No vendor call.

    The calls of others who share the database are counted, without their names.
    """
    zones = instances.list_zones(ctx.database, user.organization_id)
    # Several instances may share a tenant database and its budget.
    databases = sorted({zone.database for zone in zones})
    return [_document(budget) for budget in ctx.rate_limiter.get_budgets(databases)]


def describe_limits(budget: BudgetUsage) -> str:
    """Return a sentence that says which calls the rate limiter lets pass now."""
    sentences = [_describe_budget(budget)]
    if budget.quota_refused_at is not None:
        sentences.append(
            f"Autotask refused a call for quota at {_second(budget.quota_refused_at)}"
        )
    if budget.breaker_until is not None:
        sentences.append(
            "its host failed too often and is called again at "
            f"{_second(budget.breaker_until)}"
        )
    return "; ".join(sentences)


def _describe_budget(budget: BudgetUsage) -> str:
    until = budget.refused_until
    interactive, others = until[Priority.INTERACTIVE], until[Priority.BULK]
    if interactive is None and others is None:
        return "calls pass"
    if interactive is None and others is not None:
        return (
            "interactive calls pass, bulk and polling calls are refused until "
            f"{_second(others)} at the earliest"
        )
    first = min(each for each in (interactive, others) if each is not None)
    return f"calls are refused until {_second(first)} at the earliest"


def _second(moment: datetime) -> str:
    return f"{moment:%H:%M:%S} UTC"


def _document(budget: BudgetUsage) -> dict[str, JSON]:
    """Return the usage as JSON; `theirs` is null without a recent reading."""
    until = budget.breaker_until
    return {
        "database": budget.database,
        "threshold": budget.threshold,
        "used": budget.ours + (budget.theirs or 0),
        "ours": budget.ours,
        "theirs": budget.theirs,
        "readAt": _time(budget.read_at),
        "ageSeconds": None if budget.age_s is None else int(budget.age_s),
        "assumedUsedUp": budget.quota_refused_at is not None,
        "quotaRefusedAt": _time(budget.quota_refused_at),
        "refusedUntil": {
            priority.name.lower(): _time(moment)
            for priority, moment in budget.refused_until.items()
        },
        "lanes": [
            {
                "entity": slots.entity,
                "lanes": slots.slots,
                "inFlight": slots.in_flight,
                "waiting": slots.waiting,
            }
            for slots in budget.slots
        ],
        "breaker": {
            "state": "closed" if until is None else "open",
            "retryAt": _time(until),
        },
    }


def _time(moment: datetime | None) -> str | None:
    return write_time(moment) if moment else None
