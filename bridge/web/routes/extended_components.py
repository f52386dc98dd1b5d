"""Hooks, parameters and models below a resource. Source: elements-api 3.5, row 33."""

from __future__ import annotations

from flask import Flask, Response

from bridge.services.extended_resources import element_components
from bridge.services.extended_resources.components import COMPONENT_KINDS
from bridge.services.extended_resources.element_components import ComponentPath
from bridge.services.instances.lifecycle import find_element
from bridge.web.http import bodies, request_context, responses
from bridge.web.routes.extended_resources import ONE


def register(app: Flask) -> None:
    """Add the routes; none of them costs a vendor call."""
    for part in COMPONENT_KINDS:
        for path, view, methods in (
            (f"{ONE}/{part}", list_parts, ["GET"]),
            (f"{ONE}/{part}", add_part, ["POST"]),
            (f"{ONE}/{part}", replace_part, ["PUT"]),
            (f"{ONE}/{part}", remove_part, ["DELETE"]),
            (f"{ONE}/{part}/<part_id>", get_part, ["GET"]),
            (f"{ONE}/{part}/<part_id>", replace_part, ["PUT"]),
            (f"{ONE}/{part}/<part_id>", remove_part, ["DELETE"]),
        ):
            app.add_url_rule(
                path, view_func=view, methods=methods, defaults={"part": part}
            )


def list_parts(element: str, resource_id: str, part: str) -> Response:
    """Answer a resource's hooks or parameters, or its one model."""
    place = _place(element, resource_id, part)
    ctx, user = request_context.context(), request_context.caller()
    if part == "models":
        return responses.json_object(element_components.get_model(ctx, user, place))
    return responses.json_list(element_components.list_components(ctx, user, place))


def get_part(element: str, resource_id: str, part: str, part_id: str) -> Response:
    """Answer one of them."""
    place = _place(element, resource_id, part, part_id)
    return responses.json_object(
        element_components.get_component(
            request_context.context(), request_context.caller(), place
        )
    )


def add_part(element: str, resource_id: str, part: str) -> Response:
    """Add one to a resource of the account's own."""
    place = _place(element, resource_id, part)
    ctx, user = request_context.context(), request_context.user()
    made = element_components.add_component(ctx, user, place, bodies.current_object)
    return responses.json_object(made)


def replace_part(
    element: str, resource_id: str, part: str, part_id: str = ""
) -> Response:
    """Replace the one that the path names, or the body by its `id`."""
    place = _place(element, resource_id, part, part_id)
    ctx, user = request_context.context(), request_context.user()
    changed = element_components.replace_component(
        ctx, user, place, bodies.current_object
    )
    return responses.json_object(changed)


def remove_part(
    element: str, resource_id: str, part: str, part_id: str = ""
) -> Response:
    """Remove the one that the path names, or all."""
    place = _place(element, resource_id, part, part_id)
    element_components.remove_component(
        request_context.context(), request_context.user(), place
    )
    return responses.empty()


def _place(
    element: str, resource_id: str, part: str, part_id: str = ""
) -> ComponentPath:
    found = find_element(request_context.context(), element)
    return ComponentPath(found, resource_id, part, part_id)
