"""Turns a query into SQL: names, operators per type, values, nulls, logic.

Values are parameters, never part of the SQL. Nulls follow SQL: only IsNull matches
them, and for texts null and empty are the same.
Source: SOAP help, QueryXML. The vendor does not validate values before its database
does, whose message it returns. Unverified: the rule about nulls, the texts of faults.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from bridge.sandbox import errors
from bridge.sandbox.data import values
from bridge.sandbox.data.collation import PARTS
from bridge.sandbox.data.schema import Column, Table
from bridge.sandbox.data.values import Stored
from bridge.sandbox.declarations import rule
from bridge.sandbox.errors import BusinessError
from bridge.sandbox.soap.queryxml import Condition, Expression, Field, Joiner

_T = TypeVar("_T")

_MAX_BRACKETS = 30  # SQLite's parser allows a few more
_MAX_JOINED = 250  # longer runs are nested: SQLite allows an expression depth of 1,000

_COMPARISONS = {
    "equals": "=",
    "notequal": "<>",
    "greaterthan": ">",
    "lessthan": "<",
    "greaterthanorequals": ">=",
    "lessthanorequals": "<=",
}
_ORDERED = frozenset(_COMPARISONS) - {"equals", "notequal"}
_PATTERNS: dict[str, Callable[[str], str]] = {
    "beginswith": lambda value: value + PARTS,
    "endswith": lambda value: PARTS + value,
    "contains": lambda value: PARTS + value + PARTS,
    "like": lambda value: value.replace("%", PARTS),
    "notlike": lambda value: value.replace("%", PARTS),
}
_NULLS = frozenset({"isnull", "isnotnull"})
_TEXT_ONLY = frozenset(_PATTERNS) | {"soundslike"}
_OPERATORS = frozenset(_COMPARISONS) | _TEXT_ONLY | _NULLS | {"isthisday"}


@dataclass(frozen=True, slots=True)
class Filter:
    """An SQL condition with its parameters; `brackets` is its nesting depth."""

    sql: str
    parameters: tuple[Stored, ...] = ()
    brackets: int = 0


@rule(
    "Query",
    "Brackets that nest more than 30 deep are an error of the database",
    source="clients",
)
@rule("Query", "One user-defined field in a query", source="help")
def compile_filter(table: Table, where: Condition) -> Filter:
    """Return the SQL condition of a query on one entity.

    Raises:
        BusinessError: unknown, unqueryable or second UDF name, an operator that the
            type does not have, a value that is not of the type, or nesting that is
            too deep for the database.
    """
    fields = [item for _, item in where.walk() if isinstance(item, Field)]
    if len({field.name for field in fields if field.udf}) > 1:
        raise BusinessError(errors.SECOND_UDF)
    compiled = _condition(table, where)
    if compiled.brackets > _MAX_BRACKETS:
        raise BusinessError(errors.TOO_DEEP)
    return compiled


@rule(
    "Query",
    "Siblings join left to right; a condition is a bracket; "
    "expressions of a field join with OR",
    source="clients",
)
def _condition(table: Table, condition: Condition) -> Filter:
    """Join items left to right: a change of the joiner brackets what came before."""
    run: list[Filter] = []
    joined_by: Joiner = "AND"
    for joiner, item in condition.items:
        compiled = (
            _condition(table, item)
            if isinstance(item, Condition)
            else _field(table, item)
        )
        if len(run) > 1 and joiner != joined_by:
            run = [_join(run, joined_by)]
        joined_by = joiner
        run.append(compiled)
    return _join(run, joined_by)


def _join(run: list[Filter], joiner: str) -> Filter:
    while len(run) > _MAX_JOINED:
        run = [
            _join(run[start : start + _MAX_JOINED], joiner)
            for start in range(0, len(run), _MAX_JOINED)
        ]
    if len(run) == 1:
        return run[0]
    return Filter(
        "(" + f" {joiner} ".join(part.sql for part in run) + ")",
        tuple(value for part in run for value in part.parameters),
        1 + max(part.brackets for part in run),
    )


def _field(table: Table, field: Field) -> Filter:
    column = _column(table, field)
    return _join([_expression(column, item) for item in field.expressions], "OR")


@rule(
    "Query",
    "Fields that cannot be queried are an error; the id always can",
    source="help",
)
def _column(table: Table, field: Field) -> Column:
    entity = table.entity.name
    if field.udf:
        udf = table.udf(field.name)
        if udf is None:
            raise BusinessError(errors.UNKNOWN_UDF.format(field.name, entity))
        return udf
    found = table.column(field.name)
    if found is None:
        raise BusinessError(errors.UNKNOWN_FIELD.format(field.name, entity))
    # Clients page every entity by its id, also where metadata calls it not queryable.
    if not found.queryable and found is not table.columns[0]:
        raise BusinessError(errors.NOT_QUERYABLE.format(found.name, entity))
    return replace(found, sql=found.compared) if found.compared else found


def _expression(column: Column, expression: Expression) -> Filter:
    operator = expression.operator
    if operator not in _OPERATORS:
        raise BusinessError(
            errors.INVALID_QUERY.format(f"Unknown operator {operator}.")
        )
    if not _allowed(column, operator):
        raise BusinessError(
            errors.INVALID_QUERY.format(
                f"The operator {operator} is not allowed for the field {column.name}."
            )
        )
    if operator in _NULLS:
        return _null(column, operator)
    if operator in _TEXT_ONLY:
        return _pattern(column, expression)
    if operator == "isthisday":
        day = _convert(column, values.read_time, expression.value).date()
        return Filter(f"substr({column.sql}, 1, 10) = ?", (day.isoformat(),))
    value = _convert(column, column.kind.read_compared, expression.value)
    return Filter(f"{column.sql} {_COMPARISONS[operator]} ?", (value,))


@rule("Query", "Operators by type; others are an error", source="help")
def _allowed(column: Column, operator: str) -> bool:
    if operator in _TEXT_ONLY:
        return column.kind.is_text
    if operator == "isthisday":
        return column.kind.is_time
    return operator not in _ORDERED or column.kind is not values.BOOLEAN


@rule("Query", "Nulls match IsNull only; for texts empty is null", source="unverified")
def _null(column: Column, operator: str) -> Filter:
    if not column.kind.is_text:
        return Filter(f"{column.sql} {'IS' if operator == 'isnull' else 'IS NOT'} NULL")
    if operator == "isnull":
        return Filter(f"({column.sql} IS NULL OR {column.sql} = '')", (), 1)
    return Filter(f"{column.sql} <> ''")


@rule("Query", "Protected user-defined fields compare with case", source="help")
def _pattern(column: Column, expression: Expression) -> Filter:
    operator, value = expression.operator, expression.value
    if operator == "soundslike":
        return Filter(f"service_soundex({column.sql}) = service_soundex(?)", (value,))
    function = "matches_exactly" if column.protected else "matches"
    negation = "NOT " if operator == "notlike" else ""
    return Filter(
        f"{negation}{function}({column.sql}, ?)", (_PATTERNS[operator](value),)
    )


@rule(
    "Query",
    "A value that is not of the field's type is an error of the "
    "database, for whole numbers",
    source="rest",
)
@rule(
    "Query",
    "A value that is not of the field's type is an error of the "
    "database, for other types",
    source="unverified",
)
def _convert(column: Column, read: Callable[[str], _T], text: str) -> _T:
    try:
        return read(text)
    except ValueError as error:
        raise BusinessError(
            errors.NOT_COMPARABLE.format(text, column.kind.database_type)
        ) from error
