"""Attachments of records, as files and as what is known of them."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.services.openapi.model import Access, Operation, of_room
from bridge.services.openapi.parameters import (
    DRY_RUN,
    FIELDS,
    IDEMPOTENCY_KEY,
    LABELS,
    ORDER,
    PAGING,
    TOTAL,
    WHERE,
    query,
)
from bridge.services.openapi.schema import Schema, array, obj, ref, text

_FILE: Schema = {"type": "string", "format": "binary"}
_UPLOAD = obj(
    optional={
        "file": text("The file, in a form", format="binary"),
        "data": text("The file as base64, in JSON"),
        "fileName": text(),
        "title": text(maxLength=255),
        "type": text("`FILE_ATTACHMENT`, or a kind of link"),
        "fullPath": text("Where a link leads"),
    }
)
_CONSUMES = ("multipart/form-data", "application/json")
_PLACES = (
    ("/{objectName}/{objectId}/attachments", "ObjectNameAttachment"),
    ("/attachments", "Attachment"),
)


def operations() -> list[Operation]:
    """Return the operations of this room."""
    described = [_attach(), *_attached()]
    return of_room("Attachments", Access.TOKEN, described, hub=True)


def _attach() -> Operation:
    return Operation(
        "POST",
        _PLACES[0][0],
        "createObjectNameAttachment",
        "Attach a file or a link to a record",
        ref("Record"),
        _UPLOAD,
        (
            query("fileName", text(), "Makes the whole body the file, of any type"),
            DRY_RUN,
            FIELDS,
            LABELS,
            IDEMPOTENCY_KEY,
        ),
        ("Elements-Error", "Idempotency-Replayed"),
        consumes=_CONSUMES,
        body_required=False,
    )


def _attached() -> Iterator[Operation]:
    for path, name in _PLACES:
        one = f"{path}/{{attachmentId}}"
        yield Operation(
            "GET",
            path,
            f"get{name}s",
            "List attachments",
            array(ref("Record")),
            None,
            (WHERE, *PAGING, FIELDS, ORDER, TOTAL, LABELS),
        )
        yield Operation(
            "GET",
            one,
            f"get{name}ById",
            "Read what is known of an attachment",
            ref("Record"),
            None,
            (FIELDS, LABELS),
        )
        yield Operation(
            "DELETE",
            one,
            f"delete{name}ById",
            "Delete an attachment",
            None,
            None,
            (DRY_RUN,),
        )
        yield Operation(
            "GET",
            f"{one}/data",
            f"get{name}Data",
            "Download a file",
            _FILE,
            media=("application/octet-stream", "*/*"),
            description="A link is 404, and the message names where it leads.",
        )
