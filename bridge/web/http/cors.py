"""Cross-origin requests of browsers: which routes are open to them, and the headers.

No request below the base path is authenticated by a cookie, so any origin may call it,
with credentials mode or without. All other routes answer without these headers: the
login of the old console and `getSecrets` use a cookie. Source: elements-api 1.5 and
appendix E.
"""

from __future__ import annotations

import re

from flask import Response, request

from bridge.web.http import responses
from bridge.web.http.route_auth import BASE

EXPOSED_HEADERS = (
    "Elements-Returned-Count, Elements-Total-Count, Elements-Request-Id, "
    "Elements-Next-Page-Token, Elements-Trace-Id, Elements-Error, Content-Disposition"
)
_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_DEFAULT_HEADERS = ("Authorization", "Content-Type", "Accept")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_ORIGIN = re.compile(r"[\x21-\x2b\x2d-\x7e]+")
_MAX_REQUESTED_HEADERS = 100


def is_open(path: str) -> bool:
    """Return whether browsers of any origin may call a normalised path."""
    return path == BASE or path.startswith(f"{BASE}/")


def response_headers(path: str, origin: str) -> dict[str, str]:
    """Return the headers of any response, errors included, to a request from `origin`.

    Empty for routes that are not open, only `Vary` without a usable origin.
    """
    if not is_open(path):
        return {}
    if _ORIGIN.fullmatch(origin) is None:
        return {"Vary": "Origin"}
    return {
        "Vary": "Origin",
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": EXPOSED_HEADERS,
    }


def preflight() -> Response | None:
    """Answer `OPTIONS` on an open route with 200; None for any other request.

    The requested headers are allowed by name: browsers apply a wildcard neither to
    `Authorization` nor to any header in credentials mode.
    """
    if request.method != "OPTIONS" or not is_open(request.path):
        return None
    response = responses.empty()
    response.headers["Allow"] = _METHODS
    response.headers["Access-Control-Allow-Methods"] = _METHODS
    response.headers["Access-Control-Allow-Headers"] = ", ".join(_allowed_headers())
    return response


def finish(response: Response) -> Response:
    """Add the headers that allow the browser's page to read the response."""
    origin = request.headers.get("Origin", "")
    response.headers.update(response_headers(request.path, origin))
    return response


def _allowed_headers() -> list[str]:
    """Return the default headers and those requested, each once in any case."""
    requested = request.headers.get("Access-Control-Request-Headers", "").split(",")
    # The response repeats the names, so their number is bounded.
    names = [name.strip() for name in requested[:_MAX_REQUESTED_HEADERS]]
    valid = [name for name in names if _HEADER_NAME.fullmatch(name)]
    allowed: dict[str, str] = {}
    for name in [*_DEFAULT_HEADERS, *valid]:
        allowed.setdefault(name.lower(), name)
    return list(allowed.values())
