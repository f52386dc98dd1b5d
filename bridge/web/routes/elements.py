"""The catalogue of elements and hubs. Source: elements-api 3.1."""

from __future__ import annotations

from flask import Flask, Response
from werkzeug.routing import BaseConverter

from bridge.services import elements
from bridge.services.extended_resources import resources
from bridge.services.instances.lifecycle import find_element
from bridge.web.http import query_string, request_context, responses
from bridge.web.http.route_auth import BASE

_ELEMENTS = f"{BASE}/elements"
_ONE = f"{_ELEMENTS}/<element:element>"
_HUBS = f"{BASE}/hubs"
_PARTS = (
    "objects",
    "hooks",
    "parameters",
    "models",
    "versions",
    "authentication-types",
)


class ElementKey(BaseConverter):
    """What names an element in a path; the words for all of them name none."""

    part_isolating = True
    regex = r"(?!(?:keys|metadata|validate)\Z)[^/]+"


def register(app: Flask) -> None:
    """Add the routes; none of them costs a vendor call."""
    app.url_map.converters["element"] = ElementKey
    for path, view, methods in (
        (_ELEMENTS, list_elements, ["GET"]),
        (f"{_ELEMENTS}/keys", list_keys, ["GET"]),
        (f"{_ELEMENTS}/metadata", list_metadata, ["GET"]),
        (_ONE, get_element, ["GET"]),
        (f"{_ONE}/export", export_element, ["GET"]),
        (f"{_ONE}/metadata", get_metadata, ["GET"]),
        (f"{_ONE}/configuration", list_configuration_keys, ["GET"]),
        (f"{_ONE}/transformations", list_transformations, ["GET"]),
        (f"{_ONE}/oauth/url", refuse_oauth, ["GET", "POST"]),
        (f"{_ONE}/oauth/token", refuse_oauth, ["GET"]),
        (_ELEMENTS, refuse_new, ["POST"]),
        (f"{_ELEMENTS}/validate", refuse_new, ["POST"]),
        (_ONE, refuse_change, ["PUT", "PATCH", "DELETE"]),
        (f"{_ONE}/clone", refuse_change, ["POST"]),
        (f"{_ONE}/active", refuse_change, ["PUT", "DELETE"]),
        (f"{_ONE}/configuration", refuse_change, ["POST"]),
        (f"{_ONE}/configuration/<key>", refuse_change, ["PUT", "DELETE"]),
        (_HUBS, list_hubs, ["GET"]),
        (f"{_HUBS}/keys", list_hub_keys, ["GET"]),
        (f"{_HUBS}/<key>", get_hub, ["GET"]),
        (f"{_HUBS}/<key>/elements", list_hub_elements, ["GET"]),
    ):
        app.add_url_rule(path, view_func=view, methods=methods)
    for part in _PARTS:
        path = f"{_ONE}/{part}"
        app.add_url_rule(path, view_func=list_part, defaults={"part": part})


def list_elements() -> Response:
    """Answer all elements, or those that `where` lets pass."""
    return responses.json_list(
        query_string.chosen(elements.list_elements(request_context.context()))
    )


def list_keys() -> Response:
    """Answer the keys of all elements."""
    found = query_string.chosen(elements.list_elements(request_context.context()))
    return responses.json_list([element["key"] for element in found])


def get_element(element: str) -> Response:
    """Answer one element with its resources and configuration keys."""
    return _element(element, own_only=False)


def export_element(element: str) -> Response:
    """Answer the same, with the account's own resources only if that is asked for."""
    query = query_string.current_query()
    return _element(
        element, own_only=query_string.flag(query, "extendedOnly", default=False)
    )


def _element(element: str, *, own_only: bool) -> Response:
    found = find_element(request_context.context(), element)
    own = resources.list_own_resources(
        request_context.context(), request_context.caller(), found
    )
    return responses.json_object(
        elements.element_document(found, own, own_only=own_only)
    )


def list_metadata() -> Response:
    """Answer the metadata of all elements."""
    every = request_context.context().elements.values()
    return responses.json_list(
        query_string.chosen(
            [elements.metadata(element, expand=_expand()) for element in every]
        )
    )


def get_metadata(element: str) -> Response:
    """Answer the metadata of one element."""
    found = find_element(request_context.context(), element)
    return responses.json_object(elements.metadata(found, expand=_expand()))


def list_configuration_keys(element: str) -> Response:
    """Answer an element's configuration keys."""
    found = find_element(request_context.context(), element)
    return responses.json_list(elements.configuration(found))


def list_transformations(element: str) -> Response:
    """Answer an element's default transformations by object name: there are none."""
    find_element(request_context.context(), element)
    return responses.json_object({})


def list_part(element: str, part: str) -> Response:
    """Answer one of the lists below an element."""
    found = find_element(request_context.context(), element)
    return responses.json_list(elements.list_element_part(found, part))


def refuse_new() -> Response:
    """Refuse an element of the caller's own; no element is built here."""
    for element in request_context.context().elements.values():
        elements.refuse_change(element)
    return responses.empty()


def refuse_change(element: str, key: str = "") -> Response:  # noqa: ARG001 - the route's
    """Refuse to change what is built in."""
    elements.refuse_change(find_element(request_context.context(), element))
    return responses.empty()


def refuse_oauth(element: str) -> Response:
    """Refuse what only elements with OAuth have."""
    elements.refuse_oauth(find_element(request_context.context(), element))
    return responses.empty()


def list_hubs() -> Response:
    """Answer all hubs."""
    hydrate = query_string.flag(query_string.current_query(), "hydrate", default=False)
    found = elements.list_hubs(request_context.context(), hydrate=hydrate)
    return responses.json_list(query_string.chosen(found))


def list_hub_keys() -> Response:
    """Answer the keys of all hubs."""
    found = query_string.chosen(elements.list_hubs(request_context.context()))
    return responses.json_list([hub["key"] for hub in found])


def get_hub(key: str) -> Response:
    """Answer one hub."""
    return responses.json_object(elements.find_hub(request_context.context(), key))


def list_hub_elements(key: str) -> Response:
    """Answer the elements of a hub."""
    return responses.json_list(
        query_string.chosen(elements.list_elements(request_context.context(), key))
    )


def _expand() -> bool:
    return query_string.flag(query_string.current_query(), "expand", default=False)
