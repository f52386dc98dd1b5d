"""The components of an added resource: hooks, parameters and a model.

They are members of the definition, which is stored as it was sent. A component without
an `id` gets the next free one when it is read, and stores it with the first change.
Source: elements-api 3.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from bridge.errors import InvalidRequestError, NotFoundError
from bridge.types import JSON

COMPONENT_KINDS = ("hooks", "parameters", "models")
"""The kinds as in paths; a definition has one model, in its member `model`."""

_MODELS = "models"
_MAX_COMPONENTS = 200

Document: TypeAlias = Mapping[str, JSON]
Component: TypeAlias = dict[str, JSON]


def list_components(document: Document, kind: str) -> list[Component]:
    """Return the components of one kind, each with its `id`."""
    return [item for item in _numbered(document, kind) if isinstance(item, dict)]


def find_component(document: Document, kind: str, component_id: str) -> Component:
    """Return one component.

    Raises:
        NotFoundError: it does not exist.
    """
    for item in list_components(document, kind):
        if str(item["id"]) == component_id:
            return item
    raise NotFoundError(f"No {kind} with ID {component_id[:40]} in this resource.")


def add_component(
    document: Document, kind: str, body: Document
) -> tuple[Document, Component]:
    """Return the document with one more component, and that; a model is replaced.

    Raises:
        InvalidRequestError: the resource has too many already.
    """
    items = _numbered(document, kind)
    if len(items) >= _MAX_COMPONENTS:
        raise InvalidRequestError(f"A resource has at most {_MAX_COMPONENTS} {kind}.")
    free_id = max(map(_number, items), default=0) + 1
    added = _with_legacy_flag(kind, {**body, "id": free_id})
    # A definition has at most one model.
    kept = [] if kind == _MODELS else items
    return _with_components(document, kind, [*kept, added]), added


def replace_component(
    document: Document, kind: str, component_id: str, body: Document
) -> tuple[Document, Component]:
    """Return the document with a component replaced, and the component.

    Raises:
        NotFoundError: it does not exist.
        InvalidRequestError: a hook would become a legacy one.
    """
    before = find_component(document, kind, component_id)
    after = _with_legacy_flag(kind, {**body, "id": before["id"]})
    if kind == "hooks":
        _refuse_legacy(before, after)
    return _with_components(
        document, kind, _replaced(document, kind, before, [after])
    ), after


def remove_component(document: Document, kind: str, component_id: str) -> Document:
    """Return the document without a component.

    Raises:
        NotFoundError: it does not exist.
    """
    gone = find_component(document, kind, component_id)
    return _with_components(document, kind, _replaced(document, kind, gone, []))


def remove_components(document: Document, kind: str) -> Document:
    """Return the document without the components of a kind."""
    return _with_components(document, kind, [])


def with_legacy_flags(document: Document) -> dict[str, JSON]:
    """Return the document with `isLegacy` in each of its hooks."""
    hooks = document.get("hooks")
    if not isinstance(hooks, list):
        return {**document}
    flagged = [
        _with_legacy_flag("hooks", one) if isinstance(one, dict) else one
        for one in hooks
    ]
    return {**document, "hooks": flagged}


def refuse_legacy_hooks(before: Document, after: Document) -> None:
    """Check that a new definition does not turn a hook into a legacy one.

    Raises:
        InvalidRequestError: it does.
    """
    hooks = {str(hook["id"]): hook for hook in list_components(before, "hooks")}
    for hook in list_components(after, "hooks"):
        if str(hook["id"]) in hooks:
            _refuse_legacy(hooks[str(hook["id"])], hook)


def _refuse_legacy(before: Component, after: Component) -> None:
    if _is_legacy(after) and not _is_legacy(before):
        raise InvalidRequestError(
            f"Hook {after['id']} is no legacy hook and cannot become one."
        )


def _is_legacy(hook: Component) -> bool:
    return str(hook.get("isLegacy", "")).lower() == "true"


def _numbered(document: Document, kind: str) -> list[JSON]:
    """Return the stored items; objects without an `id` get one."""
    found = document.get("model" if kind == _MODELS else kind)
    if kind == _MODELS:
        found = [found] if found else []
    items = found if isinstance(found, list) else []
    # New ids are above all stored ones and never collide with them.
    last = max(map(_number, items), default=0)
    taken: set[int] = {0}
    numbered: list[JSON] = []
    for item in items:
        if not isinstance(item, dict):
            numbered.append(item)
            continue
        number = _number(item)
        # Definitions may be sent with the same id twice.
        if number in taken:
            number = last = last + 1
        taken.add(number)
        numbered.append(_with_legacy_flag(kind, {**item, "id": number}))
    return numbered


def _with_legacy_flag(kind: str, item: Component) -> Component:
    """Return an item as callers see it: a hook has `isLegacy`."""
    if kind == "hooks" and item.get("isLegacy") is None:
        return {**item, "isLegacy": False}
    return item


def _number(item: JSON) -> int:
    """Return the `id` of an item, 0 if it has none that can be used."""
    number = item.get("id") if isinstance(item, dict) else None
    if isinstance(number, bool) or not isinstance(number, int):
        return 0
    return max(number, 0)


def _replaced(
    document: Document, kind: str, item: Component, others: list[JSON]
) -> list[JSON]:
    items: list[JSON] = []
    for each in _numbered(document, kind):
        same = isinstance(each, dict) and each["id"] == item["id"]
        items += others if same else [each]
    return items


def _with_components(
    document: Document, kind: str, items: list[JSON]
) -> dict[str, JSON]:
    if kind != _MODELS:
        return {**document, kind: items}
    rest = {name: value for name, value in document.items() if name != "model"}
    return {**rest, "model": items[0]} if items else rest
