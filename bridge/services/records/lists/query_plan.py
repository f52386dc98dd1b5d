"""One filter divided into what several vendor queries can hold. Pure.

A vendor query can hold neither a long list of IN values nor conditions on any number
of user-defined fields; `Limits` says how many. A long list is divided into queries
whose results are merged by id; conditions on further user-defined fields are evaluated
in this process on the records that the first ones match. `cursors` runs the plan.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from bridge.ceql.ast import And, Expr, Operator, Or, Predicate, all_of
from bridge.errors import InvalidQueryError
from bridge.interfaces import Field, Limits, Scalar

Where: TypeAlias = Expr[Field, Scalar]

MAX_VALUES = 5_000
"""Values of the one IN list that is divided."""

MAX_SUBQUERIES = 20
"""Queries for one filter: each page may cost as many calls."""


@dataclass(frozen=True, slots=True)
class SubQuery:
    """One vendor query of a plan.

    `lowest` and `highest` bound the ids that it can find, where they are known.
    """

    where: Where | None
    lowest: int | None = None
    highest: int | None = None


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """Vendor queries to merge by id, and the conditions to evaluate in this process."""

    subqueries: tuple[SubQuery, ...]
    local_filter: tuple[Where, ...] = ()


def make_plan(where: Where | None, limits: Limits) -> QueryPlan:
    """Return the plan of a filter for a vendor with these limits.

    Raises:
        InvalidQueryError: it needs more values, alternatives or user-defined fields
            than the queries can hold; the message names the limit.
    """
    if where is None:
        return QueryPlan((SubQuery(None),))
    items = where.items if isinstance(where, And) else (where,)
    _check_exclusions(where, limits)
    remote, local = _split_udfs(items, limits)
    if not remote:
        return QueryPlan((SubQuery(None),), tuple(local))
    return QueryPlan(tuple(_divide(remote, limits.alternatives)), tuple(local))


def udf_rule(limits: Limits) -> str:
    """Return the vendor's rule on user-defined fields, to begin a sentence with."""
    count = "one" if limits.udfs == 1 else str(limits.udfs)
    kind = "user-defined field" if limits.udfs == 1 else "user-defined fields"
    return f"Autotask filters by {count} {kind} in a query"


def _check_exclusions(where: Where, limits: Limits) -> None:
    for predicate in _predicates(where):
        if (
            predicate.operator is Operator.NOT_IN
            and len(predicate.values) > limits.exclusions
        ):
            raise _beyond(
                f"NOT IN takes at most {limits.exclusions} values", predicate.column
            )


def _split_udfs(
    items: tuple[Where, ...], limits: Limits
) -> tuple[list[Where], list[Where]]:
    """Split joined conditions into those for the vendor and those for this process.

    The first conditions whose user-defined fields the vendor takes in one query go to
    it, with every other condition on these fields.
    """
    names = [_udf_names(item) for item in items]
    pushed: set[str] = set()
    for udfs in names:
        if len(pushed | udfs) <= limits.udfs:
            pushed |= udfs
    remote: list[Where] = []
    local: list[Where] = []
    for item, udfs in zip(items, names, strict=True):
        (local if udfs - pushed else remote).append(item)
    if local and len(items) == 1:
        listed = ", ".join(sorted(names[0]))
        raise _beyond(
            f"{udf_rule(limits)}; join conditions on {listed} by AND only",
            next(_predicates(items[0])).column,
        )
    return remote, local


def _udf_names(where: Where) -> set[str]:
    return {test.field.name for test in _predicates(where) if test.field.udf}


def _predicates(where: Where) -> Iterator[Predicate[Field, Scalar]]:
    if isinstance(where, Predicate):
        yield where
    else:
        for item in where.items:
            yield from _predicates(item)


def _divide(items: list[Where], alternatives: int) -> Iterator[SubQuery]:
    """Yield queries that find together what all conditions match.

    Each has at most so many alternatives.
    """
    counts = [_count_alternatives(item) for item in items]
    if sum(counts) <= alternatives:
        yield SubQuery(all_of(*items), *_id_range(items))
        return
    longest = max(range(len(items)), key=lambda at: _list_length(items[at]))
    long, length = items[longest], _list_length(items[longest])
    free = alternatives - (sum(counts) - counts[longest])
    if not length or free <= 0:
        raise _beyond(
            f"at most {alternatives} alternatives are possible",
            next(_predicates(max(items, key=_count_alternatives))).column,
        )
    column = next(_predicates(long)).column
    if length > MAX_VALUES:
        raise _beyond(f"IN takes at most {MAX_VALUES} values", column)
    if free * MAX_SUBQUERIES < length:
        raise _beyond(
            f"{length} IN values and {sum(counts) - counts[longest]} other "
            f"alternatives do not go into {MAX_SUBQUERIES} queries of "
            f"{alternatives}",
            column,
        )
    rest = items[:longest] + items[longest + 1 :]
    for part in _parts(long, free):
        conditions = [part, *rest]
        yield SubQuery(all_of(*conditions), *_id_range(conditions))


def _parts(long: Where, size: int) -> Iterator[Where]:
    """Yield a list of values as lists of at most `size`."""
    if not isinstance(long, Predicate):
        tests = tuple(_list_items(long))
        for start in range(0, len(tests), size):
            part = tests[start : start + size]
            yield part[0] if len(part) == 1 else Or(part)
        return
    values = long.values
    if _is_id(long.field):
        # Ranges of ids that do not overlap are read one after the other.
        values = tuple(sorted(values, key=lambda value: int(str(value))))
    for start in range(0, len(values), size):
        yield dataclasses.replace(long, values=values[start : start + size])


def _list_length(where: Where) -> int:
    """Return how many values a list has that may be divided; 0 for anything else."""
    if isinstance(where, Predicate):
        return len(where.values) if where.operator is Operator.IN else 0
    if isinstance(where, Or) and where.is_list:
        return sum(1 for _ in _list_items(where))
    return 0


def _list_items(where: Where) -> Iterator[Where]:
    """Yield one test for each value of a list."""
    if isinstance(where, Or):
        for item in where.items:
            yield from _list_items(item)
    elif isinstance(where, Predicate) and where.operator is Operator.IN:
        for value in where.values:
            yield dataclasses.replace(where, values=(value,))
    else:
        yield where


def _count_alternatives(where: Where) -> int:
    """Count what the vendor joins by OR; a list of one value has no alternatives."""
    if isinstance(where, Predicate):
        length = _list_length(where)
        return length if length > 1 else 0
    if isinstance(where, And):
        return sum(map(_count_alternatives, where.items))
    return sum(
        _count_alternatives(item) or 1
        if isinstance(item, Predicate)
        else 1 + _count_alternatives(item)
        for item in where.items
    )


def _is_id(field: Field) -> bool:
    return field.name == "id" and not field.udf


def _id_range(conditions: list[Where]) -> tuple[int | None, int | None]:
    """Return the lowest and highest id that an IN list of ids lets a query find."""
    for item in conditions:
        if not isinstance(item, Predicate):
            continue
        if item.operator is Operator.IN and _is_id(item.field):
            ids = [int(str(value)) for value in item.values]
            return min(ids), max(ids)
    return None, None


def _beyond(what: str, column: int) -> InvalidQueryError:
    position = f" at position {column - 1}" if column else ""
    return InvalidQueryError(
        f"Invalid where expression: {what}{position}.", column=column or None
    )
