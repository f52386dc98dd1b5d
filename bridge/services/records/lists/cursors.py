"""Runs a query plan as one query: ascending by id, every record once.

A fetch can continue after any id, whatever was fetched before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from bridge.errors import InvalidRequestError
from bridge.interfaces import Entity, Limits, Page
from bridge.services.filtering.local_filter import TimeKey, matches
from bridge.services.paging import FetchPage, last_id
from bridge.services.records.lists.query_plan import (
    QueryPlan,
    SubQuery,
    Where,
    udf_rule,
)

RunQuery: TypeAlias = Callable[[Where | None, int | None, int], Page]
"""Query the vendor: filter, id to start after, maximum of records. One vendor call."""

MAX_LOCAL_FILTER_CALLS = 10
"""Vendor calls for one page when conditions are evaluated in this process."""


def open_fetch(
    plan: QueryPlan, run_query: RunQuery, time_key: TimeKey, limits: Limits
) -> FetchPage:
    """Return a function that fetches from a plan, for one request.

    A fetch of up to `limits.page` costs one vendor call for a plain filter; for a long
    IN list one for each subquery, fewer where the subqueries are ranges of ids; with
    conditions evaluated in this process, at most 10 in the lifetime of what is
    returned. `time_key` and `limits` are the backend's.
    """
    if not plan.local_filter:
        return _open_subqueries(plan.subqueries, run_query)
    limited = limit_calls(
        run_query,
        MAX_LOCAL_FILTER_CALLS,
        f"{udf_rule(limits)}; the other {len(plan.local_filter)} condition(s) of this "
        f"filter are tested here, and {MAX_LOCAL_FILTER_CALLS} vendor calls did not "
        "fill the page. Narrow the filter by other fields, or ask for a smaller "
        "pageSize.",
    )
    inner = _open_subqueries(plan.subqueries, limited)
    return _FilteringCursor(inner, plan.local_filter, time_key, limits.page).fetch


def limit_calls(run_query: RunQuery, max_calls: int, message: str) -> RunQuery:
    """Return `run_query` with a limit: the call after it is an InvalidRequestError."""
    calls = 0

    def run_within_limit(where: Where | None, after: int | None, limit: int) -> Page:
        nonlocal calls
        calls += 1
        if calls > max_calls:
            raise InvalidRequestError(message)
        return run_query(where, after, limit)

    return run_within_limit


def _open_subqueries(
    subqueries: tuple[SubQuery, ...], run_query: RunQuery
) -> FetchPage:
    if len(subqueries) > 1:
        return _MergingCursor(run_query, subqueries).fetch
    return partial(run_query, subqueries[0].where)


@dataclass(slots=True)
class _SubCursor:
    """How far one subquery of a merge was read, and the records read ahead."""

    query: SubQuery
    rows: deque[Entity] = field(default_factory=deque)
    after: int | None = None
    more: bool = True

    def rewind(self, after: int | None) -> None:
        """Continue after an id, with nothing read ahead."""
        self.rows.clear()
        self.after = after
        highest = self.query.highest
        # A range of ids that lies before the start needs no call at all.
        self.more = after is None or highest is None or after < highest

    def next_id(self) -> float:
        """Return the next record's id, or a lower bound of it where none was read."""
        if self.rows:
            return self.rows[0].id
        bounds = [self.query.lowest, None if self.after is None else self.after + 1]
        return max((bound for bound in bounds if bound is not None), default=-1.0)


class _MergingCursor:
    """Several queries read as one list; each is read on only when its turn comes."""

    def __init__(self, run_query: RunQuery, subqueries: tuple[SubQuery, ...]) -> None:
        self._run_query = run_query
        self._cursors = [_SubCursor(query) for query in subqueries]
        self._after: int | None = None

    def fetch(self, after: int | None, limit: int) -> Page:
        """Return up to `limit` entities after an id; fewer only at the end."""
        # Not where the last fetch ended, so what was read ahead does not fit.
        if after is None or after != self._after:
            for cursor in self._cursors:
                cursor.rewind(after)
        entities: list[Entity] = []
        while len(entities) < limit:
            entity = self._next_entity(limit)
            if entity is None:
                break
            # Texts that differ only in case are found by two subqueries.
            if last_id(entities, after) != entity.id:
                entities.append(entity)
        self._after = last_id(entities, after)
        more = any(cursor.rows or cursor.more for cursor in self._cursors)
        return Page(entities=entities, more=more)

    def _next_entity(self, limit: int) -> Entity | None:
        """Return the entity with the lowest id, reading only the queries it needs."""
        while live := [item for item in self._cursors if item.rows or item.more]:
            cursor = min(live, key=_SubCursor.next_id)
            if cursor.rows:
                return cursor.rows.popleft()
            page = self._run_query(cursor.query.where, cursor.after, limit)
            cursor.rows.extend(page.entities)
            cursor.after = last_id(page.entities, cursor.after)
            cursor.more = page.more and bool(page.entities)
        return None


class _FilteringCursor:
    """A query whose records are filtered in this process."""

    def __init__(
        self,
        inner: FetchPage,
        conditions: tuple[Where, ...],
        time_key: TimeKey,
        page_size: int,
    ) -> None:
        self._inner = inner
        self._conditions = conditions
        self._time_key = time_key
        self._page_size = page_size
        self._rows: deque[Entity] = deque()
        self._returned: int | None = None
        self._read: int | None = None
        self._more = True

    def fetch(self, after: int | None, limit: int) -> Page:
        """Return up to `limit` entities after an id; fewer only at the end."""
        if after is None or after != self._returned:
            self._rows.clear()
            self._read, self._more = after, True
        while self._more and len(self._rows) < limit:
            # Always whole pages: calls are limited, and most records may not pass.
            page = self._inner(self._read, self._page_size)
            self._rows.extend(filter(self._passes, page.entities))
            self._read = last_id(page.entities, self._read)
            self._more = page.more and bool(page.entities)
        count = min(limit, len(self._rows))
        entities = [self._rows.popleft() for _ in range(count)]
        self._returned = last_id(entities, after)
        return Page(entities=entities, more=bool(self._rows) or self._more)

    def _passes(self, entity: Entity) -> bool:
        return all(
            matches(test, entity.get, self._time_key) for test in self._conditions
        )
