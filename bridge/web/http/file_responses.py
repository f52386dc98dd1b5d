"""Responses that are files: any media type, under a safe name. Source: RFC 6266."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

from flask import Response

OCTETS = "application/octet-stream"

_MEDIA_TYPE = re.compile(
    r"[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}"
    r"(?:\s*;\s*[A-Za-z0-9!#$&^_.+-]+=(?:[A-Za-z0-9!#$&^_.+-]+|\"[\x20\x21\x23-\x5b"
    r"\x5d-\x7e]*\")){0,5}"
)
_NOT_PLAIN = re.compile(r'[^\x20-\x7e]|["\\%]')
_ATTRIBUTE = "!#$&+-.^_`|~"


def file_response(data: bytes, *, name: str, content_type: str) -> Response:
    """Return a file that browsers save and never show as a page of ours.

    An invalid media type becomes `application/octet-stream`.
    """
    is_valid = _MEDIA_TYPE.fullmatch(content_type.strip())
    # As an iterator it counts as streamed, and traces leave it out.
    response = Response(
        iter((data,)), content_type=content_type.strip() if is_valid else OCTETS
    )
    response.headers["Content-Length"] = str(len(data))
    response.headers["Content-Disposition"] = disposition(name)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def disposition(name: str) -> str:
    """Return a `Content-Disposition` for a file name of any script.

    Clients without support for `filename*` get the nearest name in ASCII.
    """
    letters = unicodedata.normalize("NFKD", name)
    letters = "".join(each for each in letters if not unicodedata.combining(each))
    plain = _NOT_PLAIN.sub("_", letters)
    if plain == name:
        return f'attachment; filename="{plain}"'
    encoded = quote(name.encode("utf-8", "replace"), safe=_ATTRIBUTE)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"
