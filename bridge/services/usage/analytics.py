"""Counts of logged requests for callers. No vendor call.

Members beside `timestamp`, `count`, `usage` and `instancesCreatedCount` are ours, after
those of the events' analytics. Source: elements-api 7.8, row 86 and Appendix E.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from bridge.errors import ForbiddenError, InvalidRequestError
from bridge.services.context import Context
from bridge.services.times import write_time
from bridge.services.usage import time_buckets
from bridge.services.usage.requests import UsageSearch, read_search
from bridge.store import accounts, instance_search
from bridge.store.logs import usage as rows
from bridge.store.logs.usage import Aspect, RequestFilter
from bridge.store.organizations import User
from bridge.types import JSON

_SPAN = timedelta(days=1)

_ANY = 0
_Bucket: TypeAlias = tuple[datetime, int]
"""The start of an interval and a status."""

Grouping: TypeAlias = Literal["accounts", "elements"]

_ASPECTS: Mapping[Grouping, tuple[Aspect, str]] = {
    "accounts": ("account_id", "accountId"),
    "elements": ("element_key", "elementKey"),
}
GROUPINGS = tuple(_ASPECTS)


@dataclass(frozen=True, slots=True)
class MetricsSearch:
    """The parameters of a count; without account ids, of the caller's own account."""

    usage: UsageSearch
    account_ids: Sequence[str] = ()
    interval: str = ""


def count_over_time(
    ctx: Context, user: User, search: MetricsSearch
) -> list[dict[str, JSON]]:
    """Return one item for each interval, with 0 for those without requests.

    Items have `timestamp`, `count`, `success` and `failed`.

    Raises:
        InvalidRequestError: a date, the status, the interval or an id cannot be used,
            or there are too many intervals.
        NotFoundError: the time is in the future.
        ForbiddenError: the caller may not see an account.
    """
    starts, count, failed = _count_in_buckets(ctx, user, search, by_status=False)
    return [
        {
            "timestamp": write_time(start),
            **_counts(count[start, _ANY], failed[start, _ANY]),
        }
        for start in starts
    ]


def count_statuses(
    ctx: Context, user: User, search: MetricsSearch
) -> list[dict[str, JSON]]:
    """Return one item for each response status in an interval, ascending.

    Items have `timestamp`, `status`, `count`, `success` and `failed`.

    Raises:
        As `count_over_time`.
    """
    _, count, failed = _count_in_buckets(ctx, user, search, by_status=True)
    return [
        {
            "timestamp": write_time(start),
            "status": status,
            **_counts(number, failed[start, status]),
        }
        for (start, status), number in sorted(count.items())
    ]


def count_by(
    ctx: Context, user: User, search: MetricsSearch, kind: Grouping
) -> list[dict[str, JSON]]:
    """Return one item for each account or element with requests, ascending.

    Items have `accountId` or `elementKey` (null for requests without one), then
    `count`, `success` and `failed`.

    Raises:
        As `count_over_time`; the interval is ignored.
    """
    query, _, _ = _read(ctx, user, search)
    aspect, member = _ASPECTS[kind]
    return [
        {member: counted.kind, **_counts(counted.count, counted.failed)}
        for counted in rows.count_by(ctx.database, query, aspect)
    ]


def count_by_instance(
    ctx: Context, user: User, search: MetricsSearch
) -> dict[str, JSON]:
    """Return `usage`: an item for each instance with requests, ascending by id.

    Items have `instanceId`, `count`, `success` and `failed`; deleted instances are
    included.

    Raises:
        As `count_over_time`; the interval is ignored.
    """
    query, _, _ = _read(ctx, user, search)
    usage: list[JSON] = [
        {"instanceId": counted.kind, **_counts(counted.count, counted.failed)}
        for counted in rows.count_by(ctx.database, query, "instance_id")
        if counted.kind is not None
    ]
    return {"usage": usage}


def count_created_instances(
    ctx: Context, user: User, search: MetricsSearch
) -> dict[str, JSON]:
    """Return `instancesCreatedCount`: the number of new instances that still exist.

    Raises:
        As `count_over_time`; interval, status and text are ignored.
    """
    query, since, until = _read(ctx, user, search)
    count = instance_search.count_created(
        ctx.database,
        account_ids=query.account_ids,
        element_keys=query.element_keys,
        tags=query.tags,
        since=since,
        until=until,
    )
    return {"instancesCreatedCount": count}


def _count_in_buckets(
    ctx: Context, user: User, search: MetricsSearch, *, by_status: bool
) -> tuple[list[datetime], Counter[_Bucket], Counter[_Bucket]]:
    """Return the starts of the intervals, and the requests and the failed ones in each.

    Without `by_status` all are counted under the status `_ANY`.
    """
    query, since, until = _read(ctx, user, search)
    interval = time_buckets.read_interval(search.interval, since, until)
    # Validated before the database counts anything.
    starts = time_buckets.starts(since, until, interval)
    count, failed = Counter[_Bucket](), Counter[_Bucket]()
    width = time_buckets.width(interval)
    for counted in rows.count_by_time(ctx.database, query, width):
        time, status = counted.kind
        bucket = time_buckets.start_of(time, interval), status if by_status else _ANY
        count[bucket] += counted.count
        failed[bucket] += counted.failed
    return starts, count, failed


def _read(
    ctx: Context, user: User, search: MetricsSearch
) -> tuple[RequestFilter, datetime, datetime]:
    """Return the filter of a count with its start and end, by default one day."""
    account_ids = _account_ids(ctx, user, search.account_ids)
    query = read_search(ctx, user, search.usage)
    until = query.until or ctx.clock()
    since = query.since or _day_before(until)
    query = replace(query, account_ids=account_ids, since=since, until=until)
    return query, since, until


def _account_ids(ctx: Context, user: User, wanted: Sequence[str]) -> tuple[int, ...]:
    """Return the accounts to count; admins see all of their organization.

    Raises:
        InvalidRequestError: an id is not a number.
        ForbiddenError: the caller may not see an account, or it does not exist.
    """
    if not wanted:
        return (user.account_id,)
    visible = {user.account_id}
    if user.admin:
        found = accounts.list_accounts(ctx.database, user.organization_id)
        visible |= {account.id for account in found}
    # Compared as texts, so that `007` is not account 7.
    by_text = {str(number): number for number in visible}
    for text in wanted:
        if not (text.isascii() and text.isdecimal()):
            raise InvalidRequestError("accountIds must be whole numbers.")
        if text not in by_text:
            raise ForbiddenError(f"The account {text[:40]} is not yours to see.")
    return tuple({by_text[text] for text in wanted})


def _day_before(moment: datetime) -> datetime:
    try:
        return moment - _SPAN
    except OverflowError:
        return moment


def _counts(count: int, failed: int) -> dict[str, JSON]:
    return {"count": count, "success": count - failed, "failed": failed}
