"""The syntax tree of a filter, before and after its names and values are typed.

The parser yields `Expr[str, Literal]`: names and values as the caller wrote them.
The services turn that into `Expr[Field, Scalar]`, which is what a backend takes.
A tree has no `Not`: the parser pushes negation down to the opposite operator, so a
null matches neither a predicate nor its negation.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeAlias, TypeVar

F = TypeVar("F")
V = TypeVar("V")


class Operator(StrEnum):
    """The operator of a predicate; the value is its CEQL spelling.

    `IN` and `NOT_IN` take one value or more, the null tests none, the others one.
    """

    EQUAL = "="
    NOT_EQUAL = "!="
    LESS = "<"
    LESS_OR_EQUAL = "<="
    GREATER = ">"
    GREATER_OR_EQUAL = ">="
    LIKE = "LIKE"
    NOT_LIKE = "NOT LIKE"
    IN = "IN"
    NOT_IN = "NOT IN"
    IS_NULL = "IS NULL"
    IS_NOT_NULL = "IS NOT NULL"

    @property
    def opposite(self) -> Operator:
        """The operator that holds where this one does not, nulls left out."""
        return _OPPOSITE[self]


_PAIRS = (
    (Operator.EQUAL, Operator.NOT_EQUAL),
    (Operator.LESS, Operator.GREATER_OR_EQUAL),
    (Operator.GREATER, Operator.LESS_OR_EQUAL),
    (Operator.LIKE, Operator.NOT_LIKE),
    (Operator.IN, Operator.NOT_IN),
    (Operator.IS_NULL, Operator.IS_NOT_NULL),
)
_OPPOSITE = dict(_PAIRS) | {right: left for left, right in _PAIRS}

ORDERINGS = frozenset(
    {
        Operator.LESS,
        Operator.LESS_OR_EQUAL,
        Operator.GREATER,
        Operator.GREATER_OR_EQUAL,
    }
)
PATTERNS = frozenset({Operator.LIKE, Operator.NOT_LIKE})
AFFIRMED_EQUALITIES = frozenset({Operator.EQUAL, Operator.IN})
EQUALITIES = AFFIRMED_EQUALITIES | {Operator.NOT_EQUAL, Operator.NOT_IN}


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as written: its text without quotes, and whether it had quotes."""

    text: str
    quoted: bool = True


@dataclass(frozen=True, slots=True)
class Predicate(Generic[F, V]):
    """One condition on one field.

    `column` counts from 1 and points at the field name; two predicates that differ
    in nothing else are equal.
    """

    field: F
    operator: Operator
    values: tuple[V, ...] = ()
    # Equality without the position, so that a rendered filter parses to an equal one.
    column: int = dataclasses.field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class And(Generic[F, V]):
    """All of two or more; from the parser, none of them an `And`."""

    items: tuple[Predicate[F, V] | And[F, V] | Or[F, V], ...]


@dataclass(frozen=True, slots=True)
class Or(Generic[F, V]):
    """Any of two or more; from the parser, none of them an `Or`.

    `is_list` marks what stands for one list of values, such as an IN list of times of
    which each became a span: a query plan may divide it as it divides an IN.
    """

    items: tuple[Predicate[F, V] | And[F, V] | Or[F, V], ...]
    is_list: bool = dataclasses.field(default=False, compare=False)


Expr: TypeAlias = Predicate[F, V] | And[F, V] | Or[F, V]


def join_list(tests: Sequence[Expr[F, V]], *, affirmed: bool) -> Expr[F, V]:
    """Return the condition for a list of values, from one test for each value.

    Any of the tests must hold; for a negated list all of them.
    """
    if len(tests) == 1:
        return tests[0]
    return Or(tuple(tests), is_list=True) if affirmed else And(tuple(tests))


def negate(expr: Expr[F, V]) -> Expr[F, V]:
    """Return the filter that holds where `expr` does not, by De Morgan's laws."""
    if isinstance(expr, Predicate):
        return dataclasses.replace(expr, operator=expr.operator.opposite)
    items = tuple(negate(item) for item in expr.items)
    return Or(items) if isinstance(expr, And) else And(items)


def all_of(*conditions: Expr[F, V] | None) -> Expr[F, V] | None:
    """Return the filter that holds where all conditions do; None adds nothing."""
    items = [condition for condition in conditions if condition is not None]
    return join(And, items) if items else None


def join(kind: type[And[F, V] | Or[F, V]], items: Sequence[Expr[F, V]]) -> Expr[F, V]:
    """Return the only item, or all of them as one `kind`, without `kind` in it."""
    flat: list[Expr[F, V]] = []
    for item in items:
        flat.extend(item.items if isinstance(item, kind) else (item,))
    return flat[0] if len(flat) == 1 else kind(tuple(flat))
