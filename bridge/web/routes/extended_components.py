"""Hooks, parameters and models of a resource. Source: elements-api 3.5, row 33."""

from __future__ import annotations

from flask import Response

from bridge.services.extended_resources import element_components
from bridge.services.extended_resources.components import COMPONENT_KINDS
from bridge.services.extended_resources.element_components import ComponentPath
from bridge.services.instances.lifecycle import find_element
from bridge.web.http import bodies, request_context, responses
from bridge.web.http.routing import Route
from bridge.web.routes.extended_resources import ONE


def list_parts(element: str, resource_id: str, part: str) -> Response:
    """Return a resource's hooks or parameters, or its model."""
    place = _place(element, resource_id, part)
    ctx, user = request_context.context(), request_context.find_user()
    if part == "models":
        return responses.json_object(element_components.get_model(ctx, user, place))
    return responses.json_list(element_components.list_components(ctx, user, place))


def get_part(element: str, resource_id: str, part: str, part_id: str) -> Response:
    """Return one hook, parameter or model."""
    place = _place(element, resource_id, part, part_id)
    return responses.json_object(
        element_components.get_component(
            request_context.context(), request_context.find_user(), place
        )
    )


def add_part(element: str, resource_id: str, part: str) -> Response:
    """Add a hook or parameter to a resource of the account."""
    place = _place(element, resource_id, part)
    made = element_components.add_component(
        *request_context.caller(), place, bodies.current_object
    )
    return responses.json_object(made)


def replace_part(
    element: str, resource_id: str, part: str, part_id: str = ""
) -> Response:
    """Replace the part identified by the path, or by `id` in the body."""
    place = _place(element, resource_id, part, part_id)
    changed = element_components.replace_component(
        *request_context.caller(), place, bodies.current_object
    )
    return responses.json_object(changed)


def remove_part(
    element: str, resource_id: str, part: str, part_id: str = ""
) -> Response:
    """Remove the part identified by the path, or all."""
    place = _place(element, resource_id, part, part_id)
    element_components.remove_component(*request_context.caller(), place)
    return responses.empty()


def _place(
    element: str, resource_id: str, part: str, part_id: str = ""
) -> ComponentPath:
    found = find_element(request_context.context(), element)
    return ComponentPath(found, resource_id, part, part_id)


ROUTES = tuple(
    Route(f"{ONE}/{part}{rest}", view, methods, defaults={"part": part})
    for part in COMPONENT_KINDS
    for rest, view, methods in (
        ("", list_parts, ["GET"]),
        ("", add_part, ["POST"]),
        ("", replace_part, ["PUT"]),
        ("", remove_part, ["DELETE"]),
        ("/<part_id>", get_part, ["GET"]),
        ("/<part_id>", replace_part, ["PUT"]),
        ("/<part_id>", remove_part, ["DELETE"]),
    )
)
