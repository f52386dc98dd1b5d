"""Resources that an account added to the element. Source: elements-api 3.5."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from flask import Flask, Response, request

from bridge.errors import VerbNotSupportedError
from bridge.services.extended_resources import resources
from bridge.services.extended_resources.definitions import ReceivedArguments
from bridge.services.extended_resources.resources import ResolvedRequest
from bridge.services.instances.lifecycle import find_element
from bridge.store.instances import Instance
from bridge.web.http import bodies, query_string, request_context, responses
from bridge.web.http.forms import current_form
from bridge.web.http.route_auth import BASE, AuthRule, family_of

ALL = f"{BASE}/elements/<element:element>/resources"
ONE = f"{ALL}/<resource_id>"
_SHARED = frozenset({"accounts", "users"})
"""Heads of paths that are the platform's or the element's."""

_DEEPEST = 4
_CONCEALED = frozenset({"authorization", "cookie"})


def register(app: Flask) -> None:
    """Add the routes, and what answers the added resources themselves."""
    app.before_request(answer)
    for path, view, methods in (
        (ALL, list_resources, ["GET"]),
        (ALL, add_resource, ["POST"]),
        (ONE, get_resource, ["GET"]),
        (ONE, replace_resource, ["PUT"]),
        (ONE, remove_resource, ["DELETE"]),
    ):
        app.add_url_rule(path, view_func=view, methods=methods)


def answer() -> Response | None:
    """Answer a call that an added resource is meant by; None for any other call.

    One vendor call. Callers whose account added none cost nothing here. A verb that
    neither an added resource nor what is built in has is refused.
    """
    user, instance = request_context.caller(), request_context.opened()
    if user is None or instance is None or not user.extended:
        return None
    if (
        family_of(request.method, request.path, request_context.secrets())
        is not AuthRule.HUB
    ):
        return None
    segments = request.path.removeprefix(f"{BASE}/").strip("/").split("/")
    if segments[0] == "hubs":
        segments = segments[2:]
    found = resources.resolve_path(
        request_context.context(), user, instance, "/".join(segments)
    )
    method = "GET" if request.method == "HEAD" else request.method
    for meant in found:
        if meant.method == method:
            sent = _sent(meant.values)
            document = resources.call_resource(
                request_context.context(), instance, meant, sent
            )
            return responses.json_object(document)
    if found and not _is_built_in(instance, segments):
        raise _refusal(found)
    return None


def _is_built_in(instance: Instance, segments: Sequence[str]) -> bool:
    """Tell whether the call means something without the account's resources.

    One vendor call where the tenant's entities are not cached, else none.
    """
    routed, named = request.url_rule is not None, request.view_args or {}
    if routed and "object_name" not in named and segments[0] not in _SHARED:
        return True
    if len(segments) > _DEEPEST:
        return False
    objects, ids = segments[::2], segments[1::2]
    if routed and "child" not in named:
        objects = objects[:1]
    return all(each.isdecimal() for each in ids) and all(
        resources.is_object(request_context.context(), instance, each)
        for each in objects
    )


def _refusal(found: Sequence[ResolvedRequest]) -> VerbNotSupportedError:
    methods = frozenset(meant.method for meant in found)
    return VerbNotSupportedError(
        f"Method {request.method} is not supported for {request.path}.",
        allowed=methods | {"HEAD"} if "GET" in methods else methods,
    )


def _sent(path: Mapping[str, str]) -> ReceivedArguments:
    """Return what this call sent, without its secrets."""
    query = query_string.current_query()
    return ReceivedArguments(
        path=path,
        query={name: query_string.text(query, name) for name in query},
        headers={
            name.lower(): value
            for name, value in request.headers.items()
            if name.lower() not in _CONCEALED
        },
        body=cache(bodies.optional_object),
        form=cache(current_form),
    )


def list_resources(element: str) -> Response:
    """Answer the element's resources and the account's own."""
    ctx = request_context.context()
    own_only = query_string.flag(
        query_string.current_query(), "accountOnly", default=False
    )
    found = resources.list_resources(
        ctx, request_context.caller(), find_element(ctx, element), own_only=own_only
    )
    return responses.json_list(query_string.chosen(found))


def add_resource(element: str) -> Response:
    """Keep a resource of the account's own."""
    ctx, user = request_context.context(), request_context.user()
    found = find_element(ctx, element)
    saved = resources.add_resource(ctx, user, found, bodies.current_object())
    return responses.json_object(saved.document, notes=saved.notes)


def get_resource(element: str, resource_id: str) -> Response:
    """Answer one resource."""
    ctx = request_context.context()
    found = find_element(ctx, element)
    return responses.json_object(
        resources.get_resource(ctx, request_context.caller(), found, resource_id)
    )


def replace_resource(element: str, resource_id: str) -> Response:
    """Replace a resource of the account's own."""
    ctx, user, body = (
        request_context.context(),
        request_context.user(),
        bodies.current_object(),
    )
    found = find_element(ctx, element)
    saved = resources.replace_resource(ctx, user, found, resource_id, body)
    return responses.json_object(saved.document, notes=saved.notes)


def remove_resource(element: str, resource_id: str) -> Response:
    """Remove a resource of the account's own."""
    ctx, user = request_context.context(), request_context.user()
    resources.remove_resource(ctx, user, find_element(ctx, element), resource_id)
    return responses.empty()
