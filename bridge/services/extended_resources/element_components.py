"""Hooks, parameters and models below a resource; those of built-in ones are only read.

Source: elements-api 3.5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from bridge.catalog.model import Element
from bridge.errors import InvalidRequestError
from bridge.services.context import Context
from bridge.services.extended_resources import components
from bridge.services.extended_resources.components import Component, Document
from bridge.services.extended_resources.resources import get_resource, own_number
from bridge.store import extended_resources
from bridge.store.organizations import User
from bridge.types import JSON

ReadBody: TypeAlias = Callable[[], Mapping[str, JSON]]
"""Reads what was sent, once it is known whose the resource is."""


@dataclass(frozen=True, slots=True)
class ComponentPath:
    """Where a path points: `part` is one of `parts.PARTS`, `part_id` empty for all."""

    element: Element
    resource_id: str
    kind: str
    component_id: str = ""


def list_components(
    ctx: Context, user: User | None, path: ComponentPath
) -> list[Component]:
    """Return a resource's hooks, parameters or models, each with its `id`.

    Raises:
        NotFoundError: there is no such resource.
    """
    document = get_resource(ctx, user, path.element, path.resource_id)
    return components.list_components(document, path.kind)


def get_model(ctx: Context, user: User | None, path: ComponentPath) -> Component:
    """Return a resource's model, empty when it has none.

    Raises:
        NotFoundError: there is no such resource.
    """
    return next(iter(list_components(ctx, user, path)), {})


def get_component(ctx: Context, user: User | None, path: ComponentPath) -> Component:
    """Return one part.

    Raises:
        NotFoundError: there is no such resource, or it has no such part.
    """
    document = get_resource(ctx, user, path.element, path.resource_id)
    return components.find_component(document, path.kind, path.component_id)


def add_component(
    ctx: Context, user: User, path: ComponentPath, body: ReadBody
) -> Component:
    """Add a part and return it with its number; a model takes the place of another.

    Raises:
        NotFoundError: the account has no such resource of its own.
        InvalidRequestError: there are too many.
    """
    number = own_number(ctx, user, path.element, path.resource_id)
    sent = body()
    return _edit(
        ctx,
        user,
        number,
        lambda stored: components.add_component(stored, path.kind, sent),
    )


def replace_component(
    ctx: Context, user: User, path: ComponentPath, body: ReadBody
) -> Component:
    """Replace a part, the one that the body names by its `id` unless the path does.

    Raises:
        NotFoundError: the account has no such resource of its own, or no such part.
        InvalidRequestError: no part is named, or a hook would become a legacy one.
    """
    number = own_number(ctx, user, path.element, path.resource_id)
    sent = body()
    named = path.component_id or sent.get("id")

    def replace(stored: Document) -> tuple[Document, Component]:
        chosen = named
        if chosen is None and path.kind == "models":
            chosen = next(
                (one["id"] for one in components.list_components(stored, "models")), 1
            )
        if chosen is None:
            raise InvalidRequestError("The id of what to replace is required.")
        return components.replace_component(stored, path.kind, str(chosen), sent)

    return _edit(ctx, user, number, replace)


def remove_component(ctx: Context, user: User, path: ComponentPath) -> None:
    """Remove a part, or all of its kind where none is named.

    Raises:
        NotFoundError: the account has no such resource of its own, or no such part.
    """

    def remove(stored: Document) -> Document:
        if not path.component_id:
            return components.remove_components(stored, path.kind)
        return components.remove_component(stored, path.kind, path.component_id)

    number = own_number(ctx, user, path.element, path.resource_id)
    extended_resources.edit_extended(ctx.database, user.account_id, number, remove)


def _edit(
    ctx: Context,
    user: User,
    number: int,
    edit: Callable[[Document], tuple[Document, Component]],
) -> Component:
    """Keep what `edit` makes of a definition, and return the part it speaks of."""
    changed: list[Component] = []

    def keep(stored: Document) -> Document:
        document, kind = edit(stored)
        changed.append(kind)
        return document

    extended_resources.edit_extended(ctx.database, user.account_id, number, keep)
    return changed[0]
