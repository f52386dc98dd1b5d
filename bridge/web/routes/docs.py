"""Descriptions of the API, and the page that shows them.

Source: elements-api section 9; `/docs` and `openapi.json` are ours.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Response

from bridge.errors import NotFoundError, UnauthorizedError
from bridge.services import access
from bridge.services.instances.lifecycle import find_element
from bridge.services.openapi import documents
from bridge.services.openapi.address import Address
from bridge.services.openapi.documents import DescriptionRequest
from bridge.web.http import pages, query_string, request_context, responses
from bridge.web.http.route_auth import BASE
from bridge.web.http.routing import Route
from bridge.web.routes.instances import find_instance

_CSS = "text/css; charset=utf-8"
_JAVASCRIPT = "text/javascript; charset=utf-8"
_FILES: dict[str, tuple[str, ...]] = {
    "docs.css": (_CSS,),
    "docs.js": (_JAVASCRIPT,),
    "swagger-ui.css": (_CSS, "flask_swagger_ui", "dist"),
    "swagger-ui-bundle.js": (_JAVASCRIPT, "flask_swagger_ui", "dist"),
    "favicon-32x32.png": ("image/png", "flask_swagger_ui", "dist"),
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'"
)


def describe_api() -> Response:
    """Return the whole API, with the fields of the tenant whose token was sent.

    Raises:
        UnauthorizedError: the token is not valid.
    """
    secrets = request_context.secrets()
    user, instance = None, None
    if secrets.element is not None:
        user, instance = access.open_instance(request_context.context(), secrets)
        request_context.set_caller(secrets, user, instance)
    request = replace(_request(), user=user, instance=instance)
    return responses.json_object(
        documents.describe_api(request_context.context(), request)
    )


def describe_element(element: str) -> Response:
    """Return an element, with the tenant's fields where its token was sent.

    The resources that the caller's account added are among its paths.
    """
    ctx, request = request_context.context(), _with_token(_request())
    found = find_element(ctx, element)
    return responses.json_object(documents.describe_element(ctx, request, found))


def describe_hub(key: str) -> Response:
    """Return a hub, with the tenant's fields where its token was sent.

    `provider=aws` describes it as behind that gateway, whose address is `baseUrl`.
    """
    ctx, request = request_context.context(), _with_token(_request())
    provider = (
        query_string.text(query_string.current_query(), "provider").strip().lower()
    )
    request = replace(request, gateway=provider == "aws")
    return responses.json_object(documents.describe_hub(ctx, request, key))


def describe_instance(
    instance_id: str | None = None, operation_id: str = ""
) -> Response:
    """Return an instance's element with its tenant's fields, or one operation."""
    return responses.json_object(_instance_document(instance_id, operation_id))


def list_definitions(operation_id: str, instance_id: str | None = None) -> Response:
    """Return the schemas that one operation uses."""
    document = _instance_document(instance_id, operation_id)
    return responses.json_object(document["definitions"])


def describe_object(object_name: str) -> Response:
    """Return an object with its tenant's fields, also of a disabled instance."""
    document = documents.describe_object(
        request_context.context(), _request(), request_context.instance(), object_name
    )
    return responses.json_object(document)


def show_page() -> Response:
    """Return the page; it reads the descriptions from here, and nothing elsewhere."""
    headers = {**pages.PAGE_HEADERS, "Content-Security-Policy": _POLICY}
    return pages.page_response("docs.html", headers)


def send_file(name: str) -> Response:
    """Return a script, a style sheet or a picture of the page.

    Raises:
        NotFoundError: the page has no such file.
    """
    if name not in _FILES:
        raise NotFoundError("No such path.")
    return pages.file_of_page(name, *_FILES[name])


def _with_token(request: DescriptionRequest) -> DescriptionRequest:
    """Add the caller and the token's instance; an invalid token is ignored."""
    secrets = request_context.secrets()
    request = replace(request, user=request_context.find_user())
    if secrets.element is None:
        return request
    try:
        user, instance = access.open_instance(request_context.context(), secrets)
    except UnauthorizedError:
        return request
    return replace(request, user=user, instance=instance)


def _instance_document(instance_id: str | None, operation_id: str) -> dict[str, Any]:
    ctx, instance = request_context.context(), find_instance(instance_id)
    request = replace(
        _request(operation_id), user=request_context.user(), instance=instance
    )
    element = ctx.elements[instance.element_key]
    return documents.describe_element(ctx, request, element)


def _request(operation_id: str = "") -> DescriptionRequest:
    query = query_string.current_query()
    url = query_string.text(query, "baseUrl") or request_context.public_url()
    return DescriptionRequest(
        address=Address.parse(url, BASE),
        discovery=query_string.flag(query, "discovery", default=True),
        basic=query_string.flag(query, "basic", default=False),
        resolve=query_string.flag(query, "resolveReferences", default=False),
        version=query_string.text(query, "version").strip(),
        operation=operation_id or query_string.text(query, "operationId").strip(),
    )


_ELEMENT = f"{BASE}/elements/<element:element>"
_INSTANCES = (f"{BASE}/instances/docs", f"{BASE}/instances/<instance:instance_id>/docs")

ROUTES = (
    Route(f"{BASE}/openapi.json", describe_api),
    Route(f"{BASE}/docs/<key>", describe_hub),
    Route(f"{BASE}/objects/<object_name>/docs", describe_object),
    Route(f"{BASE}/hubs/<hub>/objects/<object_name>/docs", describe_object),
    Route(f"{_ELEMENT}/docs", describe_element),
    Route(f"{_ELEMENT}/lbdocs", describe_element),
    *(Route(path, describe_instance) for path in _INSTANCES),
    *(Route(f"{path}/<operation_id>", describe_instance) for path in _INSTANCES),
    *(
        Route(f"{path}/<operation_id>/definitions", list_definitions)
        for path in _INSTANCES
    ),
    Route("/docs", show_page),
    Route("/elements/api-docs", show_page),
    Route("/docs/<name>", send_file),
)
