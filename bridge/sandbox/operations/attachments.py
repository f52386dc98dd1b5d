"""GetAttachment, CreateAttachment, DeleteAttachment: files and links of records.

The description of an attachment is an AttachmentInfo record, which `query` finds; the
bytes of a file are stored in another table. All refusals are a `soap:Fault`.
Source: SOAP contract notes, section 16, soap-samples 16. Unverified: the texts of
refusals, that limits are a fault too, ParentID of an opportunity's attachment.
"""

from __future__ import annotations

import base64
import binascii
import mimetypes
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

from lxml import etree

from bridge.sandbox import errors, rules
from bridge.sandbox.data import database
from bridge.sandbox.data.schema import Table, quoted
from bridge.sandbox.declarations import rule
from bridge.sandbox.errors import SoapFaultError
from bridge.sandbox.operations.calls import Call
from bridge.sandbox.rules import field_validation
from bridge.sandbox.rules.draft import Draft
from bridge.sandbox.rules.write_transaction import WriteTransaction
from bridge.sandbox.soap import submissions
from bridge.sandbox.soap.envelope import Request
from bridge.sandbox.soap.submissions import Submission

ENTITY = "AttachmentInfo"

_FILE = "FILE_ATTACHMENT"
_OPPORTUNITY = 3
# The entities of a ParentType. Source for 4, 18 and 23: one tenant of the vendor's
# other API. Unverified but for Account: the others, and the entities of 23.
_PARENTS: Mapping[int, tuple[str, ...]] = {
    1: ("Account",),
    _OPPORTUNITY: ("Opportunity",),
    4: ("Task", "Ticket"),
    5: ("Project",),
    18: ("TimeEntry",),
    23: ("TicketNote", "TaskNote"),
}
# Their attachments are their ticket's too. Source: SOAP help, 2021.
_TICKET_PARTS = frozenset({"TicketNote", "TimeEntry"})
# Metadata calls most of these read-only, but callers must fill them.
_WRITABLE = frozenset(
    {
        "ParentID",
        "ParentType",
        "Type",
        "Title",
        "FullPath",
        "Publish",
        "AttachedByContactID",
        "ContentType",
        "OpportunityID",
    }
)


# The arguments of CreateAttachment: the bytes and their description, if sent.
Upload: TypeAlias = tuple[bytes | None, Submission | None]


def read_upload(call: Call) -> Upload:
    """Return the arguments of CreateAttachment.

    Raises:
        SoapFaultError: it cannot be bound.
    """
    request = call.request
    space = f"{{{request.namespace}}}"
    attachment = request.body.find(f"{space}attachment")
    info = attachment.find(f"{space}Info") if attachment is not None else None
    if attachment is None or info is None:
        return None, None
    table = _upload_table(call.schema.tables[ENTITY])
    submission = submissions.read_entity(1, info, table, request)
    parent = submission.values.get("parentid") or submission.values.get("opportunityid")
    if parent is not None:
        submission.values["parentid"] = parent
    return _decoded(request, attachment.find(f"{space}Data")), submission


@rule(
    "Attachments", "files and links of records, by their own three calls", source="help"
)
def create_attachment(call: Call, upload: Upload) -> bytes:
    """Store a file or a link and return its id."""
    call.acquire_slot(ENTITY)
    data, submission = upload
    if submission is None:
        raise errors.unprocessable(
            "System.NullReferenceException: Object reference not set to an instance "
            "of an object."
        )
    with call.vendor.database.writing() as connection:
        write = call.begin_write(connection, "create")
        draft = field_validation.validate_fields(
            connection, call.service.schema, submission, None
        )
        parent = _validate_parent(write, draft)
        is_file = draft.get("Type") == _FILE
        if is_file and data is None:
            draft.check_faults.append(errors.MISSING.format("Data"))
        faults = draft.check_faults + draft.save_faults
        if faults:
            raise _refused(" ".join(faults))
        if is_file and data is not None:
            if len(data) > call.vendor.limits.attachment_bytes:
                raise _refused(errors.ATTACHMENT_TOO_LARGE)
            # After all other checks, because it counts the bytes.
            if not call.service.uploads.admit(len(data)):
                raise _refused(errors.TOO_MANY_BYTES)
        _complete(write, draft, parent, len(data or b"") if is_file else None)
        record_id = write.issue_id()
        database.insert(connection, draft.table, record_id, draft.stored)
        if is_file:
            connection.execute(
                "INSERT INTO attachment_data VALUES (?, ?, ?)",
                (write.schema.ci, record_id, data),
            )
    return str(record_id).encode()


