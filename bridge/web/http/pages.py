"""Pages for browsers, and the files that they load."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from urllib.parse import urlsplit

from flask import Response

from bridge.web.http import request_context

HTML = "text/html; charset=utf-8"
PAGE_HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def page_response(name: str, headers: dict[str, str]) -> Response:
    """Return a page of ours, `{{prefix}}` in it replaced by the path to our root."""
    prefix = urlsplit(request_context.public_url()).path
    page = _read("bridge.web", "pages", name).replace(b"{{prefix}}", prefix.encode())
    return Response(page, content_type=HTML, headers=headers)


def file_of_page(
    name: str, media_type: str, package: str = "bridge.web", folder: str = "pages"
) -> Response:
    """Return a script, a style sheet or an image; browsers may cache it for a day."""
    return Response(
        _read(package, folder, name),
        content_type=media_type,
        headers={
            "Cache-Control": "public, max-age=86400",
            "X-Content-Type-Options": "nosniff",
        },
    )


@cache
def _read(package: str, folder: str, name: str) -> bytes:
    return (files(package) / folder / name).read_bytes()
