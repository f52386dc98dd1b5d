"""Validation of JSON bodies, member by member.

An invalid value is a ValueError whose message names the member.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, NoReturn, TypeAlias

_MAX_LENGTH = 200

Members: TypeAlias = Mapping[str, Any]


def parse(body: bytes) -> object:
    """Parse a JSON text; infinities and NaN are refused."""
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("The JSON is nested too deeply.") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"The body is not valid JSON: {error}.") from error


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number.")


def members(document: object, known: Collection[str]) -> Members:
    """Return the members of an object that has only known ones."""
    if not isinstance(document, Mapping):
        raise ValueError("A JSON object is needed.")  # noqa: TRY004 - one kind for all
    unknown = set(document) - set(known)
    if unknown:
        raise ValueError(f"Unknown members: {', '.join(sorted(unknown))}.")
    return document


def text(given: Members, name: str) -> str:
    """Return a member that must be a text."""
    value = given.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a text.")  # noqa: TRY004 - one kind for all
    if len(value) > _MAX_LENGTH:
        raise ValueError(f"{name} must be a text of up to {_MAX_LENGTH} characters.")
    return value


def switch(given: Members, name: str, *, default: bool) -> bool:
    """Return a member that must be true or false."""
    value = given.get(name, default)
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false.")  # noqa: TRY004 - one kind for all
    return value


def whole(
    given: Members, name: str, minimum: int, maximum: int, *, default: int | None = None
) -> int:
    """Return a member that must be a whole number between two, both allowed."""
    value = given.get(name, default)
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole or not minimum <= value <= maximum:
        raise ValueError(f"{name} must be a whole number from {minimum} to {maximum}.")
    return int(value)


def number(
    given: Members, name: str, minimum: float, maximum: float, *, default: float = 0
) -> float:
    """Return a member that must be a number between two, both allowed."""
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} must be a number.")  # noqa: TRY004 - one kind for all
    if not minimum <= value <= maximum:  # false for NaN too
        raise ValueError(f"{name} must be from {minimum:g} to {maximum:g}.")
    return float(value)
