"""Request bodies: JSON, whatever their `Content-Type` says.

Source: elements-api 1.1 and 1.8. Limits on size and depth are ours.
"""

from __future__ import annotations

import json
import math
import re
from typing import NoReturn, cast

from flask import request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.http import parse_options_header

from bridge.errors import InvalidRequestError, UnsupportedMediaError
from bridge.types import JSON
from bridge.web.http import request_context
from bridge.web.http.charsets import decode_labelled

LIMIT_BODY = "bridge.limit_body"
"""Key in the WSGI environment of the server's function that limits a body."""

MAX_DEPTH = 64
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def limit_size(max_bytes: int | None = None) -> None:
    """Let the server refuse a chunked body once its chunks announce more bytes.

    Called for every request with the limit of the settings, and again before reading a
    larger body. A body with `Content-Length` is refused by its length.
    """
    limit_body = request.environ.get(LIMIT_BODY)
    if limit_body is not None:
        limit_body(max_bytes or request_context.context().settings.http_max_body_bytes)


def current_object() -> dict[str, JSON]:
    """Return the body of the current request, a JSON object.

    Raises:
        InvalidRequestError: empty, not JSON, not an object, cut short, or not valid
            in the charset of its `Content-Type` (default UTF-8).
        UnsupportedMediaError: the body is compressed, or its charset unknown.
    """
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding.strip().lower() not in {"", "identity"}:
        raise UnsupportedMediaError(f"Content-Encoding {encoding} is not read here.")
    return parse_object(read_bytes(), current_charset())


def current_charset() -> str:
    """Return the charset of `Content-Type`; empty when it has none."""
    return parse_options_header(request.headers.get("Content-Type"))[1].get(
        "charset", ""
    )


def optional_object() -> dict[str, JSON]:
    """Return the body as `current_object` does; an empty one is an empty object."""
    # Without both headers a request has no body. Source: RFC 9112, 6.3.
    if request.content_length == 0 or (
        request.content_length is None and not request.headers.get("Transfer-Encoding")
    ):
        return {}
    return current_object()


def read_bytes() -> bytes:
    """Read the whole body, within the limit of the settings.

    A body shorter than announced is refused, even if it parses: data may be missing.
    """
    try:
        body = request.stream.read()
    except (OSError, ClientDisconnected) as error:
        raise InvalidRequestError("The request body could not be read.") from error
    # werkzeug accepts one byte more: see `bridge.web.register`.
    if len(body) > request_context.context().settings.http_max_body_bytes:
        raise RequestEntityTooLarge
    if request.content_length is not None and len(body) < request.content_length:
        raise InvalidRequestError("The request body is shorter than Content-Length.")
    request_context.trace_body(body, current_charset())
    return body


def parse_object(body: bytes, charset: str = "") -> dict[str, JSON]:
    """Parse a JSON object; of members with the same name the last counts.

    Raises:
        InvalidRequestError: with line and column where the text is malformed.
        UnsupportedMediaError: the charset is unknown.
    """
    value = _parse(body, charset)
    if not isinstance(value, dict):
        raise InvalidRequestError("The request body must be a JSON object.")
    if _is_deeper(value, MAX_DEPTH):
        raise _too_deep()
    return value


def _parse(body: bytes, charset: str) -> JSON:
    """Parse with the standard library: it keeps whole numbers of any size exact."""
    if not body.strip():
        raise InvalidRequestError("The request body is empty; send a JSON object.")
    text = decode_labelled(body, charset, "The request body")
    try:
        value = json.loads(
            text, parse_constant=_refuse_constant, parse_float=_parse_float
        )
        # An escaped half of a surrogate pair parses, but is not text.
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeError:
        raise InvalidRequestError("The request body is not valid UTF-8.") from None
    except json.JSONDecodeError as error:
        raise InvalidRequestError(
            f"Malformed JSON at line {error.lineno}, column {error.colno}: {error.msg}."
        ) from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        raise InvalidRequestError("A number in the body is too long.") from None
    return cast("JSON", value)


def _refuse_constant(constant: str) -> NoReturn:
    raise InvalidRequestError(f"Malformed JSON: {constant} is not a JSON value.")


def _parse_float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise InvalidRequestError("Malformed JSON: a number is out of range.")
    return value


def _too_deep() -> InvalidRequestError:
    return InvalidRequestError(f"The body is nested deeper than {MAX_DEPTH} levels.")


def _is_deeper(value: JSON, limit: int) -> bool:
    """Return whether containers are nested more than `limit` deep; not recursive."""
    level: list[JSON] = [value]
    for _ in range(limit):
        level = [child for parent in level for child in _containers(parent)]
        if not level:
            return False
    return True


def _containers(parent: JSON) -> list[JSON]:
    children: list[JSON] = []
    if isinstance(parent, dict):
        children = list(parent.values())
    elif isinstance(parent, list):
        children = parent
    return [child for child in children if isinstance(child, dict | list)]
