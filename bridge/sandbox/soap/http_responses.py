"""HTTP responses: status, headers and body, and how WSGI sends them."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from typing import Any, TypeAlias

from bridge.sandbox.declarations import rule

Environ: TypeAlias = dict[str, Any]
StartResponse: TypeAlias = Callable[..., Any]

_HOST = re.compile(
    r"[A-Za-z0-9.\-]+(:[0-9]{1,5})?\Z|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?\Z"
)
_ACCESS_DENIED = "Access is denied due to invalid credentials."
_MIN_COMPRESSED_BYTES = 4096
_GZIP_LEVEL = 1
# Source: soap-samples 17; not well-formed XML, like the vendor's.
_PAGE = """\
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" \
"http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">
<html xmlns="http://www.w3.org/1999/xhtml">
<head>
<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1">
<title>{title}</title>
</head>
<body>
<h1>Server Error</h1>
<h2>{title}</h2>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One HTTP response."""

    status: HTTPStatus
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


def soap(body: bytes, status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    """Return a SOAP response with the headers of the vendor's server."""
    cache = (("Cache-Control", "private, max-age=0"),)
    return HttpResponse(status, "text/xml; charset=utf-8", body, cache)


def page(status: HTTPStatus, reason: str, *headers: tuple[str, str]) -> HttpResponse:
    """Return an HTML page, as the vendor's web server does outside SOAP."""
    title = f"{status.value} - {status.phrase}: {reason}"
    body = _PAGE.format(title=escape(title)).encode("iso-8859-1", "replace")
    return HttpResponse(status, "text/html", body, headers)


@rule(
    "Transport",
    "Wrong credentials are a 401 web page, for the description too",
    source="clients",
)
def unauthorized(environ: Environ) -> HttpResponse:
    """Return the page that refuses a login."""
    host = environ.get("HTTP_HOST", "").partition(":")[0]
    realm = host if _HOST.match(host) else "localhost"
    challenge = f'Basic Realm="{realm}"'
    return page(
        HTTPStatus.UNAUTHORIZED, _ACCESS_DENIED, ("WWW-Authenticate", challenge)
    )


def base_url(environ: Environ) -> str | None:
    """Return this server's URL by the Host header, None if that is invalid."""
    host = environ.get("HTTP_HOST", "")
    if not _HOST.match(host):
        return None
    return f"{environ['wsgi.url_scheme']}://{host}/"


def json_response(value: object, status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    """Return a JSON document."""
    return HttpResponse(status, "application/json", json.dumps(value).encode())


def send(
    environ: Environ, start_response: StartResponse, response: HttpResponse
) -> Iterable[bytes]:
    """Start the response and return its body, compressed if large and accepted."""
    body, headers = response.body, [("Content-Type", response.content_type)]
    headers += response.headers
    accepted = environ.get("HTTP_ACCEPT_ENCODING", "")
    if "gzip" in accepted and len(body) > _MIN_COMPRESSED_BYTES:
        # Without the time, so that equal responses have equal bytes.
        body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
        headers.append(("Content-Encoding", "gzip"))
    headers.append(("Content-Length", str(len(body))))
    start_response(f"{response.status.value} {response.status.phrase}", headers)
    return (body,)
