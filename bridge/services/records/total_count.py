"""`returnTotalCount`: how many records a list has. Autotask cannot say; we count.

What was counted is kept for ten minutes, for all processes.
"""

from __future__ import annotations

from datetime import timedelta

from bridge.errors import InvalidRequestError, ProviderError
from bridge.services import paging
from bridge.services.context import Context
from bridge.store import count_cache
from bridge.store.count_cache import CachedCount

MAX_CALLS = 20
"""Vendor calls that counting one list may cost: 500 records each, at most."""

BEYOND = f"the records cannot be counted within {MAX_CALLS} vendor calls"

_KEPT_FOR = timedelta(minutes=10)


def count(ctx: Context, walk: paging.Cursor) -> tuple[int | None, str]:
    """Return how many records a walk has, or None and the reason why not.

    No vendor call when the same list was counted within ten minutes, whatever came
    of it. A walk that costs too much ends with an InvalidRequestError of its own.
    """
    known = recall(ctx, walk)
    if known is None:
        try:
            known = CachedCount(_count(walk))
        except InvalidRequestError:
            known = CachedCount(None)
        except ProviderError as error:
            return None, error.message
        keep(ctx, walk, known)
    return known.records, "" if known.records is not None else BEYOND


def recall(ctx: Context, walk: paging.Cursor) -> CachedCount | None:
    """Return what is kept of a list."""
    return count_cache.find_count(
        ctx.database, walk.instance_id, walk.identity, ctx.clock()
    )


def keep(ctx: Context, walk: paging.Cursor, total: CachedCount) -> None:
    """Keep a total for ten minutes; one of None says that there is no counting."""
    now = ctx.clock()
    count_cache.save_count(
        ctx.database,
        walk.instance_id,
        walk.identity,
        total,
        now=now,
        expires_at=now + _KEPT_FOR,
    )


def _count(walk: paging.Cursor) -> int:
    counted, after, more = 0, None, True
    while more:
        page = walk.fetch(after, paging.VENDOR_PAGE)
        counted += len(page.entities)
        after = paging.last_id(page.entities, after)
        more = page.more and bool(page.entities)
    return counted
