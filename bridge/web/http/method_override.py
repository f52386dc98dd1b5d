"""`X-HTTP-Method-Override`, for HTTP libraries that can only send GET and POST.

On a POST below the base path the header replaces the method before anything else reads
it: routing, access log, metrics, idempotency. Other routes ignore the header, because a
browser's cookie may authenticate them. Source: elements-api appendix E, 1.8.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import request

from bridge.errors import InvalidRequestError
from bridge.web.http.route_auth import BASE

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

OVERRIDE_METHODS = frozenset({"PATCH", "PUT", "DELETE"})
_HEADER = "X-HTTP-Method-Override"
_VARIABLE = "HTTP_X_HTTP_METHOD_OVERRIDE"


class MethodOverrideMiddleware:
    """WSGI middleware that rewrites `REQUEST_METHOD`; paths must be normalised."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Call the application with the overriding method."""
        override = environ.get(_VARIABLE, "").strip().upper()
        if override in OVERRIDE_METHODS and _honours_overrides(environ):
            environ["REQUEST_METHOD"] = override
        return self._app(environ, start_response)


def _honours_overrides(environ: WSGIEnvironment) -> bool:
    path = str(environ["PATH_INFO"])
    return environ["REQUEST_METHOD"] == "POST" and path.startswith(f"{BASE}/")


def refuse_unknown_override() -> None:
    """Refuse a POST with an invalid override: its caller does not intend a create.

    Raises:
        InvalidRequestError: the header holds anything but PATCH, PUT, DELETE or POST.
    """
    value = request.headers.get(_HEADER, "").strip()
    is_unknown = value and value.upper() not in OVERRIDE_METHODS | {"POST"}
    if is_unknown and _honours_overrides(request.environ):
        raise InvalidRequestError(
            f"{_HEADER} must be PATCH, PUT or DELETE, or be left out; "
            f"{value[:20]!r} cannot be sent as a POST."
        )
