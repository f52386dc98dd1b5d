"""One filter carried out as several vendor queries where one cannot hold it.

Two things do not fit into one query: a long list of IN values, which is asked for in
pieces and merged by id, and a condition on a second user-defined field, which is
tested here on what the first one lets through. Either way the result reads like one
query: ascending by id, every record once, continued after any id.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias
from zoneinfo import ZoneInfo

from bridge.ceql.ast import And, Expr, Operator, Or, Predicate
from bridge.errors import InvalidQueryError, InvalidRequestError
from bridge.interfaces import Entity, Field, Page, Scalar
from bridge.services.filtering.local_filter import matches
from bridge.services.paging import VENDOR_PAGE, FetchPage, last_id

Where: TypeAlias = Expr[Field, Scalar]

RunQuery: TypeAlias = Callable[[Where | None, int | None, int], Page]
"""Ask the vendor: filter, id to start after, most entities wanted. One vendor call."""

MAX_ALTERNATIVES = 500
"""OR conditions and IN values of one query. Source: SOAP help, query limits."""

MAX_EXCLUSIONS = 500
"""NOT IN values of one query. Unverified: no limit of AND conditions is published."""

MAX_VALUES = 5_000
"""Values of the one IN list that is cut into pieces."""

MAX_SUBQUERIES = 20
"""Queries for one filter: each page may cost as many calls."""

MAX_CALLS = 10
"""Vendor calls for one page when conditions are tested here."""


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """The queries to ask, whose results are merged, and what is tested here."""

    pieces: tuple[Where | None, ...]
    here: tuple[Where, ...] = ()


def make_plan(where: Where | None) -> QueryPlan:
    """Return how a filter is carried out.

    Raises:
        InvalidQueryError: it needs more values, alternatives or user-defined fields
            than can be asked for; the message names the limit.
    """
    if where is None:
        return QueryPlan(pieces=(None,))
    items = where.items if isinstance(where, And) else (where,)
    _check_exclusions(where)
    sent, here = _split_udfs(items)
    return QueryPlan(pieces=tuple(_cut(sent)) if sent else (None,), here=tuple(here))


def open_fetch(
    plan: QueryPlan, ask: RunQuery, zone: Callable[[], ZoneInfo]
) -> FetchPage:
    """Return the plan as one query that can be continued, for one call of ours.

    A fetch of up to 500 costs one vendor call for a plain filter; for a long IN list
    one for each piece, less where the pieces are ranges of ids; with conditions
    tested here, at most 10 in the lifetime of what is returned. `zone` is the one the
    vendor's times are written in; it is asked for only when times are tested here.
    """
    if not plan.here:
        return _open_pieces(plan.pieces, ask)
    few = limit_calls(
        ask,
        MAX_CALLS,
        "Autotask filters by one user-defined field in a query; the other "
        f"{len(plan.here)} condition(s) of this filter are tested here, and "
        f"{MAX_CALLS} vendor calls did not fill the page. Narrow the filter by other "
        "fields, or ask for a smaller pageSize.",
    )
    inner = _open_pieces(plan.pieces, few)
    known = zone()
    return _FilteringCursor(
        inner, lambda entity: all(matches(test, entity, known) for test in plan.here)
    ).fetch


def _open_pieces(pieces: tuple[Where | None, ...], ask: RunQuery) -> FetchPage:
    if len(pieces) > 1:
        return _MergingCursor(ask, pieces).fetch
    return lambda after, limit: ask(pieces[0], after, limit)


def limit_calls(ask: RunQuery, most: int, refusal: str) -> RunQuery:
    """Return `ask` for so many calls; one more is an InvalidRequestError instead."""
    calls = 0

    def ask_within_limit(where: Where | None, after: int | None, limit: int) -> Page:
        nonlocal calls
        calls += 1
        if calls > most:
            raise InvalidRequestError(refusal)
        return ask(where, after, limit)

    return ask_within_limit


def _check_exclusions(where: Where) -> None:
    for predicate in _predicates(where):
        if (
            predicate.operator is Operator.NOT_IN
            and len(predicate.values) > MAX_EXCLUSIONS
        ):
            raise _beyond(
                f"NOT IN takes at most {MAX_EXCLUSIONS} values", predicate.column
            )


def _split_udfs(items: tuple[Where, ...]) -> tuple[list[Where], list[Where]]:
    """Divide what must all hold into what the vendor tests and what is tested here.

    The first user-defined field that stands alone in its condition goes to the
    vendor, with every other condition on it.
    """
    names = [_udf_names(item) for item in items]
    pushed: set[str] = next((udfs for udfs in names if len(udfs) == 1), set())
    sent = [item for item, udfs in zip(items, names, strict=True) if not udfs - pushed]
    here = [item for item, udfs in zip(items, names, strict=True) if udfs - pushed]
    if here and len(items) == 1:
        listed = ", ".join(sorted(names[0]))
        raise _beyond(
            "Autotask filters by one user-defined field in a query; join conditions "
            f"on {listed} by AND only",
            next(_predicates(items[0])).column,
        )
    return sent, here


def _udf_names(where: Where) -> set[str]:
    return {test.field.name for test in _predicates(where) if test.field.udf}


def _predicates(where: Where) -> Iterator[Predicate[Field, Scalar]]:
    if isinstance(where, Predicate):
        yield where
    else:
        for item in where.items:
            yield from _predicates(item)


def _cut(items: list[Where]) -> list[Where]:
    """Return filters, each within one query, that hold together what all items do."""
    counts = [_count_alternatives(item) for item in items]
    if sum(counts) <= MAX_ALTERNATIVES:
        return [_all(items)]
    longest = max(range(len(items)), key=lambda at: _listed(items[at]))
    long = items[longest]
    length = _listed(long)
    room = MAX_ALTERNATIVES - (sum(counts) - counts[longest])
    if not length or room <= 0:
        raise _beyond(
            f"at most {MAX_ALTERNATIVES} alternatives are possible",
            next(_predicates(max(items, key=_count_alternatives))).column,
        )
    column = next(_predicates(long)).column
    if length > MAX_VALUES:
        raise _beyond(f"IN takes at most {MAX_VALUES} values", column)
    if room * MAX_SUBQUERIES < length:
        raise _beyond(
            f"{length} IN values and {sum(counts) - counts[longest]} other "
            f"alternatives do not go into {MAX_SUBQUERIES} queries of "
            f"{MAX_ALTERNATIVES}",
            column,
        )
    rest = items[:longest] + items[longest + 1 :]
    return [_all([piece, *rest]) for piece in _pieces(long, room)]


def _pieces(long: Where, room: int) -> Iterator[Where]:
    if not isinstance(long, Predicate):
        parts = tuple(_parts(long))
        for start in range(0, len(parts), room):
            piece = parts[start : start + room]
            yield piece[0] if len(piece) == 1 else Or(piece)
        return
    values = long.values
    if _is_id(long.field):
        values = tuple(sorted(values, key=lambda value: int(str(value))))
    for start in range(0, len(values), room):
        yield dataclasses.replace(long, values=values[start : start + room])


def _all(items: list[Where]) -> Where:
    return items[0] if len(items) == 1 else And(tuple(items))


def _listed(where: Where) -> int:
    """Return the length of an IN list, also of one that became several tests.

    Those stand at its one column; alternatives that a caller wrote stand at several.
    """
    if isinstance(where, Predicate):
        return len(where.values) if where.operator is Operator.IN else 0
    columns = {test.column for test in _predicates(where)}
    if isinstance(where, And) or len(columns) > 1 or not any(columns):
        return 0
    return sum(1 for _ in _parts(where))


def _parts(where: Where) -> Iterator[Where]:
    """Yield what a list stands for, one alternative each."""
    if isinstance(where, Or):
        for item in where.items:
            yield from _parts(item)
    elif isinstance(where, Predicate) and where.operator is Operator.IN:
        for value in where.values:
            yield dataclasses.replace(where, values=(value,))
    else:
        yield where


def _count_alternatives(where: Where) -> int:
    """Count what the vendor joins by OR; one value is no alternative to anything."""
    if isinstance(where, Predicate):
        listed = _listed(where)
        return listed if listed > 1 else 0
    if isinstance(where, And):
        return sum(map(_count_alternatives, where.items))
    return sum(
        _count_alternatives(item) or 1
        if isinstance(item, Predicate)
        else 1 + _count_alternatives(item)
        for item in where.items
    )


def _is_id(asked: Field) -> bool:
    return asked.name == "id" and not asked.udf


def _beyond(what: str, column: int) -> InvalidQueryError:
    position = f" at position {column - 1}" if column else ""
    return InvalidQueryError(
        f"Invalid where expression: {what}{position}.", column=column or None
    )


@dataclass(slots=True)
class _SubQuery:
    """One query of a merge: what was read of it, and where it goes on.

    `lowest` and `highest` bound the ids it can find, when that is known.
    """

    where: Where | None
    lowest: int | None
    highest: int | None
    rows: deque[Entity] = field(default_factory=deque)
    after: int | None = None
    more: bool = True

    def rewind(self, after: int | None) -> None:
        """Go on after an id, with nothing read."""
        self.rows.clear()
        self.after = after
        past = None not in (after, self.highest) and _int(after) >= _int(self.highest)
        self.more = not past

    def next_id(self) -> float:
        """Return the next record's id, or what it is at least while not yet read."""
        if self.rows:
            return _int(self.rows[0]["id"])
        bounds = [self.lowest, None if self.after is None else self.after + 1]
        return max((bound for bound in bounds if bound is not None), default=-1.0)


