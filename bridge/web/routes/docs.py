"""Descriptions of the API, and the page that shows them.

Source: elements-api section 9; `/docs` and `openapi.json` are ours.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib.resources import files
from urllib.parse import urlsplit

from flask import Flask, Response, current_app

from bridge.errors import NotFoundError, UnauthorizedError
from bridge.services import access
from bridge.services.apidocs import documents
from bridge.services.apidocs.documents import Wish
from bridge.services.apidocs.model import Routes, shape
from bridge.services.apidocs.swagger import Address
from bridge.web.http import query_string, request_context, responses
from bridge.web.http.route_auth import BASE
from bridge.web.routes.instances import find

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
    secrets = request_context.secrets()
    user, instance = None, None
    if secrets.element is not None:
        user, instance = access.open_instance(request_context.context(), secrets)
        request_context.admit(secrets, user, instance)
    wish = replace(_wish(), user=user, instance=instance)
    return responses.json_object(
        documents.describe_api(request_context.context(), wish)
    )


def describe_element(element: str) -> Response:
    """Answer an element, with the tenant's fields where its token was sent.

    The resources that the caller's account added are among its paths.
    """
    ctx, wish = request_context.context(), _with_token(_wish())
    return responses.json_object(documents.describe_element(ctx, wish, element))


def describe_hub(key: str) -> Response:
    """Answer a hub, with the tenant's fields where its token was sent.

    `provider=aws` describes it as behind that gateway, whose address is `baseUrl`.
    """
    ctx, wish = request_context.context(), _with_token(_wish())
    provider = (
        query_string.text(query_string.current_query(), "provider").strip().lower()
    )
    wish = replace(wish, gateway=provider == "aws")
    return responses.json_object(documents.describe_hub(ctx, wish, key))


def describe_instance(
    instance_id: str | None = None, operation_id: str = ""
) -> Response:
    """Answer an instance's element with its tenant's fields, or one operation."""
    wish = _of_instance(instance_id, operation_id)
    return responses.json_object(
        documents.describe_instance(request_context.context(), wish)
    )


def list_definitions(operation_id: str, instance_id: str | None = None) -> Response:
    """Answer the schemas that one operation uses."""
    wish = _of_instance(instance_id, operation_id)
    return responses.json_object(
        documents.instance_definitions(request_context.context(), wish)
    )


def describe_object(object_name: str) -> Response:
    """Answer an object with its tenant's fields; a disabled instance tells, too."""
    document = documents.describe_object(
        request_context.context(), _wish(), request_context.instance(), object_name
    )
    return responses.json_object(document)


def show_page() -> Response:
    """Answer the page; it reads the descriptions itself, and nothing from elsewhere."""
    prefix = urlsplit(request_context.public_url()).path
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


def _with_token(wish: Wish) -> Wish:
    """Add who calls, and the instance of a token; a useless one is as good as none."""
    secrets = request_context.secrets()
    wish = replace(wish, user=request_context.caller())
    if secrets.element is None:
        return wish
    try:
        user, instance = access.open_instance(request_context.context(), secrets)
    except UnauthorizedError:
        return wish
    return replace(wish, user=user, instance=instance)


def _of_instance(instance_id: str | None, operation_id: str) -> Wish:
    wish = _wish(operation_id)
    return replace(wish, user=request_context.user(), instance=find(instance_id))


def _wish(operation_id: str = "") -> Wish:
    query = query_string.current_query()
    url = query_string.text(query, "baseUrl") or request_context.public_url()
    return Wish(
        routes=_routes(),
        address=Address.read(url, BASE),
        discovery=query_string.flag(query, "discovery", default=True),
        basic=query_string.flag(query, "basic", default=False),
        resolve=query_string.flag(query, "resolveReferences", default=False),
        version=query_string.text(query, "version").strip(),
        operation=operation_id or query_string.text(query, "operationId").strip(),
    )


def _routes() -> Routes:
    """Return what is served below the base path."""
    return frozenset(
        (method, shape(rule.rule.removeprefix(BASE)))
        for rule in current_app.url_map.iter_rules()
        if rule.rule.startswith(f"{BASE}/")
        for method in rule.methods or ()
    )
