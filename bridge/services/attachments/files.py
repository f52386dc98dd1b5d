"""Files and links of records: list, read, attach, download, delete.

An attachment is an `AttachmentInfo` record of the vendor; the bytes of a file need
separate calls. Knows no HTTP, no SOAP and no tables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from bridge.catalog.model import Resource, Verb
from bridge.errors import (
    BridgeError,
    NotFoundError,
    ProviderRejectedError,
)
from bridge.interfaces import Attachment, Backend, Entity
from bridge.services.attachments.parents import link_attachments
from bridge.services.attachments.validation import (
    FILE_TYPE,
    UploadedFile,
    ValidatedAttachment,
    comparable_record,
    validate_attachment,
)
from bridge.services.context import Context
from bridge.services.credentials import open_backend
from bridge.services.fields import EntityFields
from bridge.services.metadata import entity_fields, read_with_fields
from bridge.services.objects import find_object
from bridge.services.records import crud, duplicate_search
from bridge.services.records import listing as listings
from bridge.services.records.idempotency import (
    CheckSendDeadline,
    CreateCall,
    create_once,
)
from bridge.services.records.listing import ListRequest, RecordPage
from bridge.services.records.parents import ParentLink
from bridge.services.records.serializer import (
    PLAIN,
    RecordOptions,
    RecordSerializer,
    SerializedRecord,
    open_serializer,
)
from bridge.services.records.validation import vendor_values
from bridge.services.records.vendor_records import (
    entity_type,
    read_entity,
    read_id,
    require_own,
)
from bridge.services.records.write_result import WriteResult, show_unread
from bridge.store.idempotency_records import CreateRequest, IdempotencyRecord
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


def list_attachments(
    ctx: Context,
    instance: Instance,
    owner: AttachmentParent | None,
    listing: ListRequest,
) -> RecordPage:
    """Return a page of a record's attachments; without an owner, of all attachments.

    Vendor calls and errors as `listings.list_records`: one for a page, one more for an
    empty list, to check that the record exists. One more if the owner is of a resource
    with only a part of its entity, such as leads.
    """
    link = None if owner is None else _link(ctx, instance, owner)
    return listings.list_records(ctx, instance, ENTITY, listing, within=link)


def get_attachment(
    ctx: Context,
    instance: Instance,
    owner: AttachmentParent | None,
    attachment_id: str,
    *,
    view: RecordOptions = PLAIN,
) -> SerializedRecord:
    """Return the record of an attachment. One vendor call, one more for leads.

    Raises:
        NotFoundError: the attachment does not exist, or belongs to another record.
    """
    resource = _resource(ctx, instance)
    link = None if owner is None else _link(ctx, instance, owner)
    entity = read_entity(
        open_backend(ctx, instance), resource, attachment_id, shared=True
    )
    require_own(ctx, instance, resource, entity, link)
    return open_serializer(ctx, instance, resource, view).show(entity)


def download(
    ctx: Context, instance: Instance, owner: AttachmentParent | None, attachment_id: str
) -> AttachmentFile:
    """Return the file of an attachment. One vendor call, two when it is refused.

    Raises:
        NotFoundError: the attachment does not exist, belongs to another record, or is
            a link, whose target the message names.
        ProviderError: Autotask refused, or sent no usable response.
    """
    resource = _resource(ctx, instance)
    link = None if owner is None else _link(ctx, instance, owner)
    backend = open_backend(ctx, instance)
    found = _fetch(backend, resource, attachment_id)
    require_own(ctx, instance, resource, found.info, link)
    path = str(found.info.get("FullPath", ""))
    kind = found.info.get("Type")
    if kind != FILE_TYPE and found.data is None:
        raise NotFoundError(
            f"The attachment with ID {attachment_id} is a link ({kind}) and has no "
            f"bytes here; it leads to {path}"
        )
    return AttachmentFile(
        # FullPath is what the uploader sent, perhaps a path of its own machine.
        name=_file_name(path) or f"attachment-{attachment_id}",
        content_type=str(found.info.get("ContentType", "")),
        data=found.data or b"",
    )


def create_attachment(
    ctx: Context,
    instance: Instance,
    owner: AttachmentParent,
    upload: UploadedFile,
    *,
    key: str | None = None,
    view: RecordOptions = PLAIN,
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
    link = _link(ctx, instance, owner)
    attachment = _validate(ctx, instance, upload, link)
    attachment.record.require_sound("Nothing was attached")
    create = CreateCall(
        instance,
        attachment.fields.resource,
        attachment.body,
        key,
        view,
        find=partial(_find, attachment, link),
    )
    return create_once(ctx, create, partial(_send, ctx, create, attachment, link))


def delete_attachment(
    ctx: Context, instance: Instance, owner: AttachmentParent | None, attachment_id: str
) -> None:
    """Delete an attachment. One vendor call, two when it is refused.

    One more with an owner, to check that the attachment belongs to that record.

    Raises:
        NotFoundError: the attachment does not exist, or belongs to another record.
        ProviderRejectedError: Autotask refused; the attachment still exists.
        ProviderOutcomeUnknownError: sent, and no response came.
    """
    resource = _resource(ctx, instance)
    backend = open_backend(ctx, instance)
    number = _require_deletable(ctx, instance, owner, attachment_id)
    try:
        backend.delete_attachment(number)
    except ProviderRejectedError:
        # A missing attachment is our 404 rather than the vendor's refusal.
        read_entity(backend, resource, attachment_id)
        raise


def dry_run_create(
    ctx: Context, instance: Instance, owner: AttachmentParent, upload: UploadedFile
) -> tuple[dict[str, JSON], tuple[str, ...]]:
    """Return the request of an upload without its bytes, and the unused members.

    No vendor call, one for leads.

    Raises:
        NotFoundError: the object does not exist, or can have no attachments.
    """
    link = _link(ctx, instance, owner)
    attachment = _validate(ctx, instance, upload, link)
    request = None
    if not attachment.record.problems:
        request = open_backend(ctx, instance).preview(
            "create",
            entity_type(attachment.fields.resource),
            0,
            vendor_values(attachment.fields, attachment.record),
        )
    document = _dry_run_document("create", request, attachment.record.problems)
    return document, tuple(attachment.record.ignored)


def dry_run_delete(
    ctx: Context, instance: Instance, owner: AttachmentParent | None, attachment_id: str
) -> dict[str, JSON]:
    """Return the request of a delete. One vendor call.

    Raises:
        NotFoundError: the attachment does not exist, or belongs to another record.
    """
    resource = _resource(ctx, instance)
    backend = open_backend(ctx, instance)
    number = _require_deletable(ctx, instance, owner, attachment_id)
    if owner is None:
        read_entity(backend, resource, attachment_id)
    request = backend.preview("delete", entity_type(resource), number, {})
    return _dry_run_document("delete", request, [])


def _send(
    ctx: Context,
    create: CreateCall,
    attachment: ValidatedAttachment,
    link: ParentLink,
    check_deadline: CheckSendDeadline,
) -> WriteResult:
    """Send an upload and read the record back; never fails once it is attached."""
    instance, resource = create.instance, create.resource
    backend = open_backend(ctx, instance)
    shape = open_serializer(ctx, instance, resource, create.view)
    # Everything that can fail is done before the deadline check and the send.
    values = vendor_values(attachment.fields, attachment.record)
    check_deadline()
    try:
        attachment_id = backend.create_attachment(values, attachment.file)
    except ProviderRejectedError:
        # A missing record is our 404 rather than the vendor's refusal.
        read_entity(backend, link.parent, str(link.parent_id))
        raise
    try:
        stored = read_entity(backend, resource, str(attachment_id))
        return _write_result(shape, stored, attachment)
    except BridgeError:
        known: Entity = {"id": attachment_id}
        known |= {info.name: value for info, value in attachment.record.given.values()}
        # The attachment exists: an error now would make callers upload it again.
        notice = "created, but not read back: some members may be missing"
        return show_unread(
            partial(_write_result, shape, known, attachment, notice), known
        )


def _write_result(
    shape: RecordSerializer,
    entity: Entity,
    attachment: ValidatedAttachment,
    notice: str = "",
) -> WriteResult:
    shown = shape.show(entity)
    return WriteResult(
        shown.record, tuple(attachment.record.ignored), notice, shown.notes
    )


def _find(
    attachment: ValidatedAttachment,
    link: ParentLink,
    ctx: Context,
    instance: Instance,
    _resource: Resource,
    _body: Mapping[str, JSON],
    request: CreateRequest,
    record: IdempotencyRecord,
) -> duplicate_search.SearchResult:
    trace = comparable_record(attachment)
    return duplicate_search.find_alike(
        ctx, instance, attachment.fields, trace, request, record, within=link
    )


def _validate(
    ctx: Context, instance: Instance, upload: UploadedFile, link: ParentLink
) -> ValidatedAttachment:
    """Validate an upload, again with newer metadata if that may be too old."""
    _, attachment = read_with_fields(
        ctx,
        instance,
        _resource(ctx, instance),
        lambda fields: validate_attachment(fields, upload, link),
        lambda attachment: attachment.record.in_doubt,
    )
    return attachment


def _link(ctx: Context, instance: Instance, owner: AttachmentParent) -> ParentLink:
    """Return the link of attachments to a record; one vendor call for leads only."""
    parent = find_object(ctx, instance, owner.object_name)
    link = link_attachments(
        _fields(ctx, instance), parent, read_id(parent, owner.record_id)
    )
    if parent.fixed is not None:
        crud.get_record(ctx, instance, owner.object_name, owner.record_id)
    return link


def _fetch(backend: Backend, resource: Resource, attachment_id: str) -> Attachment:
    try:
        found = backend.attachment(read_id(resource, attachment_id))
    except ProviderRejectedError:
        read_entity(backend, resource, attachment_id)
        raise
    if found is None:
        raise NotFoundError(f"The attachment with ID {attachment_id} was not found.")
    return found


def _require_deletable(
    ctx: Context, instance: Instance, owner: AttachmentParent | None, attachment_id: str
) -> int:
    """Return the id of an attachment to delete; one vendor call if it has an owner."""
    if owner is not None:
        get_attachment(ctx, instance, owner, attachment_id)
    return read_id(_resource(ctx, instance), attachment_id)


def _resource(ctx: Context, instance: Instance) -> Resource:
    element = ctx.elements[instance.element_key]
    native = element.native(ENTITY, frozenset({Verb.LIST, Verb.GET}))
    return replace(native, singular="attachment")


def _fields(ctx: Context, instance: Instance) -> EntityFields:
    return entity_fields(ctx, instance, _resource(ctx, instance))


def _file_name(path: str) -> str:
    """Return the last part of a path of either kind, without control characters."""
    name = re.split(r"[/\\]", _CONTROL_CHARACTERS.sub("", path))[-1].strip()
    return "" if name in {".", ".."} else name


def _dry_run_document(
    operation: str, request: str | None, problems: list[str]
) -> dict[str, JSON]:
    return {
        "dryRun": True,
        "operation": operation,
        "entity": ENTITY,
        "request": request,
        "problems": [*problems],
    }