def get_attachment(call: Call, record_id: int) -> bytes:
    """Return the bytes of an attachment, if it is a file, and its description."""
    call.acquire_slot(ENTITY)
    connection = call.vendor.database.reading()
    xml = database.fragment(connection, call.schema.tables[ENTITY], record_id)
    if xml is None:
        raise _refused(errors.NO_ATTACHMENT)
    # The schema declares the type of Info, so it has no xsi:type.
    start, end = f'<Entity xsi:type="{ENTITY}">'.encode(), b"</Entity>"
    info = b"<Info>" + xml.removeprefix(start).removesuffix(end) + b"</Info>"
    row = connection.execute(
        "SELECT data FROM attachment_data WHERE ci = ? AND id = ?",
        (call.service.schema.ci, record_id),
    ).fetchone()
    if row is None:
        return info
    return b"<Data>" + base64.b64encode(row[0]) + b"</Data>" + info


def delete_attachment(call: Call, record_id: int) -> bytes:
    """Delete an attachment; return an empty text, or a message if it does not exist."""
    call.acquire_slot(ENTITY)
    ci = call.service.schema.ci
    with call.vendor.database.writing() as connection:
        table = call.service.schema.tables[ENTITY]
        if not database.delete(connection, table, record_id):
            return errors.NO_ATTACHMENT.encode()
        connection.execute(
            "DELETE FROM attachment_data WHERE ci = ? AND id = ?", (ci, record_id)
        )
    return b""


def _upload_table(table: Table) -> Table:
    """Return the table with the columns writable that callers fill."""
    columns = tuple(
        replace(
            column,
            read_only=column.name not in _WRITABLE,
            required=column.required or column.name == "ParentID",
        )
        for column in table.columns
    )
    return replace(
        table,
        columns=columns,
        main=table.storage,
    )


def _decoded(request: Request, element: etree._Element | None) -> bytes | None:
    text = "".join((element.text or "").split()) if element is not None else ""
    if element is None or not text:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise request.unreadable(element, errors.BAD_FORMAT) from error


def _validate_parent(write: WriteTransaction, draft: Draft) -> str:
    """Return the parent's entity; add a fault and return "" when it does not exist."""
    parent_id, kind = draft.get("ParentID"), draft.get("ParentType")
    if parent_id is None or kind is None:
        return ""
    entities = _PARENTS.get(int(kind), ())
    for entity in entities:
        if write.read(entity, parent_id):
            return entity
    if entities:
        draft.check_faults.append(errors.BAD_REFERENCE.format("ParentID", entities[-1]))
    return ""


@rule(
    "Attachments",
    "those of a ticket's notes and time entries are found by the ticket",
    source="help",
)
def _complete(
    write: WriteTransaction, draft: Draft, parent: str, size: int | None
) -> None:
    """Set time, author, size, content type and the fields of the parent."""
    rules.complete(write, draft)
    draft.put("AttachedByResourceID", write.actor)
    draft.put("FileSize", size)
    draft.put(f"{parent}ID", draft.get("ParentID"))
    if parent in _TICKET_PARTS:
        ticket = write.read(parent, draft.get("ParentID")).get(quoted("TicketID"))
        draft.put("TicketID", ticket)
    if size is not None and not draft.get("ContentType"):
        guessed, _ = mimetypes.guess_type(str(draft.get("FullPath")), strict=False)
        draft.put("ContentType", guessed)


def _refused(reason: str) -> SoapFaultError:
    return errors.unprocessable(f"System.Exception: {reason}")
