"""Write a filter as the vendor's query document (queryxml). No input or output.

The vendor joins siblings from left to right without precedence: a `field` with AND, a
`condition` with its operator, the first one's operator ignored; a condition's content
is evaluated first, as a bracket. So alternatives stand flat side by side inside one
bracket, and the paging term comes last, where it restricts everything before it.
What one query may hold, by `limits.LIMITS`, was checked where it was planned.
Source: SOAP help, queryxml; behaviour as published clients rely on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from bridge.backends.autotask_soap.encode.values import VendorTimes, wire_text
from bridge.backends.autotask_soap.encode.xmltext import escape
from bridge.ceql.ast import And, Expr, Operator, Predicate
from bridge.errors import InvalidQueryError
from bridge.interfaces import Field, Scalar

_MAX_DEPTH = 50
_COMPARISONS = {
    Operator.EQUAL: "Equals",
    Operator.NOT_EQUAL: "NotEqual",
    Operator.LESS: "LessThan",
    Operator.LESS_OR_EQUAL: "LessThanOrEquals",
    Operator.GREATER: "GreaterThan",
    Operator.GREATER_OR_EQUAL: "GreaterThanorEquals",
}
_NULL_TESTS = {Operator.IS_NULL: "IsNull", Operator.IS_NOT_NULL: "IsNotNull"}
_EMPTY_TESTS = {Operator.EQUAL: "IsNull", Operator.NOT_EQUAL: "IsNotNull"}
_FIRST_PAGE = '<field>id<expression op="GreaterThanorEquals">0</expression></field>'


@dataclass(frozen=True, slots=True)
class _Condition:
    """One `field` element."""

    field: Field
    op: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class _Group:
    """A bracket: all of its items, or any of them. Contains no group of its kind."""

    any: bool
    items: tuple[_Item, ...]


_Item: TypeAlias = _Condition | _Group


def render(
    entity: str,
    where: Expr[Field, Scalar] | None,
    *,
    after: int | None,
    times: VendorTimes,
) -> str:
    """Return the query document for the entities with id above `after`.

    The vendor refuses a query without a condition, so the first page of all records
    has the condition `id >= 0`: id 0 is a real record. Source: SOAP help, account 0.

    Raises:
        InvalidQueryError: too deep nesting.
    """
    parts: list[str] = []
    if where is not None:
        tree = _simplify(where, times, depth=1)
        top = tree if isinstance(tree, _Group) else _Group(any=False, items=(tree,))
        _write_items(top, parts)
    if after is not None:
        # Last, because everything before it is then restricted by it.
        parts.append(
            f'<field>id<expression op="GreaterThan">{after}</expression></field>'
        )
    elif where is None:
        parts.append(_FIRST_PAGE)
    return (
        f"<queryxml><entity>{escape(entity)}</entity>"
        f"<query>{''.join(parts)}</query></queryxml>"
    )


def _simplify(where: Expr[Field, Scalar], times: VendorTimes, *, depth: int) -> _Item:
    """Turn a filter into conditions and groups; merge nested groups of one kind."""
    if depth > _MAX_DEPTH:
        raise InvalidQueryError(
            f"The filter is nested more than {_MAX_DEPTH} levels deep."
        )
    if isinstance(where, Predicate):
        return _predicate(where, times)
    return _group(
        [_simplify(item, times, depth=depth + 1) for item in where.items],
        any_of=not isinstance(where, And),
    )


def _group(items: list[_Item], *, any_of: bool) -> _Item:
    flat: list[_Item] = []
    for item in items:
        if isinstance(item, _Group) and item.any == any_of:
            flat.extend(item.items)
        else:
            flat.append(item)
    return flat[0] if len(flat) == 1 else _Group(any=any_of, items=tuple(flat))


def _predicate(predicate: Predicate[Field, Scalar], times: VendorTimes) -> _Item:
    field, operator = predicate.field, predicate.operator
    if operator in _NULL_TESTS:
        return _Condition(field, _NULL_TESTS[operator])
    if operator is Operator.IN or operator is Operator.NOT_IN:
        single = Operator.EQUAL if operator is Operator.IN else Operator.NOT_EQUAL
        conditions: list[_Item] = [
            _comparison(field, single, wire_text(field, value, times))
            for value in predicate.values
        ]
        return _group(conditions, any_of=operator is Operator.IN)
    text = wire_text(field, predicate.values[0], times)
    if operator is Operator.LIKE:
        return _like(field, text)
    if operator is Operator.NOT_LIKE:
        if "%" in text:
            return _Condition(field, "NotLike", text)
        operator = Operator.NOT_EQUAL
    return _comparison(field, operator, text)


def _comparison(field: Field, operator: Operator, text: str) -> _Condition:
    """Return the condition of one comparison; the empty text is queried as null.

    Unset texts are returned as empty or not at all, and `IsNull` matches both, while
    the other operators require a value. Unverified: that `IsNull` matches the empty
    text.
    """
    if not text and operator in _EMPTY_TESTS:
        return _Condition(field, _EMPTY_TESTS[operator])
    return _Condition(field, _COMPARISONS[operator], text)


def _like(field: Field, pattern: str) -> _Condition:
    core = pattern.strip("%")
    # `%` alone matches any text, but not null.
    if pattern and not core:
        return _Condition(field, "IsNotNull")
    starts, ends = pattern.startswith("%"), pattern.endswith("%")
    # A wildcard inside: only `Like` itself can express that.
    if "%" in core:
        return _Condition(field, "Like", pattern)
    if starts and ends:
        return _Condition(field, "Contains", core)
    if ends:
        return _Condition(field, "BeginsWith", core)
    if starts:
        return _Condition(field, "EndsWith", core)
    return _comparison(field, Operator.EQUAL, pattern)


def _write_items(group: _Group, parts: list[str]) -> None:
    """Append a bracket's content, its items joined by AND or by OR."""
    for position, item in enumerate(group.items):
        # The vendor ignores the operator of the first item, so only later ones have
        # it.
        joined_by_or = group.any and position > 0
        if isinstance(item, _Condition) and not joined_by_or:
            parts.append(_field(item))
            continue
        parts.append('<condition operator="OR">' if joined_by_or else "<condition>")
        if isinstance(item, _Condition):
            parts.append(_field(item))
        else:
            _write_items(item, parts)
        parts.append("</condition>")


def _field(condition: _Condition) -> str:
    udf = ' udf="true"' if condition.field.udf else ""
    return (
        f"<field{udf}>{escape(condition.field.name)}"
        f'<expression op="{condition.op}">{escape(condition.text)}</expression></field>'
    )
