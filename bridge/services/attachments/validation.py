"""Validation of uploads: files with a name and bytes, links with an address. Pure.

All problems of an upload are collected and reported together.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
import io
import mimetypes
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from bridge.catalog.model import Verb
from bridge.interfaces import FieldInfo
from bridge.services.attachments.parents import PARENT_ID, PARENT_TYPE, parent_members
from bridge.services.fields import EntityFields
from bridge.services.records.members import read_members
from bridge.services.records.parents import ParentLink
from bridge.services.records.validation import ValidatedRecord, validate_create
from bridge.types import JSON

FILE_TYPE: Final = "FILE_ATTACHMENT"
"""The `Type` of files; all others are links. Source: vendor contract notes, 12."""

_CHUNK_BYTES: Final = 1 << 16
_WRITABLE: Final = frozenset(
    {
        PARENT_ID,
        PARENT_TYPE,
        "Type",
        "Title",
        "FullPath",
        "Publish",
        "ContentType",
        "AttachedByContactID",
        "OpportunityID",
    }
)
"""The fields of a new attachment, although metadata has most as read-only.
Source: vendor samples, 16."""
_REQUIRED: Final = frozenset(
    {PARENT_ID, PARENT_TYPE, "Type", "Title", "FullPath", "Publish"}
)
_EVERYBODY: Final = "1"
# Control characters, lone surrogates, line and paragraph separators, unassigned.
_CONTROLS: Final = frozenset({"Cc", "Cs", "Zl", "Zp", "Cn"})
_MEDIA_TYPE: Final = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,60}", re.ASCII)
_UNSPECIFIC: Final = frozenset(
    {"application/octet-stream", "application/x-www-form-urlencoded"}
)
_HOW_TO_UPLOAD: Final = (
    "send multipart/form-data with a part `file`, or the bytes as the body with "
    "Content-Disposition: attachment; filename=…, or for a link a JSON object with "
    "type, title and fullPath"
)


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """An upload as received: members as the caller wrote them, and a file.

    `file` is seekable, None without a file; `file_name` is None if the caller sent no
    name. A member `data` may have the file as base64 text instead.
    """

    members: Mapping[str, JSON]
    file: BinaryIO | None = field(default=None, repr=False)
    file_name: str | None = None
    content_type: str = ""


@dataclass(slots=True)
class ValidatedAttachment:
    """An attachment as it will be sent; equal uploads have an equal `body`."""

    record: ValidatedRecord
    file: BinaryIO | None
    size: int
    body: dict[str, JSON]


def validate_attachment(
    metadata: EntityFields, upload: UploadedFile, link: ParentLink
) -> ValidatedAttachment:
    """Validate an upload; its problems are in `record.problems`."""
    fields = writable_fields(metadata)
    problems: list[str] = []
    members = {name.lower(): value for name, value in upload.members.items()}
    # `data` leaves the members here, so that no message or stored body quotes it.
    file = _open(members, upload.file, problems)
    size = 0 if file is None else file.seek(0, io.SEEK_END)
    # Invalid base64 gives an empty file, which needs no second message.
    if file is not None and size == 0 and not problems:
        problems.append("file is empty: Autotask stores no file of 0 bytes")
    body = _fill_in_members(fields, members, link, problems)
    if file is not None:
        _fill_in_file_members(body, upload, problems)
    _check_kind(fields, body, file, problems)
    body = _with_caller_names(fields, body, upload)
    record = validate_create(fields, read_members(body))
    record.problems[:0] = problems
    if file is not None:
        # Repeated uploads are found by their body; a digest stands for the bytes.
        body = {**body, "size": size, "sha256": _digest(file)}
    return ValidatedAttachment(record, file, size, body)


def comparable_record(draft: ValidatedAttachment) -> ValidatedRecord:
    """Return the values that find an attachment whose create got no response.

    Without those that the vendor may change: a file's path and its media type.
    """
    size = draft.record.fields.standard.get("FileSize")
    given = dict(draft.record.given)
    given.pop((False, "ContentType"), None)
    if draft.file is not None:
        given.pop((False, "FullPath"), None)
        if size is not None:
            given[(False, size.name)] = (size, draft.size)
    return ValidatedRecord(draft.record.fields, given)


def writable_fields(fields: EntityFields) -> EntityFields:
    """Return the fields of attachments, writable as for a create."""

    def opened(info: FieldInfo) -> FieldInfo:
        return dataclasses.replace(
            info,
            read_only=info.name not in _WRITABLE,
            required=info.name in _REQUIRED,
        )

    resource = dataclasses.replace(
        fields.resource,
        verbs=fields.resource.verbs | {Verb.CREATE},
    )
    return dataclasses.replace(
        fields,
        resource=resource,
        standard={name: opened(info) for name, info in fields.standard.items()},
        by_name={name: opened(info) for name, info in fields.by_name.items()},
    )


def find_name_problem(name: str) -> str:
    """Return the problem with a file name, or an empty text."""
    if not name or name in {".", ".."}:
        return "must be the name of a file"
    if "/" in name or "\\" in name:
        return "must be a name without a path"
    if any(unicodedata.category(character) in _CONTROLS for character in name):
        return "holds control characters"
    return ""


def _open(
    members: dict[str, JSON], file: BinaryIO | None, problems: list[str]
) -> BinaryIO | None:
    """Return the uploaded file, sent as bytes or as base64 text."""
    text = members.pop("data", None)
    if text is None:
        return file
    if file is not None:
        problems.append("data and file were both sent: one of them is enough")
    elif not isinstance(text, str):
        problems.append("data must be the file as base64 text")
    else:
        try:
            return io.BytesIO(base64.b64decode("".join(text.split()), validate=True))
        except (binascii.Error, ValueError):
            problems.append("data is not valid base64")
    return io.BytesIO()


def _fill_in_members(
    fields: EntityFields,
    members: dict[str, JSON],
    link: ParentLink,
    problems: list[str],
) -> dict[str, JSON]:
    """Return the members of the record with defaults for missing ones."""
    body: dict[str, JSON] = {"title": members.pop("title", None)}
    body |= _without_parent(fields, members, link, problems)
    if body.get("publish") in (None, ""):
        body["publish"] = _default_publish(fields)
    if isinstance(kind := body.get("type"), str):
        body["type"] = kind.strip().upper()
    return body


def _fill_in_file_members(
    body: dict[str, JSON], upload: UploadedFile, problems: list[str]
) -> None:
    """Set path, title, type and media type of a file from its name."""
    named = body.pop("filename", None) or upload.file_name
    given = body.get("fullpath") or named or ""
    name = given.strip() if isinstance(given, str) else ""
    if wrong := find_name_problem(name):
        problems.append(
            f"fileName {wrong}" + (f"; {_HOW_TO_UPLOAD}" if not name else "")
        )
    # A default even for a problem, so that validation does not report it twice.
    body["fullpath"] = name or "file"
    body["title"] = body["title"] or name or "file"
    body["type"] = body.get("type") or FILE_TYPE
    media_type = body.get("contenttype") or _media_type(upload.content_type, name)
    if media_type:
        body["contenttype"] = media_type


def _without_parent(
    fields: EntityFields,
    members: dict[str, JSON],
    link: ParentLink,
    problems: list[str],
) -> dict[str, JSON]:
    """Return the members, with those that refer to the record taken from the path."""
    own = parent_members(fields, link)
    lowered = {name.lower(): (name, value) for name, value in own.items()}
    for name, (shown, value) in lowered.items():
        # Callers may repeat what the path says, but must not contradict it.
        given = members.get(name)
        if given not in (None, "") and str(given).strip() != str(value):
            problems.append(f"{shown} is {value} by the path, and {given} in the body")
    return members | {name: value for name, (_, value) in lowered.items()}


def _default_publish(fields: EntityFields) -> str:
    info = fields.standard.get("Publish")
    items = info.picklist if info else ()
    return next((item.value for item in items if item.is_default), _EVERYBODY)


def _with_caller_names(
    fields: EntityFields, body: dict[str, JSON], upload: UploadedFile
) -> dict[str, JSON]:
    """Return a body whose members have the names that callers use."""
    names = {name.lower(): name for name in upload.members}
    names |= {lowered: fields.name_of(info) for lowered, info in fields.by_name.items()}
    return {names.get(name, name): value for name, value in body.items()}


def _check_kind(
    fields: EntityFields,
    body: dict[str, JSON],
    file: BinaryIO | None,
    problems: list[str],
) -> None:
    """Report a missing file, and a file that a link cannot have."""
    kind = body.get("type")
    kinds = {item.value for item in fields.standard["Type"].picklist}
    if file is None and kind == FILE_TYPE:
        problems.append(f"file is missing for type {FILE_TYPE}: {_HOW_TO_UPLOAD}")
    elif file is None and not kind and not body.get("fullpath"):
        problems.append(f"file is missing: {_HOW_TO_UPLOAD}")
    elif file is not None and kind != FILE_TYPE and kind in kinds:
        problems.append(f"type {kind} is a link and takes no file")


def _media_type(given: str, name: str) -> str:
    """Return a file's media type as sent, else by its name, else an empty text."""
    given = given.partition(";")[0].strip().lower()
    # Browsers and curl send these types for any file; the name says more.
    if _MEDIA_TYPE.fullmatch(given) and given not in _UNSPECIFIC:
        return given
    return mimetypes.guess_type(name, strict=False)[0] or ""


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    # In chunks: a file may be larger than the memory of the process should grow.
    while piece := file.read(_CHUNK_BYTES):
        digest.update(piece)
    file.seek(0)
    return digest.hexdigest()
