"""The catalogue of elements and hubs. Source: elements-api 3.1."""

from __future__ import annotations

from flask import Response
from werkzeug.routing import BaseConverter

from bridge.services import elements
from bridge.services.extended_resources import resources
from bridge.services.instances.lifecycle import find_element
from bridge.web.http import query_string, request_context, responses
from bridge.web.http.route_auth import BASE
from bridge.web.http.routing import Route

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
    """Path converter: key or id of an element; `keys` and the like are routes."""

    part_isolating = True
    regex = r"(?!(?:keys|metadata|validate)\Z)[^/]+"


def list_elements() -> Response:
    """Return all elements, or those that match `where`."""
    return responses.json_list(
        query_string.filter_documents(elements.list_elements(request_context.context()))
    )


def list_keys() -> Response:
    """Return the keys of all elements."""
    found = query_string.filter_documents(
        elements.list_elements(request_context.context())
    )
    return responses.json_list([element["key"] for element in found])


def get_element(element: str) -> Response:
    """Return one element with its resources and configuration keys."""
    return _element(element, own_only=False)


def export_element(element: str) -> Response:
    """Return the same document, optionally with the account's own resources only."""
    return _element(element, own_only=query_string.current_flag("extendedOnly"))


def _element(element: str, *, own_only: bool) -> Response:
    found = find_element(request_context.context(), element)
    own = resources.list_own_resources(
        request_context.context(), request_context.find_user(), found
    )
    return responses.json_object(
        elements.element_document(found, own, own_only=own_only)
    )


def list_metadata() -> Response:
    """Return the metadata of all elements."""
    expand = query_string.current_flag("expand")
    every = request_context.context().elements.values()
    found = [elements.metadata(element, expand=expand) for element in every]
    return responses.json_list(query_string.filter_documents(found))


def get_metadata(element: str) -> Response:
    """Return the metadata of one element."""
    expand = query_string.current_flag("expand")
    found = find_element(request_context.context(), element)
    return responses.json_object(elements.metadata(found, expand=expand))


def list_configuration_keys(element: str) -> Response:
    """Return an element's configuration keys."""
    found = find_element(request_context.context(), element)
    return responses.json_list(elements.configuration(found))


def list_transformations(element: str) -> Response:
    """Return an element's default transformations by object name: always empty."""
    find_element(request_context.context(), element)
    return responses.json_object({})


def list_part(element: str, part: str) -> Response:
    """Return one of the lists below an element."""
    found = find_element(request_context.context(), element)
    return responses.json_list(elements.list_element_part(found, part))


def refuse_new() -> Response:
    """Refuse to create an element: all are built in."""
    any_element = next(iter(request_context.context().elements.values()))
    elements.refuse_change(any_element)


def refuse_change(element: str, key: str = "") -> Response:  # noqa: ARG001 - the route's
    """Refuse to change an element: all are built in."""
    elements.refuse_change(find_element(request_context.context(), element))


def refuse_oauth(element: str) -> Response:
    """Refuse OAuth: no element has it."""
    elements.refuse_oauth(find_element(request_context.context(), element))


def list_hubs() -> Response:
    """Return all hubs."""
    hydrate = query_string.current_flag("hydrate")
    found = elements.list_hubs(request_context.context(), hydrate=hydrate)
    return responses.json_list(query_string.filter_documents(found))


def list_hub_keys() -> Response:
    """Return the keys of all hubs."""
    found = query_string.filter_documents(elements.list_hubs(request_context.context()))
    return responses.json_list([hub["key"] for hub in found])


def get_hub(key: str) -> Response:
    """Return one hub."""
    return responses.json_object(elements.find_hub(request_context.context(), key))


def list_hub_elements(key: str) -> Response:
    """Return the elements of a hub."""
    return responses.json_list(
        query_string.filter_documents(
            elements.list_elements(request_context.context(), key)
        )
    )


ROUTES = (
    Route(_ELEMENTS, list_elements),
    Route(f"{_ELEMENTS}/keys", list_keys),
    Route(f"{_ELEMENTS}/metadata", list_metadata),
    Route(_ONE, get_element),
    Route(f"{_ONE}/export", export_element),
    Route(f"{_ONE}/metadata", get_metadata),
    Route(f"{_ONE}/configuration", list_configuration_keys),
    Route(f"{_ONE}/transformations", list_transformations),
    Route(f"{_ONE}/oauth/url", refuse_oauth, ["GET", "POST"]),
    Route(f"{_ONE}/oauth/token", refuse_oauth),
    Route(_ELEMENTS, refuse_new, ["POST"]),
    Route(f"{_ELEMENTS}/validate", refuse_new, ["POST"]),
    Route(_ONE, refuse_change, ["PUT", "PATCH", "DELETE"]),
    Route(f"{_ONE}/clone", refuse_change, ["POST"]),
    Route(f"{_ONE}/active", refuse_change, ["PUT", "DELETE"]),
    Route(f"{_ONE}/configuration", refuse_change, ["POST"]),
    Route(f"{_ONE}/configuration/<key>", refuse_change, ["PUT", "DELETE"]),
    Route(_HUBS, list_hubs),
    Route(f"{_HUBS}/keys", list_hub_keys),
    Route(f"{_HUBS}/<key>", get_hub),
    Route(f"{_HUBS}/<key>/elements", list_hub_elements),
    *(Route(f"{_ONE}/{part}", list_part, defaults={"part": part}) for part in _PARTS),
)
