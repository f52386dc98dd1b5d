"""What a caller wants attached, turned into an attachment; every mistake named. Pure.

A file has a name and bytes, a link only an address; both have members of a record.
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
from bridge.services.records.parents import ParentLink
from bridge.services.records.validation import ValidatedRecord, validate_create
from bridge.types import JSON

FILE_TYPE: Final = "FILE_ATTACHMENT"
"""The `Type` of what has bytes; all others are links. Source: SOAP contract, 12."""

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
"""What a new attachment is made of, although metadata calls most of it read-only.
Source: soap-samples 16."""
_REQUIRED: Final = frozenset(
    {PARENT_ID, PARENT_TYPE, "Type", "Title", "FullPath", "Publish"}
)
_EVERYBODY: Final = "1"
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
    """What came with a call: members as the caller wrote them, and a file.

    `file` is a seekable file, None when there is none; `file_name` is None when the
    caller gave none. A member `data` may hold the file as base64 text instead.
    """

    members: Mapping[str, JSON]
    file: BinaryIO | None = field(default=None, repr=False)
    file_name: str | None = None
    content_type: str = ""


@dataclass(slots=True)
class ValidatedAttachment:
    """An attachment as it will be sent; `body` tells it from any other.

    `fields` are the attachments' fields as a create sees them.
    """

    fields: EntityFields
    record: ValidatedRecord
    file: BinaryIO | None
    size: int
    body: dict[str, JSON]


def validate_attachment(
    metadata: EntityFields, upload: UploadedFile, link: ParentLink
) -> ValidatedAttachment:
    """Read what a caller sent; its problems are in `record.problems`."""
    fields = writable_fields(metadata)
    problems: list[str] = []
    members = {name.lower(): value for name, value in upload.members.items()}
    file = _open(members, upload.file, problems)
    size = 0 if file is None else file.seek(0, io.SEEK_END)
    if file is not None and size == 0 and not problems:
        problems.append("file is empty: Autotask stores no file of 0 bytes")
    body = _fill_in_members(fields, members, link, problems)
    if file is not None:
        _fill_in_file_members(body, upload, problems)
    _check_kind(fields, body, file, problems)
    body = _with_caller_names(fields, body, upload)
    record = validate_create(fields, body)
    record.problems[:0] = problems
    if file is not None:
        body = {**body, "size": size, "sha256": _digest(file)}
    return ValidatedAttachment(fields, record, file, size, body)


def comparable_record(draft: ValidatedAttachment) -> ValidatedRecord:
    """Return what an attachment is recognised by when its create was not answered.

    Not by what the vendor may set by itself: a file's place and its media type.
    """
    size = draft.fields.standard.get("FileSize")
    given = dict(draft.record.given)
    given.pop((False, "ContentType"), None)
    if draft.file is not None:
        given.pop((False, "FullPath"), None)
        if size is not None:
            given[(False, size.name)] = (size, draft.size)
    return ValidatedRecord(given=given)


def writable_fields(fields: EntityFields) -> EntityFields:
    """Return the fields of attachments as they are when one is created."""

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
        by_facade={name: opened(info) for name, info in fields.by_facade.items()},
    )


def find_name_problem(name: str) -> str:
    """Return what is wrong with the name of a file, empty when nothing is."""
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
    """Return the file that was sent, as bytes or as base64 text."""
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
    """Return the members of the record, with what is not said put in."""
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
    """Fill in what a file's name and media type say: place, title, kind."""
    named = body.pop("filename", None) or upload.file_name
    given = body.get("fullpath") or named or ""
    name = given.strip() if isinstance(given, str) else ""
    if wrong := find_name_problem(name):
        problems.append(
            f"fileName {wrong}" + (f"; {_HOW_TO_UPLOAD}" if not name else "")
        )
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
    """Return the members with those that name the record as the path does."""
    own = parent_members(fields, link)
    lowered = {name.lower(): (name, value) for name, value in own.items()}
    for name, (shown, value) in lowered.items():
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
    """Return a body whose members are called as callers know them."""
    names = {name.lower(): name for name in upload.members}
    names |= {
        lowered: fields.facade_name(info.name)
        for lowered, info in fields.by_facade.items()
    }
    return {names.get(name, name): value for name, value in body.items()}


def _check_kind(
    fields: EntityFields,
    body: dict[str, JSON],
    file: BinaryIO | None,
    problems: list[str],
) -> None:
    """Name a file that is missing, and one that a link does not take."""
    kind = body.get("type")
    kinds = {item.value for item in fields.standard["Type"].picklist}
    if file is None and kind == FILE_TYPE:
        problems.append(f"file is missing for type {FILE_TYPE}: {_HOW_TO_UPLOAD}")
    elif file is None and not kind and not body.get("fullpath"):
        problems.append(f"file is missing: {_HOW_TO_UPLOAD}")
    elif file is not None and kind != FILE_TYPE and kind in kinds:
        problems.append(f"type {kind} is a link and takes no file")


def _media_type(given: str, name: str) -> str:
    """Return a file's media type: as it was sent, else by the name; perhaps none."""
    given = given.partition(";")[0].strip().lower()
    if _MEDIA_TYPE.fullmatch(given) and given not in _UNSPECIFIC:
        return given
    return mimetypes.guess_type(name, strict=False)[0] or ""


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    while piece := file.read(_CHUNK_BYTES):
        digest.update(piece)
    file.seek(0)
    return digest.hexdigest()
