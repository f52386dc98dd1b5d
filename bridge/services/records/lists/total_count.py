"""`returnTotalCount`: how many records a list has.

A count is cached for ten minutes, for all processes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from bridge.errors import InvalidRequestError, ProviderError
from bridge.services import paging
from bridge.services.context import Context
from bridge.services.paging import Cursor
from bridge.store.caches import count_cache
from bridge.store.caches.count_cache import CachedCount

MAX_CALLS = 20
"""Vendor calls that counting one list may cost: at most a vendor page each.

A list with a local filter is given up earlier, after `cursors.MAX_LOCAL_FILTER_CALLS`,
and with the same text.
"""

BEYOND = f"the records cannot be counted within {MAX_CALLS} vendor calls"

_TTL = timedelta(minutes=10)


def count(
    ctx: Context, cursor: Cursor, count_records: Callable[[], int | None]
) -> tuple[int | None, str]:
    """Return how many records a cursor has, or None and the reason.

    No vendor call when the same list was counted within ten minutes, successfully or
    not. `count_records` returns None, or raises InvalidRequestError, where counting
    takes too many calls.
    """
    known = find(ctx, cursor)
    if known is None:
        try:
            known = CachedCount(count_records())
        except InvalidRequestError:
            known = CachedCount(None)
        except ProviderError as error:
            # Not cached: the next request may succeed.
            return None, error.message
        save(ctx, cursor, known)
    return known.records, "" if known.records is not None else BEYOND


def find(ctx: Context, cursor: Cursor) -> CachedCount | None:
    """Return the cached count of a list."""
    return count_cache.find_count(
        ctx.database, cursor.instance_id, cursor.identity, ctx.clock()
    )


def save(ctx: Context, cursor: Cursor, total: CachedCount) -> None:
    """Cache a count for ten minutes; None records that counting is too expensive."""
    now = ctx.clock()
    count_cache.save_count(
        ctx.database,
        cursor.instance_id,
        cursor.identity,
        total,
        now=now,
        expires_at=now + _TTL,
    )


def walk(cursor: Cursor) -> int:
    """Count the records of a cursor by reading them. Vendor calls as its fetches."""
    counted, after, more = 0, None, True
    while more:
        page = cursor.fetch_page(after, cursor.page_size)
        counted += len(page.entities)
        after = paging.last_id(page.entities, after)
        more = page.more and bool(page.entities)
    return counted
