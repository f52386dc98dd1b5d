"""The page at `/` for browsers; programs get the 404 of the old service."""

from __future__ import annotations

from functools import cache
from urllib.parse import urlsplit

from flask import Response, request
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from werkzeug.exceptions import NotFound

from bridge import __version__
from bridge.web.http import pages, request_context
from bridge.web.http.route_auth import BASE
from bridge.web.http.routing import Route
from bridge.web.routes import health

_HTML = "text/html"
_BROWSER = "application/xhtml+xml"
"""What every browser accepts besides HTML; some HTTP libraries, Java's among them,
prefer HTML too. Source: MDN, list of default Accept values."""

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
    "Vary": "Accept",
    **pages.PAGE_HEADERS,
}


def show_landing() -> Response:
    """Return the landing page to a browser. No vendor call, one database query.

    Raises:
        NotFound: the client is not a browser, or the method not GET.
    """
    # JSON first: it wins for `Accept: */*`, which most programs send.
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
        ready=health.find_problem() is None,
    )
    return Response(page, content_type=pages.HTML, headers=_HEADERS)


def send_asset(name: str) -> Response:
    """Return a style sheet or an image.

    Raises:
        NotFound: the name is unknown.
    """
    if name not in _ASSETS:
        raise NotFound
    return pages.file_of_page(name, _ASSETS[name])


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("bridge.web", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    return environment.get_template("landing.html")


ROUTES = (
    # With OPTIONS among its methods, Flask adds no OPTIONS of its own.
    Route("/", show_landing, _METHODS),
    Route("/assets/<name>", send_asset),
)
