"""Hooks, parameters and models below a resource; those of built-in ones are only read.

Source: elements-api 3.5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from bridge.catalog.model import JSON, Element
from bridge.errors import InvalidRequestError
from bridge.services.context import Context
from bridge.services.extended_resources import components
from bridge.services.extended_resources.components import Document, Part
from bridge.services.extended_resources.resources import get_resource, own_number
from bridge.store import extended_resources
from bridge.store.organizations import User

Body: TypeAlias = Callable[[], Mapping[str, JSON]]
"""Reads what was sent, once it is known whose the resource is."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path points: `part` is one of `parts.PARTS`, `part_id` empty for all."""

    element: Element
    resource_id: str
    part: str
    part_id: str = ""


def list_parts(ctx: Context, user: User | None, place: Place) -> list[Part]:
    """Return a resource's hooks, parameters or models, each with its `id`.

    Raises:
        NotFoundError: there is no such resource.
    """
    document = get_resource(ctx, user, place.element, place.resource_id)
    return components.list_parts(document, place.part)


def get_model(ctx: Context, user: User | None, place: Place) -> Part:
    """Return a resource's model, empty when it has none.

    Raises:
        NotFoundError: there is no such resource.
    """
    return next(iter(list_parts(ctx, user, place)), {})


def get_part(ctx: Context, user: User | None, place: Place) -> Part:
    """Return one part.

    Raises:
        NotFoundError: there is no such resource, or it has no such part.
    """
    document = get_resource(ctx, user, place.element, place.resource_id)
    return components.find_part(document, place.part, place.part_id)


def add_part(ctx: Context, user: User, place: Place, body: Body) -> Part:
    """Add a part and return it with its number; a model takes the place of another.

    Raises:
        NotFoundError: the account has no such resource of its own.
        InvalidRequestError: there are too many.
    """
    number = own_number(ctx, user, place.element, place.resource_id)
    sent = body()
    return _edit(
        ctx, user, number, lambda stored: components.add_part(stored, place.part, sent)
    )


def replace_part(ctx: Context, user: User, place: Place, body: Body) -> Part:
    """Replace a part, the one that the body names by its `id` unless the path does.

    Raises:
        NotFoundError: the account has no such resource of its own, or no such part.
        InvalidRequestError: no part is named, or a hook would become a legacy one.
    """
    number = own_number(ctx, user, place.element, place.resource_id)
    sent = body()
    named = place.part_id or sent.get("id")

    def replace(stored: Document) -> tuple[Document, Part]:
        chosen = named
        if chosen is None and place.part == "models":
            chosen = next(
                (one["id"] for one in components.list_parts(stored, "models")), 1
            )
        if chosen is None:
            raise InvalidRequestError("The id of what to replace is required.")
        return components.replace_part(stored, place.part, str(chosen), sent)

    return _edit(ctx, user, number, replace)


def remove_part(ctx: Context, user: User, place: Place) -> None:
    """Remove a part, or all of its kind where none is named.

    Raises:
        NotFoundError: the account has no such resource of its own, or no such part.
    """

    def remove(stored: Document) -> Document:
        if not place.part_id:
            return components.remove_parts(stored, place.part)
        return components.remove_part(stored, place.part, place.part_id)

    number = own_number(ctx, user, place.element, place.resource_id)
    extended_resources.edit_extended(ctx.database, user.account_id, number, remove)


def _edit(
    ctx: Context,
    user: User,
    number: int,
    edit: Callable[[Document], tuple[Document, Part]],
) -> Part:
    """Keep what `edit` makes of a definition, and return the part it speaks of."""
    changed: list[Part] = []

    def keep(stored: Document) -> Document:
        document, part = edit(stored)
        changed.append(part)
        return document

    extended_resources.edit_extended(ctx.database, user.account_id, number, keep)
    return changed[0]
