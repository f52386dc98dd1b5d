"""The page at `/` for people; programs get the 404 that they always got there."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from urllib.parse import urlsplit

from flask import Flask, Response, request
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from werkzeug.exceptions import NotFound

from bridge import __version__
from bridge.errors import BridgeError
from bridge.store.database.health_checks import check_ready
from bridge.web.http import request_context
from bridge.web.http.route_auth import BASE

_HTML = "text/html"
_BROWSER = "application/xhtml+xml"
"""What every browser accepts beside HTML; some HTTP clients of programs, Java's among
them, prefer HTML too. Source: MDN, list of default Accept values."""

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_ASSETS = {
    "bridge.css": "text/css; charset=utf-8",
    "bridge.svg": "image/svg+xml",
}
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept",
    "X-Content-Type-Options": "nosniff",
}


def register(app: Flask) -> None:
    """Add the page and its assets; neither needs credentials."""
    app.add_url_rule(
        "/",
        view_func=show_landing,
        methods=_METHODS,
        provide_automatic_options=False,
    )
    app.add_url_rule("/assets/<name>", view_func=send_asset, methods=["GET"])


def show_landing() -> Response:
    """Answer a browser with the landing page. No vendor call, one database query.

    Raises:
        NotFound: the caller is not a browser, or it is not a GET.
    """
    accepted = request.accept_mimetypes.best_match(["application/json", _HTML])
    if (
        request.method not in {"GET", "HEAD"}
        or accepted != _HTML
        or _BROWSER not in request.accept_mimetypes.values()
    ):
        raise NotFound
    url = request_context.public_url()
    page = _template().render(
        prefix=urlsplit(url).path,
        base_url=url + BASE,
        version=__version__,
        ready=_is_ready(),
    )
    return Response(page, content_type=f"{_HTML}; charset=utf-8", headers=_HEADERS)


def send_asset(name: str) -> Response:
    """Answer a style sheet or a picture of the pages.

    Raises:
        NotFound: there is no such asset.
    """
    if name not in _ASSETS:
        raise NotFound
    answer = Response(_read(name), content_type=_ASSETS[name])
    answer.headers["Cache-Control"] = "public, max-age=86400"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def _is_ready() -> bool:
    ctx = request_context.context()
    try:
        ctx.readiness_reader.read(lambda: check_ready(ctx.database))
    except BridgeError:
        return False
    return True


@cache
def _read(name: str) -> bytes:
    return (files("bridge.web") / "pages" / name).read_bytes()


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("bridge.web", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    return environment.get_template("landing.html")
