"""Names and fields of an instance's objects, also while the instance is disabled.

Source: elements-api 4.7, and 2.2 for the forms below an instance.
"""

from __future__ import annotations

from flask import Response, request

from bridge.services import object_metadata
from bridge.services.instances.bodies import instance_document
from bridge.web.http import query_string, request_context, responses
from bridge.web.http.route_auth import BASE
from bridge.web.http.routing import Route
from bridge.web.routes.instances import find_instance

_PREFIXES = (
    BASE,
    f"{BASE}/hubs/<hub>",
    f"{BASE}/instances",
    f"{BASE}/instances/<instance:instance_id>",
)


def list_objects(instance_id: str | None = None) -> Response:
    """Return all names, or objects for version Helium. At most one vendor call."""
    objects = object_metadata.list_objects(
        request_context.context(), find_instance(instance_id)
    )
    items = objects if _is_helium() else [item["name"] for item in objects]
    return responses.json_list(items)


def get_object_metadata(object_name: str, instance_id: str | None = None) -> Response:
    """Return an object's fields. At most three vendor calls, none while cached."""
    document = object_metadata.get_metadata(
        request_context.context(),
        find_instance(instance_id),
        object_name,
        custom_only=query_string.current_flag("customFieldsOnly"),
        rich=_is_helium(),
    )
    return responses.json_object(document)


def get_own_instance() -> Response:
    """Return the instance of the token. No vendor call."""
    return responses.json_object(
        instance_document(request_context.context(), request_context.instance())
    )


def _is_helium() -> bool:
    return request.headers.get("Elements-Version", "").strip().lower() == "helium"


ROUTES = (
    *(Route(f"{prefix}/objects", list_objects) for prefix in _PREFIXES),
    *(
        Route(f"{prefix}/objects/<object_name>/metadata", get_object_metadata)
        for prefix in _PREFIXES
    ),
    Route(f"{BASE}/instance", get_own_instance),
)
