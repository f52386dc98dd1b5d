"""Uploads: a multipart form, the bytes of a file, or JSON.

A name in `Content-Disposition` or `?fileName=` makes the whole body the file. Files are
read in chunks into a temporary file, which stays in memory while it is small. The
limits are ours.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO, BinaryIO, cast

from flask import request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.wsgi import get_input_stream

from bridge.errors import InvalidRequestError, UnsupportedMediaError
from bridge.services.attachments.validation import UploadedFile
from bridge.types import JSON
from bridge.web.http import bodies, query_string, request_context
from bridge.web.http.charsets import decode_unlabelled
from bridge.web.http.forms import MULTIPART, FormParser

_IN_MEMORY_BYTES = 1 << 19
_PIECE = 1 << 16
_FIELD_BYTES = 1 << 16
_FRAMING_BYTES = 1 << 18  # boundaries, part headers and fields around the file
_MAX_PARTS = 50
_NAMES = ("fileName", "filename")
_QUOTED_NAME = re.compile(r'filename="((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_MEMBERS = ("title", "publish", "type")
_TO_NAME = "send Content-Disposition: attachment; filename=… or ?fileName=…"


@contextmanager
def current_upload() -> Iterator[UploadedFile]:
    """Yield the upload of the current request; its file is deleted afterwards.

    Raises:
        InvalidRequestError: malformed, cut short, or more than one file.
        UnsupportedMediaError: a compressed body, or a multipart body that is not a
            form.
        RequestEntityTooLarge: more bytes than the settings allow.
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"", "identity"}:
        raise UnsupportedMediaError(f"Content-Encoding {encoding} is not read here.")
    media_type = request.mimetype
    query = query_string.current_query()
    name = _header_name() or query_string.text(query, *_NAMES) or None
    with ExitStack() as opened:
        if media_type == MULTIPART:
            yield _form(name, opened)
        elif media_type.startswith("multipart/"):
            raise UnsupportedMediaError(
                f"{media_type} is not read here; send multipart/form-data."
            )
        elif name is not None:
            file = opened.enter_context(_temporary())
            _copy_body(file)
            given = {member: query_string.text(query, member) for member in _MEMBERS}
            yield UploadedFile(
                {member: text for member, text in given.items() if text},
                file,
                name,
                media_type,
            )
        elif _may_be_json(media_type):
            yield UploadedFile(_members())
        else:
            raise InvalidRequestError(
                f"fileName is missing: a body of type {media_type} is a file, so "
                f"{_TO_NAME}"
            )


def _members() -> dict[str, JSON]:
    """Read a body without a file name as JSON."""
    try:
        return bodies.optional_object()
    except InvalidRequestError as error:
        raise InvalidRequestError(
            f"{error.message} If the body is a file, {_TO_NAME}"
        ) from None


def _form(name: str | None, opened: ExitStack) -> UploadedFile:
    def spooled(*_about: object, **_more: object) -> IO[bytes]:
        return opened.enter_context(_temporary())

    parser = FormParser(
        stream_factory=spooled,
        max_form_memory_size=_FIELD_BYTES,
        max_form_parts=_MAX_PARTS,
    )
    try:
        form, files = parser.parse_form(_input())
    except RequestEntityTooLarge:
        raise _too_large() from None
    sent = [file for _, file in files.items(multi=True)]
    if len(sent) > 1:
        raise InvalidRequestError("Send one file in a call; this one has several.")
    if not sent:
        if "file" in form:
            raise InvalidRequestError(
                "The part `file` has no file name; send filename=… in its "
                "Content-Disposition."
            )
        return UploadedFile(dict(form))
    [file] = sent
    transfer = file.headers.get("Content-Transfer-Encoding", "binary").strip().lower()
    # An encoded part would be stored as it is, and the file be useless.
    if transfer not in {"binary", "8bit", "7bit", ""}:
        raise UnsupportedMediaError(
            f"Content-Transfer-Encoding {transfer} is not read here; send the bytes."
        )
    stream = cast("BinaryIO", file.stream)
    # `seek` to the end returns the size.
    _require_size(stream.seek(0, 2))
    header = file.headers.get("Content-Disposition", "")
    sent_name = _with_path(header, file.filename or "") or name or ""
    return UploadedFile(dict(form), stream, sent_name, file.mimetype)


def _copy_body(file: BinaryIO) -> None:
    """Copy a body that is a file to a temporary file."""
    try:
        shutil.copyfileobj(_input(), file, _PIECE)
    except RequestEntityTooLarge:
        raise _too_large() from None
    except (OSError, ClientDisconnected) as error:
        raise InvalidRequestError("The request body could not be read.") from error
    size = file.tell()
    if request.content_length is not None and size < request.content_length:
        raise InvalidRequestError("The request body is shorter than Content-Length.")
    _require_size(size)


def _temporary() -> BinaryIO:
    return cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES))


def _input() -> IO[bytes]:
    """Return the body as a stream, limited to the largest file and its framing."""
    limit = request_context.context().settings.http_max_upload_bytes + _FRAMING_BYTES
    bodies.limit_size(limit)
    try:
        return get_input_stream(request.environ, max_content_length=limit)
    except RequestEntityTooLarge:
        raise _too_large() from None


def _require_size(size: int) -> None:
    if size > request_context.context().settings.http_max_upload_bytes:
        raise _too_large()


def _too_large() -> RequestEntityTooLarge:
    limit = request_context.context().settings.http_max_upload_bytes
    return RequestEntityTooLarge(
        f"The file is larger than {limit} bytes, or what came with it is very long."
    )


def _header_name() -> str | None:
    """Return the name in `Content-Disposition`; WSGI passes its bytes as latin-1."""
    header = request.headers.get("Content-Disposition", "")
    header = decode_unlabelled(header.encode("latin-1"))
    name = parse_options_header(header)[1].get("filename")
    return None if name is None else _with_path(header, name)


def _with_path(header: str, name: str) -> str:
    """Return a file name with the backslashes that werkzeug removes as quoting.

    Old browsers send a whole Windows path without quoting its backslashes.
    """
    quoted = _QUOTED_NAME.search(header)
    if quoted is None or "\\" not in quoted[1]:
        return name
    return re.sub(r'\\(["\\])', r"\1", quoted[1])


def _may_be_json(media_type: str) -> bool:
    plain = media_type in {"", "application/x-www-form-urlencoded", "text/plain"}
    return plain or media_type.endswith(("/json", "+json"))
