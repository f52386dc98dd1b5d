"""Hooks, parameters and model of an added resource, one by one.

They are members of the stored definition, which is kept as it was sent: what came
without a number gets the next free one when it is shown, and keeps that from the first
change on. Source: elements-api 3.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from bridge.catalog.model import JSON
from bridge.errors import InvalidRequestError, NotFoundError

PARTS = ("hooks", "parameters", "models")
"""The words in paths; a definition has one model, in its member `model`."""

_MODELS = "models"
_MOST = 200

Document: TypeAlias = Mapping[str, JSON]
Part: TypeAlias = dict[str, JSON]


def list_parts(document: Document, part: str) -> list[Part]:
    """Return the parts of one kind, each with its `id`."""
    return [item for item in _numbered(document, part) if isinstance(item, dict)]


def find_part(document: Document, part: str, part_id: str) -> Part:
    """Return one part.

    Raises:
        NotFoundError: there is none of this number.
    """
    for item in list_parts(document, part):
        if str(item["id"]) == part_id:
            return item
    raise NotFoundError(f"No {part} with ID {part_id[:40]} in this resource.")


def add_part(document: Document, part: str, body: Document) -> tuple[Document, Part]:
    """Return the document with one more part, and the part; a model is replaced.

    Raises:
        InvalidRequestError: there are too many.
    """
    items = _numbered(document, part)
    if len(items) >= _MOST:
        raise InvalidRequestError(f"A resource has at most {_MOST} {part}.")
    added = _shown(part, {**body, "id": _next(items)})
    kept = [] if part == _MODELS else items
    return _stored(document, part, [*kept, added]), added


def replace_part(
    document: Document, part: str, part_id: str, body: Document
) -> tuple[Document, Part]:
    """Return the document with a part replaced, and the part.

    Raises:
        NotFoundError: there is none of this number.
        InvalidRequestError: a hook would become a legacy one.
    """
    before = find_part(document, part, part_id)
    after = _shown(part, {**body, "id": before["id"]})
    if part == "hooks":
        _refuse_legacy(before, after)
    return _stored(document, part, _exchange(document, part, before, [after])), after


def remove_part(document: Document, part: str, part_id: str) -> Document:
    """Return the document without a part.

    Raises:
        NotFoundError: there is none of this number.
    """
    gone = find_part(document, part, part_id)
    return _stored(document, part, _exchange(document, part, gone, []))


def remove_parts(document: Document, part: str) -> Document:
    """Return the document without any part of a kind."""
    return _stored(document, part, [])


def with_legacy_flags(document: Document) -> dict[str, JSON]:
    """Return the document with `isLegacy` in each of its hooks."""
    hooks = document.get("hooks")
    if not isinstance(hooks, list):
        return {**document}
    flagged = [_shown("hooks", one) if isinstance(one, dict) else one for one in hooks]
    return {**document, "hooks": flagged}


def refuse_legacy_hooks(before: Document, after: Document) -> None:
    """Refuse a definition in whose place a hook would become a legacy one.

    Raises:
        InvalidRequestError: one would.
    """
    hooks = {str(hook["id"]): hook for hook in list_parts(before, "hooks")}
    for hook in list_parts(after, "hooks"):
        if str(hook["id"]) in hooks:
            _refuse_legacy(hooks[str(hook["id"])], hook)


def _refuse_legacy(before: Part, after: Part) -> None:
    if _is_legacy(after) and not _is_legacy(before):
        raise InvalidRequestError(
            f"Hook {after['id']} is no legacy hook and cannot become one."
        )


def _is_legacy(hook: Part) -> bool:
    return str(hook.get("isLegacy", "")).lower() == "true"


def _numbered(document: Document, part: str) -> list[JSON]:
    """Return the stored items; objects without a number of their own get one."""
    found = document.get("model" if part == _MODELS else part)
    if part == _MODELS:
        found = [found] if found else []
    items = found if isinstance(found, list) else []
    last = max(map(_number, items), default=0)
    taken: set[int] = {0}
    numbered: list[JSON] = []
    for item in items:
        if not isinstance(item, dict):
            numbered.append(item)
            continue
        number = _number(item)
        if number in taken:
            number = last = last + 1
        taken.add(number)
        numbered.append(_shown(part, {**item, "id": number}))
    return numbered


def _shown(part: str, item: Part) -> Part:
    """Return an item as callers see it: a hook says whether it is a legacy one."""
    if part == "hooks" and item.get("isLegacy") is None:
        return {**item, "isLegacy": False}
    return item


def _number(item: JSON) -> int:
    """Return the number that an item brings, 0 where it brings none."""
    number = item.get("id") if isinstance(item, dict) else None
    if isinstance(number, bool) or not isinstance(number, int):
        return 0
    return max(number, 0)


def _next(items: list[JSON]) -> int:
    return max(map(_number, items), default=0) + 1


def _exchange(
    document: Document, part: str, item: Part, others: list[JSON]
) -> list[JSON]:
    items: list[JSON] = []
    for each in _numbered(document, part):
        same = isinstance(each, dict) and each["id"] == item["id"]
        items += others if same else [each]
    return items


def _stored(document: Document, part: str, items: list[JSON]) -> dict[str, JSON]:
    if part != _MODELS:
        return {**document, part: items}
    rest = {name: value for name, value in document.items() if name != "model"}
    return {**rest, "model": items[0]} if items else rest
