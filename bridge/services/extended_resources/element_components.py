"""Hooks, parameters and models of resources; built-in ones are read-only.

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
"""Reads the body; called after the resource was found to be the account's own."""


@dataclass(frozen=True, slots=True)
class ComponentPath:
    """The path of a component; `component_id` is empty for all of the `kind`."""

    element: Element
    resource_id: str
    kind: str
    component_id: str = ""


def list_components(
    ctx: Context, user: User | None, path: ComponentPath
) -> list[Component]:
    """Return a resource's hooks, parameters or models, each with its `id`.

    Raises:
        NotFoundError: the resource does not exist.
    """
    document = get_resource(ctx, user, path.element, path.resource_id)
    return components.list_components(document, path.kind)


def get_model(ctx: Context, user: User | None, path: ComponentPath) -> Component:
    """Return a resource's model, empty when it has none.

    Raises:
        NotFoundError: the resource does not exist.
    """
    return next(iter(list_components(ctx, user, path)), {})


def get_component(ctx: Context, user: User | None, path: ComponentPath) -> Component:
    """Return one component.

    Raises:
        NotFoundError: the resource or the component does not exist.
    """
    document = get_resource(ctx, user, path.element, path.resource_id)
    return components.find_component(document, path.kind, path.component_id)


def add_component(
    ctx: Context, user: User, path: ComponentPath, body: ReadBody
) -> Component:
    """Add a component and return it with its `id`; a new model replaces the old one.

    Raises:
        NotFoundError: the resource is not one of the account's own.
        InvalidRequestError: the resource has too many already.
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
    """Replace a component, named by the path or by the `id` of the body.

    Raises:
        NotFoundError: the resource is not one of the account's own, or the component
            does not exist.
        InvalidRequestError: neither has an id, or a hook would become a legacy one.
    """
    number = own_number(ctx, user, path.element, path.resource_id)
    sent = body()
    named = path.component_id or sent.get("id")

    def replace(stored: Document) -> tuple[Document, Component]:
        chosen = named
        # A resource has one model, so its id may be left out.
        if chosen is None and path.kind == "models":
            chosen = next(
                (one["id"] for one in components.list_components(stored, "models")), 1
            )
        if chosen is None:
            raise InvalidRequestError("The id of what to replace is required.")
        return components.replace_component(stored, path.kind, str(chosen), sent)

    return _edit(ctx, user, number, replace)


def remove_component(ctx: Context, user: User, path: ComponentPath) -> None:
    """Remove a component, or without an id all of the kind.

    Raises:
        NotFoundError: the resource is not one of the account's own, or the component
            does not exist.
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
    """Store the definition that `edit` returns, and return the edited component."""
    changed: list[Component] = []

    def keep(stored: Document) -> Document:
        document, component = edit(stored)
        changed.append(component)
        return document

    extended_resources.edit_extended(ctx.database, user.account_id, number, keep)
    return changed[0]
