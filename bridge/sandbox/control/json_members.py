"""Members of JSON bodies, judged one by one: what the control paths are sent.

All that is wrong is a ValueError whose text names the member.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, NoReturn, TypeAlias

_MAX_LENGTH = 200

Members: TypeAlias = Mapping[str, Any]


def parse(body: bytes) -> object:
    """Return what a JSON text says; infinities and NaN are none."""
    try:
        return json.loads(body, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("The JSON is nested too deeply.") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"The body is no JSON: {error}.") from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number in JSON.")


def members(document: object, known: Collection[str]) -> Members:
    """Return the members of an object that has no others than the known ones."""
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
    """Return a member that is true or false."""
    value = given.get(name, default)
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false.")  # noqa: TRY004 - one kind for all
    return value


def whole(
    given: Members, name: str, lowest: int, highest: int, *, default: int | None = None
) -> int:
    """Return a member that must be a whole number between two, both allowed."""
    value = given.get(name, default)
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole or not lowest <= value <= highest:
        raise ValueError(f"{name} must be a whole number from {lowest} to {highest}.")
    return int(value)


def number(
    given: Members, name: str, lowest: float, highest: float, *, default: float = 0
) -> float:
    """Return a member that is a number between two, both allowed."""
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} must be a number.")  # noqa: TRY004 - one kind for all
    if not lowest <= value <= highest:  # neither is NaN
        raise ValueError(f"{name} must be from {lowest:g} to {highest:g}.")
    return float(value)
