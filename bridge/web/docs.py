"""Descriptions of the API, and the page that shows them.

Source: elements-api section 9; `/docs` and `openapi.json` are ours.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib.resources import files
from urllib.parse import urlsplit

from flask import Flask, Response

from bridge.errors import NotFoundError, UnauthorizedError
from bridge.services import access
from bridge.services.openapi import documents
from bridge.services.openapi.address import Address
from bridge.services.openapi.documents import DescriptionRequest
from bridge.web import current, params, responses
from bridge.web.families import BASE
from bridge.web.instances import find

_PAGE = "/docs"
_HTML = "text/html; charset=utf-8"
_FILES = {
    "docs.css": ("bridge.web", "pages", "text/css; charset=utf-8"),
    "docs.js": ("bridge.web", "pages", "text/javascript; charset=utf-8"),
    "swagger-ui.css": ("flask_swagger_ui", "dist", "text/css; charset=utf-8"),
    "swagger-ui-bundle.js": (
        "flask_swagger_ui",
        "dist",
        "text/javascript; charset=utf-8",
    ),
    "favicon-32x32.png": ("flask_swagger_ui", "dist", "image/png"),
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'"
)


def register(app: Flask) -> None:
    """Add the routes of descriptions and page."""
    element = f"{BASE}/elements/<element:element>"
    for path, view in (
        ("/openapi.json", describe_api),
        ("/docs/<key>", describe_hub),
        ("/objects/<object_name>/docs", describe_object),
        ("/hubs/<hub>/objects/<object_name>/docs", describe_object),
    ):
        app.add_url_rule(BASE + path, view_func=view)
    for part in ("docs", "lbdocs"):
        app.add_url_rule(f"{element}/{part}", view_func=describe_element)
    for root in ("/instances", "/instances/<instance:instance_id>"):
        docs = f"{BASE}{root}/docs"
        app.add_url_rule(docs, view_func=describe_instance)
        app.add_url_rule(f"{docs}/<operation_id>", view_func=describe_instance)
        app.add_url_rule(
            f"{docs}/<operation_id>/definitions", view_func=list_definitions
        )
    app.add_url_rule(_PAGE, view_func=show_page)
    app.add_url_rule("/elements/api-docs", view_func=show_page)
    app.add_url_rule(f"{_PAGE}/<name>", view_func=send_file)


def describe_api() -> Response:
    """Answer the whole API, with the fields of the tenant whose token was sent.

    Raises:
        UnauthorizedError: the token opens nothing.
    """
    secrets = current.secrets()
    user, instance = None, None
    if secrets.element is not None:
        user, instance = access.open_instance(current.context(), secrets)
        current.admit(secrets, user, instance)
    description = replace(_request(), user=user, instance=instance)
    return responses.document(documents.describe_api(current.context(), description))


def describe_element(element: str) -> Response:
    """Answer an element, with the tenant's fields where its token was sent.

    The resources that the caller's account added are among its paths.
    """
    ctx, description = current.context(), _with_token(_request())
    return responses.document(documents.describe_element(ctx, description, element))


def describe_hub(key: str) -> Response:
    """Answer a hub, with the tenant's fields where its token was sent.

    `provider=aws` describes it as behind that gateway, whose address is `baseUrl`.
    """
    ctx, description = current.context(), _with_token(_request())
    provider = params.text(params.current_query(), "provider").strip().lower()
    description = replace(description, gateway=provider == "aws")
    return responses.document(documents.describe_hub(ctx, description, key))


def describe_instance(
    instance_id: str | None = None, operation_id: str = ""
) -> Response:
    """Answer an instance's element with its tenant's fields, or one operation."""
    description = _of_instance(instance_id, operation_id)
    return responses.document(
        documents.describe_instance(current.context(), description)
    )


def list_definitions(operation_id: str, instance_id: str | None = None) -> Response:
    """Answer the schemas that one operation uses."""
    description = _of_instance(instance_id, operation_id)
    return responses.document(
        documents.instance_definitions(current.context(), description)
    )


def describe_object(object_name: str) -> Response:
    """Answer an object with its tenant's fields; a disabled instance tells, too."""
    document = documents.describe_object(
        current.context(), _request(), current.instance(), object_name
    )
    return responses.document(document)


def show_page() -> Response:
    """Answer the page; it reads the descriptions itself, and nothing from elsewhere."""
    prefix = urlsplit(current.public_url()).path
    page = _read("bridge.web", "pages", "docs.html")
    answer = Response(page.replace(b"{{prefix}}", prefix.encode()), content_type=_HTML)
    answer.headers["Content-Security-Policy"] = _POLICY
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def send_file(name: str) -> Response:
    """Answer a script, a style sheet or a picture of the page.

    Raises:
        NotFoundError: it has no such file.
    """
    if name not in _FILES:
        raise NotFoundError("No such path.")
    package, folder, media = _FILES[name]
    answer = Response(_read(package, folder, name), content_type=media)
    answer.headers["Cache-Control"] = "public, max-age=86400"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


@cache
def _read(package: str, folder: str, name: str) -> bytes:
    return (files(package) / folder / name).read_bytes()


def _with_token(description: DescriptionRequest) -> DescriptionRequest:
    """Add who calls, and the instance of a token; a useless one is as good as none."""
    secrets = current.secrets()
    description = replace(description, user=current.caller())
    if secrets.element is None:
        return description
    try:
        user, instance = access.open_instance(current.context(), secrets)
    except UnauthorizedError:
        return description
    return replace(description, user=user, instance=instance)


def _of_instance(instance_id: str | None, operation_id: str) -> DescriptionRequest:
    description = _request(operation_id)
    return replace(description, user=current.user(), instance=find(instance_id))


def _request(operation_id: str = "") -> DescriptionRequest:
    query = params.current_query()
    url = params.text(query, "baseUrl") or current.public_url()
    return DescriptionRequest(
        address=Address.parse(url, BASE),
        discovery=params.flag(query, "discovery", default=True),
        basic=params.flag(query, "basic", default=False),
        resolve=params.flag(query, "resolveReferences", default=False),
        version=params.text(query, "version").strip(),
        operation=operation_id or params.text(query, "operationId").strip(),
    )
