"""Files and links of records: list, read, attach, download, delete.

An attachment is an `AttachmentInfo` record of the vendor; the bytes of a file need
separate calls. Knows no HTTP, no tables and no format of the vendor.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from bridge.catalog.model import Verb
from bridge.errors import (
    NotFoundError,
    ProviderRejectedError,
)
from bridge.interfaces import Attachment, Entity, Parent
from bridge.services.attachments.parents import link_attachments
from bridge.services.attachments.validation import (
    FILE_TYPE,
    UploadedFile,
    ValidatedAttachment,
    comparable_record,
    validate_attachment,
)
from bridge.services.context import Context
from bridge.services.objects import find_object
from bridge.services.paging import PageSlice
from bridge.services.records import listing as listings
from bridge.services.records.creates import idempotency
from bridge.services.records.creates.create_call import CreateCall
from bridge.services.records.dry_run import build_document
from bridge.services.records.get import get_record
from bridge.services.records.listing import ListRequest
from bridge.services.records.mapping import (
    Record,
    RecordMapping,
    map_resource,
    open_mapping,
)
from bridge.services.records.parents import ParentLink, parse_id
from bridge.services.records.serializer import (
    ALL_MEMBERS,
    RecordOptions,
    SerializedRecord,
    open_serializer,
)
from bridge.services.records.validation import vendor_values
from bridge.services.records.vendor_records import (
    read_entity,
    require_own,
)
from bridge.services.records.write_result import WriteResult, read_back
from bridge.store.instances import Instance
from bridge.types import JSON

ENTITY = "AttachmentInfo"

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class AttachmentParent:
    """The record of a path whose attachments are requested."""

    object_name: str
    record_id: str


@dataclass(frozen=True, slots=True)
class AttachmentFile:
    """A stored file; its name has no path and no control characters.

    `content_type` is the vendor's text and may be empty or wrong.
    """

    name: str
    content_type: str
    data: bytes = field(repr=False)


def open_attachments(ctx: Context, instance: Instance) -> RecordMapping:
    """Open the attachments of an instance. No vendor call."""
    element = ctx.elements[instance.element_key]
    native = element.native(ENTITY, frozenset({Verb.LIST, Verb.GET}))
    return map_resource(ctx, instance, replace(native, singular="attachment"))


def list_attachments(
    mapping: RecordMapping,
    owner: AttachmentParent | None,
    listing: ListRequest,
) -> PageSlice[Record]:
    """Return a page of a record's attachments; without an owner, of all attachments.

    Vendor calls and errors as `listings.list_records`: one for a page, one more for an
    empty list, to check that the record exists. One more if the owner is of a resource
    with only a part of its entity, such as leads.
    """
    link = None if owner is None else _link(mapping, owner)
    # A tenant may not have the entity, or not let it be listed.
    listed = open_mapping(mapping.ctx, mapping.instance, ENTITY, Verb.LIST, "GET")
    return listings.list_records(listed, listing, within=link)


def get_attachment(
    mapping: RecordMapping,
    owner: AttachmentParent | None,
    attachment_id: str,
    *,
    options: RecordOptions = ALL_MEMBERS,
) -> SerializedRecord:
    """Return the record of an attachment. One vendor call, one more for leads.

    Raises:
        NotFoundError: the attachment does not exist, or belongs to another record.
    """
    link = None if owner is None else _link(mapping, owner)
    entity = _read_own(mapping, link, attachment_id)
    return open_serializer(mapping, options).record(entity)


def download(
    mapping: RecordMapping, owner: AttachmentParent | None, attachment_id: str
) -> AttachmentFile:
    """Return the file of an attachment. One vendor call, two when it is refused.

    Raises:
        NotFoundError: the attachment does not exist, belongs to another record, or is
            a link, whose target the message names.
        ProviderError: Autotask refused, or sent no usable response.
    """
    link = None if owner is None else _link(mapping, owner)
    found = _fetch(mapping, link, attachment_id)
    require_own(mapping, found.info, link)
    path = str(found.info.values.get("FullPath", ""))
    kind = found.info.values.get("Type")
    if kind != FILE_TYPE and found.data is None:
        raise NotFoundError(
            f"The attachment with ID {attachment_id} is a link ({kind}) and has no "
            f"bytes here; it leads to {path}"
        )
    return AttachmentFile(
        # FullPath is what the uploader sent, perhaps a path of its own machine.
        name=_file_name(path) or f"attachment-{attachment_id}",
        content_type=str(found.info.values.get("ContentType", "")),
        data=found.data or b"",
    )


def create_attachment(
    mapping: RecordMapping,
    owner: AttachmentParent,
    upload: UploadedFile,
    *,
    key: str | None = None,
    options: RecordOptions = ALL_MEMBERS,
) -> WriteResult:
    """Attach a file or a link to a record, and read the new attachment back.

    Two vendor calls, one more for leads; none when it repeats an earlier upload
    (`records.idempotency`). One more when it is refused, to check that the record
    exists. Two files are equal if their bytes are.

    Raises:
        NotFoundError: the object or record does not exist, or can have no attachments.
        InvalidRequestError: with every problem; nothing was sent.
        ConflictError: an equal upload is in progress; nothing was sent.
        ProviderRejectedError: Autotask refused; nothing was attached.
        ProviderUploadLimitError: too many bytes in five minutes; nothing was attached.
        ProviderOutcomeUnknownError: sent, and no response came.
    """
    link = _link(mapping, owner)
    attachment = _validate(mapping, upload, link)
    attachment.record.require_valid("Nothing was attached")
    record = comparable_record(attachment)
    attempt = idempotency.begin(
        CreateCall(mapping, attachment.body, key, record, options=options, within=link)
    )
    if attempt.result is not None:
        return attempt.result
    with attempt:
        attempt.prepare()
        serializer = open_serializer(mapping, options)
        attempt.check_send_deadline()
        sent = Entity({"id": _send(mapping, attachment, link)})
        for info, value in attachment.record.given.values():
            if value is not None:
                sent.values[info.name] = value
        notice = "created, but not read back: some members may be missing"
        result = read_back(serializer, sent, attachment.record, notice)
    attempt.finish(result)
    return result


def delete_attachment(
    mapping: RecordMapping, owner: AttachmentParent | None, attachment_id: str
) -> None:
    """Delete an attachment. One vendor call, two when it is refused.

    One more with an owner, to check that the attachment belongs to that record.

    Raises:
        NotFoundError: the attachment does not exist, or belongs to another record.
        ProviderRejectedError: Autotask refused; the attachment still exists.
        ProviderOutcomeUnknownError: sent, and no response came.
    """
    parent, number = _require_deletable(mapping, owner, attachment_id)
    try:
        mapping.backend.delete_attachment(parent, number)
    except ProviderRejectedError:
        # A missing attachment is our 404 rather than the vendor's refusal.
        read_entity(mapping, attachment_id, typed=False)
        raise


def dry_run_create(
    mapping: RecordMapping, owner: AttachmentParent, upload: UploadedFile
) -> tuple[dict[str, JSON], tuple[str, ...]]:
    """Return the request of an upload without its bytes, and the unused members.

    No vendor call, one for leads.

    Raises:
        NotFoundError: the object does not exist, or can have no attachments.
    """
    link = _link(mapping, owner)
    attachment = _validate(mapping, upload, link)
    request = None
    if not attachment.record.problems:
        values = vendor_values(attachment.record)
        request = mapping.backend.preview_attachment("create", _parent(link), 0, values)
    document = build_document("create", ENTITY, request, attachment.record.problems)
    return document, tuple(attachment.record.ignored)


def dry_run_delete(
    mapping: RecordMapping, owner: AttachmentParent | None, attachment_id: str
) -> dict[str, JSON]:
    """Return the request of a delete. One vendor call.

    Raises:
        NotFoundError: the attachment does not exist, or belongs to another record.
    """
    parent, number = _require_deletable(mapping, owner, attachment_id)
    if owner is None:
        read_entity(mapping, attachment_id, typed=False)
    request = mapping.backend.preview_attachment("delete", parent, number, {})
    return build_document("delete", ENTITY, request, [])


def _send(
    mapping: RecordMapping, attachment: ValidatedAttachment, link: ParentLink
) -> int:
    values = vendor_values(attachment.record)
    try:
        return mapping.backend.create_attachment(_parent(link), values, attachment.file)
    except ProviderRejectedError:
        # A missing record is our 404 rather than the vendor's refusal.
        read_entity(mapping.open(link.parent), str(link.parent_id), typed=False)
        raise


def _validate(
    mapping: RecordMapping, upload: UploadedFile, link: ParentLink
) -> ValidatedAttachment:
    """Validate an upload, again with newer metadata if that may be too old."""
    return mapping.metadata.apply(
        lambda fields: validate_attachment(fields, upload, link),
        lambda attachment: attachment.record.in_doubt,
    )


def _link(mapping: RecordMapping, owner: AttachmentParent) -> ParentLink:
    """Return the link of attachments to a record; one vendor call for leads only."""
    parent = find_object(mapping.ctx, mapping.instance, owner.object_name)
    fields = mapping.metadata.get()
    link = link_attachments(fields, parent, parse_id(parent, owner.record_id))
    if parent.fixed is not None:
        get_record(mapping.open(parent), owner.record_id)
    return link


def _parent(link: ParentLink) -> Parent:
    """Return the record of a link as backends take it."""
    return Parent(link.parent.entity, link.parent_id)


def _read_own(
    mapping: RecordMapping, link: ParentLink | None, attachment_id: str
) -> Entity:
    """Read an attachment of the link's record, if there is a link. One vendor call."""
    entity = read_entity(mapping, attachment_id, shared=True)
    require_own(mapping, entity, link)
    return entity


def _fetch(
    mapping: RecordMapping, link: ParentLink | None, attachment_id: str
) -> Attachment:
    number = parse_id(mapping.resource, attachment_id)
    parent = None if link is None else _parent(link)
    try:
        found = mapping.backend.attachment(parent, number)
    except ProviderRejectedError:
        read_entity(mapping, attachment_id, typed=False)
        raise
    if found is None:
        raise NotFoundError(f"The attachment with ID {attachment_id} was not found.")
    return found


def _require_deletable(
    mapping: RecordMapping, owner: AttachmentParent | None, attachment_id: str
) -> tuple[Parent | None, int]:
    """Return the parent and the id of an attachment to delete.

    One vendor call if it has an owner, one more for leads.
    """
    parent = None
    if owner is not None:
        link = _link(mapping, owner)
        _read_own(mapping, link, attachment_id)
        parent = _parent(link)
    return parent, parse_id(mapping.resource, attachment_id)


def _file_name(path: str) -> str:
    """Return the last part of a path of either kind, without control characters."""
    name = re.split(r"[/\\]", _CONTROL_CHARACTERS.sub("", path))[-1].strip()
    return "" if name in {".", ".."} else name
