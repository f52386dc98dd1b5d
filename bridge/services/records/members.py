"""The members of a body, and its user-defined fields in all the shapes seen. Pure.

JSON callers send `{"userDefinedField":[{"name","value"}]}` or the bare list. Other
clients send the vendor's casing, a single item without its list, and null or an empty
object for an empty list. Source: elements-api 4.2 and 4.3, appendix E.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.types import JSON

UDFS = "userDefinedFields"
_ITEM = "userDefinedField"
_SHAPE = f'{UDFS} must be {{"{_ITEM}":[{{"name":…,"value":…}}]}}'


@dataclass(frozen=True, slots=True)
class Members:
    """The members of a body by name, without the id.

    `udfs` are the items of its list of user-defined fields; `problem` says why that
    list cannot be read.
    """

    values: Sequence[tuple[str, JSON]]
    udfs: Sequence[tuple[str, JSON]] = ()
    problem: str = ""


def read_members(body: Mapping[str, JSON]) -> Members:
    """Return the members of a body; names match in any case."""
    rest = [
        (name, value)
        for name, value in body.items()
        if name.lower() not in {"id", UDFS.lower()}
    ]
    try:
        return Members(rest, _find_udf_items(body))
    except ValueError as error:
        return Members(rest, problem=str(error))


def _find_udf_items(body: Mapping[str, JSON]) -> list[tuple[str, JSON]]:
    """Return name and value of each item; member names match in any case.

    Raises:
        ValueError: another shape, or a duplicate member; the message is for callers.
    """
    given = _member(body, UDFS, "the body")
    if isinstance(given, dict):
        inner = _member(given, _ITEM, UDFS)
        if _has(given, _ITEM):
            if _has(given, "name"):
                raise ValueError(f"{UDFS} has both {_ITEM} and name: send one of them")
            given = inner
        elif not given:
            return []
    if given is None:
        return []
    items = given if isinstance(given, list) else [given]
    return [_read_item(item) for item in items]


def _read_item(item: JSON) -> tuple[str, JSON]:
    if not isinstance(item, dict):
        raise ValueError(_SHAPE)  # noqa: TRY004 - a caller's mistake, not ours
    name = _member(item, "name", _ITEM)
    if not isinstance(name, str):
        raise ValueError(_SHAPE)  # noqa: TRY004 - a caller's mistake, not ours
    return name, _member(item, "value", f"{_ITEM} {name}")


def _has(members: Mapping[str, JSON], name: str) -> bool:
    return any(given.lower() == name.lower() for given in members)


def _member(members: Mapping[str, JSON], name: str, where: str) -> JSON:
    found = [given for given in members if given.lower() == name.lower()]
    if len(found) > 1:
        raise ValueError(f"{where} has {' and '.join(found)}: send one of them")
    return members[found[0]] if found else None
