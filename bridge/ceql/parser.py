"""CEQL text to syntax tree, by recursive descent.

    where     = [ any ]
    any       = all *( OR all )
    all       = unary *( AND unary )
    unary     = *NOT ( "(" any ")" / predicate )
    predicate = field comparison value
              / field [ NOT ] LIKE value
              / field [ NOT ] IN "(" value *( "," value ) ")"
              / field IS [ NOT ] NULL

The scanner decides what counts as a field or a value. The parser neither looks up
names nor converts values.

Source: elements-api 5.
"""

from __future__ import annotations

from typing import TypeAlias

from bridge.ceql.ast import And, Expr, Literal, Operator, Or, Predicate, join, negate
from bridge.ceql.scanner import Scanner
from bridge.errors import InvalidQueryError

MAX_LENGTH = 100_000
MAX_DEPTH = 100
MAX_CONDITIONS = 1_000

Where: TypeAlias = Expr[str, Literal]

_COMPARISONS = {
    "=": Operator.EQUAL,
    "!=": Operator.NOT_EQUAL,
    "<>": Operator.NOT_EQUAL,
    "<": Operator.LESS,
    "<=": Operator.LESS_OR_EQUAL,
    ">": Operator.GREATER,
    ">=": Operator.GREATER_OR_EQUAL,
}
_NULL_TESTS = {
    Operator.EQUAL: Operator.IS_NULL,
    Operator.NOT_EQUAL: Operator.IS_NOT_NULL,
}


def parse_where(text: str) -> Where | None:
    """Return the filter that `text` states; None when it is blank.

    Nested `And` in `And` and `Or` in `Or` are flattened. Equality with an unquoted null
    becomes `IS NULL`, in an IN list too.

    Raises:
        InvalidQueryError: the text is not a filter, is longer than `MAX_LENGTH`, nests
            deeper than `MAX_DEPTH`, or has more than `MAX_CONDITIONS` predicates.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidQueryError(
            f"Invalid where expression: longer than {MAX_LENGTH} characters."
        )
    if not text.strip():
        return None
    return _Parser(Scanner(text)).where()


class _Parser:
    """One parse; one method for each rule of the grammar."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self._depth = 0
        self._conditions = 0

    def where(self) -> Where:
        expr = self._any()
        self._scanner.finish()
        return expr

    def _any(self) -> Where:
        items = [self._all()]
        while self._scanner.keyword("OR"):
            items.append(self._all())
        return join(Or, items)

    def _all(self) -> Where:
        items = [self._unary()]
        while self._scanner.keyword("AND"):
            items.append(self._unary())
        return join(And, items)

    def _unary(self) -> Where:
        negated = False
        # A loop, not recursion: a text may repeat NOT thousands of times.
        while self._scanner.negation():
            negated = not negated
        expr = self._group() if self._scanner.symbol("(") else self._predicate()
        return negate(expr) if negated else expr

    def _group(self) -> Where:
        # The recursion is bounded here, well before Python's own limit.
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._too_many(f"parentheses nested deeper than {MAX_DEPTH}")
        expr = self._any()
        self._close()
        self._depth -= 1
        return expr

    def _predicate(self) -> Where:
        self._conditions += 1
        if self._conditions > MAX_CONDITIONS:
            raise self._too_many(f"more than {MAX_CONDITIONS} conditions")
        column = self._scanner.position + 1
        field = self._scanner.field_name()
        at = self._scanner.position
        signs = self._scanner.comparison()
        if signs is not None:
            if signs not in _COMPARISONS:
                raise self._scanner.expected("operator", at=at)
            return self._comparison(field, _COMPARISONS[signs], column)
        if self._scanner.keyword("IS"):
            return self._null_test(field, column)
        negated = self._scanner.keyword("NOT")
        # `NOT` stands before LIKE and IN only; the grammar has no `NOT =`.
        if self._scanner.keyword("LIKE"):
            expr: Where = Predicate(
                field, Operator.LIKE, (self._value(Operator.LIKE),), column
            )
        elif self._scanner.keyword("IN"):
            expr = self._membership(field, column)
        else:
            raise self._scanner.expected("LIKE or IN" if negated else "operator")
        return negate(expr) if negated else expr

    def _comparison(self, field: str, operator: Operator, column: int) -> Where:
        if operator not in _NULL_TESTS:
            return Predicate(field, operator, (self._value(operator),), column)
        value = self._scanner.literal()
        if _is_null(value):
            return Predicate(field, _NULL_TESTS[operator], column=column)
        return Predicate(field, operator, (value,), column)

    def _null_test(self, field: str, column: int) -> Where:
        negated = self._scanner.keyword("NOT")
        if not self._scanner.keyword("NULL"):
            raise self._scanner.expected("NULL" if negated else "NULL or NOT NULL")
        operator = Operator.IS_NOT_NULL if negated else Operator.IS_NULL
        return Predicate(field, operator, column=column)

    def _membership(self, field: str, column: int) -> Where:
        if not self._scanner.symbol("("):
            raise self._scanner.expected("opening parenthesis")
        values = [self._scanner.literal()]
        while self._scanner.symbol(","):
            values.append(self._scanner.literal())
        self._close()
        # SQL's `IN (null)` never matches; here it means IS NULL, as equality does.
        some = tuple(value for value in values if not _is_null(value))
        tests: list[Where] = []
        if some:
            tests.append(Predicate(field, Operator.IN, some, column))
        if len(some) < len(values):
            tests.append(Predicate(field, Operator.IS_NULL, column=column))
        return join(Or, tests)

    def _value(self, operator: Operator) -> Literal:
        """Read the value of an operator that does not accept null."""
        at = self._scanner.position
        value = self._scanner.literal()
        if _is_null(value):
            raise self._scanner.expected(
                f"value other than null after {operator}", at=at
            )
        return value

    def _close(self) -> None:
        if not self._scanner.symbol(")"):
            raise self._scanner.expected("closing parenthesis")

    def _too_many(self, what: str) -> InvalidQueryError:
        position = self._scanner.position
        return InvalidQueryError(
            f"Invalid where expression: {what} at position {position}.",
            column=position + 1,
        )


def _is_null(value: Literal) -> bool:
    return not value.quoted and value.text.lower() == "null"
