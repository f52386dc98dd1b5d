"""Render a syntax tree as CEQL text; parsing the text gives an equal tree."""

from __future__ import annotations

from bridge.ceql.ast import Expr, Literal, Operator, Or, Predicate
from bridge.ceql.scanner import BAREWORD, NAME, TIMESTAMP

_KEYWORDS = frozenset({"and", "or", "not", "like", "in", "is", "null"})


def render(expr: Expr[str, Literal]) -> str:
    """Return `expr` as a filter on one line, with no more parentheses than needed.

    For a tree in the parser's normal form (no `And` in `And`, no `Or` in `Or`, no
    empty field name), `parse_where(render(expr)) == expr`. No value and no field
    name can change the meaning of the text around it.
    """
    if isinstance(expr, Predicate):
        return _predicate(expr)
    if isinstance(expr, Or):
        return " OR ".join(render(item) for item in expr.items)
    return " AND ".join(
        # AND binds stronger than OR: only an OR inside an AND needs parentheses.
        f"({render(item)})" if isinstance(item, Or) else render(item)
        for item in expr.items
    )


def _predicate(predicate: Predicate[str, Literal]) -> str:
    tokens = [_name(predicate.field), predicate.operator.value]
    values = ", ".join(_literal(value) for value in predicate.values)
    if predicate.operator in (Operator.IN, Operator.NOT_IN):
        tokens.append(f"({values})")
    elif predicate.values:
        tokens.append(values)
    return " ".join(tokens)


def _name(name: str) -> str:
    if NAME.fullmatch(name) and name.lower() not in _KEYWORDS:
        return name
    return "`" + name.replace("`", "``") + "`"


def _literal(value: Literal) -> str:
    """Quote a text; leave a bare value bare when it can be read as one."""
    text = value.text
    if (
        not value.quoted
        and text.lower() != "null"
        and (BAREWORD.fullmatch(text) or TIMESTAMP.fullmatch(text))
    ):
        return text
    return (
        "'" + "''".join(_pair_last_backslashes(part) for part in text.split("'")) + "'"
    )


def _pair_last_backslashes(part: str) -> str:
    """Double the backslashes before a quote, which count in pairs there."""
    return part + "\\" * (len(part) - len(part.rstrip("\\")))
