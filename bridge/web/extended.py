"""Resources that an account added to the element. Source: elements-api 3.5."""

from __future__ import annotations

from flask import Flask, Response, request

from bridge.services import extended
from bridge.services.instances import find_element
from bridge.web import bodies, current, params, responses
from bridge.web.families import BASE, Family, family_of

_ALL = f"{BASE}/elements/<element:element>/resources"
_ONE = f"{_ALL}/<resource_id>"


def register(app: Flask) -> None:
    """Add the routes, and what answers the added resources themselves."""
    app.before_request(answer)
    for path, view, methods in (
        (_ALL, list_resources, ["GET"]),
        (_ALL, add_resource, ["POST"]),
        (_ONE, get_resource, ["GET"]),
        (_ONE, replace_resource, ["PUT"]),
        (_ONE, remove_resource, ["DELETE"]),
    ):
        app.add_url_rule(path, view_func=view, methods=methods)
    for part in ("hooks", "parameters", "models"):
        app.add_url_rule(
            f"{_ONE}/{part}",
            endpoint=f"resource {part}",
            view_func=list_resource_part,
            defaults={"part": part},
        )


def answer() -> Response | None:
    """Answer a call that an added resource is meant by; None for any other call.

    One vendor call. Callers whose account added none cost nothing here.
    """
    user, instance = current.caller(), current.opened()
    if user is None or instance is None or not user.extended:
        return None
    if family_of(request.method, request.path, current.secrets()) is not Family.HUB:
        return None
    segments = request.path.removeprefix(f"{BASE}/").strip("/").split("/")
    if segments[0] == "hubs":
        segments = segments[2:]
    query = params.current_query()
    given = {name: params.text(query, name) for name in query}
    document = extended.answer(
        current.context(), user, instance, request.method, "/".join(segments), given
    )
    return None if document is None else responses.document(document)


def list_resources(element: str) -> Response:
    """Answer the element's resources and the account's own."""
    ctx = current.context()
    own_only = params.flag(params.current_query(), "accountOnly", default=False)
    found = extended.list_resources(
        ctx, current.caller(), find_element(ctx, element), own_only=own_only
    )
    return responses.listing(found, next_page=None)


def add_resource(element: str) -> Response:
    """Keep a resource of the account's own."""
    ctx, user = current.context(), current.user()
    found = find_element(ctx, element)
    return responses.document(
        extended.add_resource(ctx, user, found, bodies.current_object())
    )


def get_resource(element: str, resource_id: str) -> Response:
    """Answer one resource."""
    ctx = current.context()
    found = find_element(ctx, element)
    return responses.document(
        extended.get_resource(ctx, current.caller(), found, resource_id)
    )


def replace_resource(element: str, resource_id: str) -> Response:
    """Replace a resource of the account's own."""
    ctx, user, body = current.context(), current.user(), bodies.current_object()
    found = find_element(ctx, element)
    return responses.document(
        extended.replace_resource(ctx, user, found, resource_id, body)
    )


def remove_resource(element: str, resource_id: str) -> Response:
    """Remove a resource of the account's own."""
    ctx, user = current.context(), current.user()
    extended.remove_resource(ctx, user, find_element(ctx, element), resource_id)
    return responses.empty()


def list_resource_part(element: str, resource_id: str, part: str) -> Response:
    """Answer a resource's hooks, parameters or models."""
    ctx = current.context()
    found = find_element(ctx, element)
    return responses.listing(
        extended.list_part(ctx, current.caller(), found, resource_id, part),
        next_page=None,
    )
