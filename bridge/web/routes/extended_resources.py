"""Resources that an account adds to the element. Source: elements-api 3.5."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from flask import Response, request

from bridge.errors import VerbNotSupportedError
from bridge.services.extended_resources import resources
from bridge.services.extended_resources.definitions import ReceivedArguments
from bridge.services.extended_resources.resources import ResolvedRequest
from bridge.services.instances.lifecycle import find_element
from bridge.store.instances import Instance
from bridge.web.http import bodies, query_string, request_context, responses
from bridge.web.http.forms import current_form
from bridge.web.http.route_auth import BASE, AuthRule, auth_rule
from bridge.web.http.routing import Route

ALL = f"{BASE}/elements/<element:element>/resources"
ONE = f"{ALL}/<resource_id>"
_SHARED = frozenset({"accounts", "users"})
"""First segments of paths that both the platform and the element have."""

_MAX_SEGMENTS = 4
_CONCEALED = frozenset({"authorization", "cookie"})


def call_extended_resource() -> Response | None:
    """Serve a call of an added resource; None for any other call.

    One vendor call. A method is refused that neither an added resource nor a built-in
    path supports.
    """
    # Most accounts add no resource: their requests must not cost anything here.
    user, instance = request_context.find_user(), request_context.find_instance()
    if user is None or instance is None or not user.extended:
        return None
    if (
        auth_rule(request.method, request.path, request_context.secrets())
        is not AuthRule.HUB
    ):
        return None
    segments = request.path.removeprefix(f"{BASE}/").strip("/").split("/")
    # `/hubs/crm/widgets` and `/widgets` are the same resource.
    if segments[0] == "hubs":
        segments = segments[2:]
    found = resources.resolve_path(
        request_context.context(), user, instance, "/".join(segments)
    )
    method = "GET" if request.method == "HEAD" else request.method
    for resolved in found:
        if resolved.method == method:
            sent = _received_arguments(resolved.values)
            document = resources.call_resource(
                request_context.context(), instance, resolved, sent
            )
            return responses.json_object(document)
    if found and not _is_built_in(instance, segments):
        raise _refusal(found)
    return None


def _is_built_in(instance: Instance, segments: Sequence[str]) -> bool:
    """Return whether the path exists without the account's resources.

    One vendor call if the tenant's entities are not cached, else none.
    """
    routed, named = request.url_rule is not None, request.view_args or {}
    if routed and "object_name" not in named and segments[0] not in _SHARED:
        return True
    if len(segments) > _MAX_SEGMENTS:
        return False
    objects, ids = segments[::2], segments[1::2]
    if routed and "child" not in named:
        objects = objects[:1]
    return all(each.isdecimal() for each in ids) and all(
        resources.is_object(request_context.context(), instance, each)
        for each in objects
    )


def _refusal(found: Sequence[ResolvedRequest]) -> VerbNotSupportedError:
    methods = frozenset(resolved.method for resolved in found)
    return VerbNotSupportedError(
        f"Method {request.method} is not supported for {request.path}.",
        allowed=methods | {"HEAD"} if "GET" in methods else methods,
    )


def _received_arguments(path: Mapping[str, str]) -> ReceivedArguments:
    """Return the arguments of this call, without its secrets."""
    query = query_string.current_query()
    return ReceivedArguments(
        path=path,
        query={name: query_string.text(query, name) for name in query},
        headers={
            name.lower(): value
            for name, value in request.headers.items()
            if name.lower() not in _CONCEALED
        },
        # Read on first use: many resources have no use for a body, or cannot parse it.
        body=cache(bodies.optional_object),
        form=cache(current_form),
    )


def list_resources(element: str) -> Response:
    """Return the resources of the element and of the account."""
    ctx = request_context.context()
    own_only = query_string.current_flag("accountOnly")
    found = resources.list_resources(
        ctx, request_context.find_user(), find_element(ctx, element), own_only=own_only
    )
    return responses.json_list(query_string.filter_documents(found))


def add_resource(element: str) -> Response:
    """Add a resource to the account."""
    ctx, user = request_context.caller()
    found = find_element(ctx, element)
    saved = resources.add_resource(ctx, user, found, bodies.current_object())
    return responses.json_object(saved.document, notes=saved.notes)


def get_resource(element: str, resource_id: str) -> Response:
    """Return one resource."""
    ctx = request_context.context()
    found = find_element(ctx, element)
    return responses.json_object(
        resources.get_resource(ctx, request_context.find_user(), found, resource_id)
    )


def replace_resource(element: str, resource_id: str) -> Response:
    """Replace a resource of the account."""
    ctx, user = request_context.caller()
    body, found = bodies.current_object(), find_element(ctx, element)
    saved = resources.replace_resource(ctx, user, found, resource_id, body)
    return responses.json_object(saved.document, notes=saved.notes)


def remove_resource(element: str, resource_id: str) -> Response:
    """Remove a resource of the account."""
    ctx, user = request_context.caller()
    resources.remove_resource(ctx, user, find_element(ctx, element), resource_id)
    return responses.empty()


ROUTES = (
    Route(ALL, list_resources),
    Route(ALL, add_resource, ["POST"]),
    Route(ONE, get_resource),
    Route(ONE, replace_resource, ["PUT"]),
    Route(ONE, remove_resource, ["DELETE"]),
)
