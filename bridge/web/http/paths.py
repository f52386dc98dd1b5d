"""Normalisation of request paths before routing.

Doubled and trailing slashes are dropped without a redirect, because many old clients
follow a redirected POST with a GET. Source: elements-api 1.1.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes, urlsplit

from bridge.web.http.charsets import decode_unlabelled

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class PathMiddleware:
    """WSGI middleware that rewrites `PATH_INFO`; the query string is not touched."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Call the application with the normalised path."""
        environ["PATH_INFO"] = normalise(_encoded_path(environ))
        return self._app(environ, start_response)


def normalise(path: str) -> str:
    """Decode a percent-encoded path as WSGI requires it (bytes as latin-1).

    Slashes are collapsed before decoding: an encoded one is part of its segment and
    stays encoded, so that no id becomes a longer path. Bytes that are not UTF-8 are
    decoded as windows-1252.
    """
    segments = (_decode(segment) for segment in path.split("/") if segment)
    return "/" + "/".join(segments)


def normalise_target(target: str) -> str:
    """Return the normalised path of a request target; empty if it is malformed."""
    try:
        return normalise(_path_of(target))
    except ValueError:
        return ""


def _decode(segment: str) -> str:
    text = decode_unlabelled(unquote_to_bytes(segment)).replace("/", "%2F")
    return text.encode().decode("latin-1")


def _encoded_path(environ: WSGIEnvironment) -> str:
    """Return the path as sent if the server passes it on, else `PATH_INFO` encoded."""
    # `PATH_INFO` is decoded already: an encoded slash cannot be recognised in it.
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if raw is None or environ.get("SCRIPT_NAME"):
        return quote(environ.get("PATH_INFO", "").encode("latin-1"))
    return _path_of(str(raw))


def _path_of(target: str) -> str:
    path = target.partition("?")[0]
    return path if path.startswith("/") else urlsplit(path).path