class _MergingCursor:
    """Several queries read as one list. A piece is read on only when its turn comes."""

    def __init__(self, ask: RunQuery, pieces: tuple[Where | None, ...]) -> None:
        self._ask = ask
        self._pieces = [_SubQuery(piece, *_id_range(piece)) for piece in pieces]
        self._after: int | None = None

    def fetch(self, after: int | None, limit: int) -> Page:
        """Return up to `limit` entities after an id; fewer only at the end."""
        if after is None or after != self._after:
            for piece in self._pieces:
                piece.rewind(after)
        entities: list[Entity] = []
        while len(entities) < limit:
            entity = self._next_entity(limit)
            if entity is None:
                break
            # Texts that differ in case only are found by two pieces.
            if last_id(entities, after) != entity["id"]:
                entities.append(entity)
        self._after = last_id(entities, after)
        more = any(piece.rows or piece.more for piece in self._pieces)
        return Page(entities=entities, more=more)

    def _next_entity(self, limit: int) -> Entity | None:
        """Return the entity with the lowest id; pieces are read as far as needed."""
        while live := [piece for piece in self._pieces if piece.rows or piece.more]:
            piece = min(live, key=_SubQuery.next_id)
            if piece.rows:
                return piece.rows.popleft()
            page = self._ask(piece.where, piece.after, limit)
            piece.rows.extend(page.entities)
            piece.after = last_id(page.entities, piece.after)
            piece.more = page.more and bool(page.entities)
        return None


class _FilteringCursor:
    """A query of which only some records are let through."""

    def __init__(self, inner: FetchPage, passes: Callable[[Entity], bool]) -> None:
        self._inner = inner
        self._passes = passes
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
            page = self._inner(self._read, VENDOR_PAGE)
            self._rows.extend(filter(self._passes, page.entities))
            self._read = last_id(page.entities, self._read)
            self._more = page.more and bool(page.entities)
        count = min(limit, len(self._rows))
        entities = [self._rows.popleft() for _ in range(count)]
        self._returned = last_id(entities, after)
        return Page(entities=entities, more=bool(self._rows) or self._more)


def _id_range(where: Where | None) -> tuple[int | None, int | None]:
    """Return the lowest and highest id a piece can find, as far as it tells."""
    items = where.items if isinstance(where, And) else (where,)
    for item in items:
        if isinstance(item, Predicate) and _listed(item) and _is_id(item.field):
            return _int(item.values[0]), _int(item.values[-1])
    return None, None


def _int(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(value)
    return value
