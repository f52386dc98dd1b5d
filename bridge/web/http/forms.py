"""Request bodies that are forms: their fields as text, in any charset."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import IO
from urllib.parse import unquote_to_bytes

from flask import request
from werkzeug.datastructures import FileStorage, Headers, MultiDict
from werkzeug.exceptions import ClientDisconnected
from werkzeug.formparser import MultiPartParser
from werkzeug.http import parse_options_header

from bridge.errors import InvalidRequestError
from bridge.web.http import bodies
from bridge.web.http.charsets import decode_labelled, decode_unlabelled

MULTIPART = "multipart/form-data"
_BODY = "The request body"
_URL_ENCODED = "application/x-www-form-urlencoded"


def current_form() -> Mapping[str, str]:
    """Return the fields of the current form, the first of each name; no files.

    Empty when the body is not a form.

    Raises:
        InvalidRequestError: malformed, cut short, or not valid in its charset.
        UnsupportedMediaError: its charset is unknown.
    """
    if request.mimetype == MULTIPART:
        form, _ = FormParser().parse_form(io.BytesIO(bodies.read_bytes()))
        return form
    if request.mimetype != _URL_ENCODED:
        return {}
    return parse_url_encoded(bodies.read_bytes(), bodies.current_charset())


def parse_url_encoded(body: bytes, charset: str = "") -> dict[str, str]:
    """Parse a URL-encoded form; the first value of each name counts.

    Without a charset, percent-encoded bytes are decoded as in a query string.

    Raises:
        InvalidRequestError: the body is not valid in its charset (default UTF-8).
        UnsupportedMediaError: the charset is unknown.
    """

    def decode(part: bytes) -> str:
        data = unquote_to_bytes(part)
        return (
            decode_labelled(data, charset, _BODY)
            if charset
            else decode_unlabelled(data)
        )

    if not charset:
        decode_labelled(body, charset, _BODY)
    form: dict[str, str] = {}
    for pair in filter(None, body.replace(b"+", b" ").split(b"&")):
        name, value = map(decode, pair.partition(b"=")[::2])
        form.setdefault(name, value)
    return form


class FormParser(MultiPartParser):
    """Parser of multipart forms whose parts may each have a charset."""

    _charsets: dict[str | None, str]

    def parse_form(
        self, stream: IO[bytes]
    ) -> tuple[dict[str, str], MultiDict[str, FileStorage]]:
        """Return the fields and files of the current form.

        A part without a charset has that of the form, or UTF-8.

        Raises:
            InvalidRequestError: malformed, or not valid in its charset.
            UnsupportedMediaError: its charset is unknown.
        """
        options = parse_options_header(request.headers.get("Content-Type"))[1]
        self._charsets = {}
        try:
            boundary = options.get("boundary", "").encode("ascii")
            if not boundary:
                self.fail("no boundary")
            form, files = self.parse(stream, boundary, request.content_length)
        except (OSError, ClientDisconnected, ValueError) as error:
            raise InvalidRequestError(
                "The multipart/form-data body cannot be read: it is cut short, or does "
                "not follow its boundary."
            ) from error
        return {name: self._decode(name, text) for name, text in form.items()}, files

    def get_part_charset(self, headers: Headers) -> str:
        """Remember a part's charset; `_decode` applies it later."""
        _, disposition = parse_options_header(headers.get("Content-Disposition"))
        _, options = parse_options_header(headers.get("Content-Type"))
        name, charset = disposition.get("name"), options.get("charset", "")
        self._charsets.setdefault(name, charset or bodies.current_charset())
        # werkzeug would decode with replacement characters; latin-1 loses nothing.
        return "latin-1"

    def _decode(self, name: str, text: str) -> str:
        charset = self._charsets.get(name, "")
        return decode_labelled(text.encode("latin-1"), charset, f"The part {name}")
