"""Attachments, below their record (`/tickets/7/attachments`) and by id.

The published API has no paths for binary data, so these are ours.
"""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response, request

from bridge.services.attachments import files
from bridge.services.attachments.files import AttachmentParent
from bridge.services.records.mapping import RecordMapping
from bridge.store.instances import Instance
from bridge.web.http import query_string, request_context, responses, uploads
from bridge.web.http.file_responses import file_response
from bridge.web.http.routing import Route
from bridge.web.routes.hubs import PREFIXES, enabled_instance

_OF_RECORD = "/<object:object_name>/<record_id>/attachments"
_ALONE = "/attachments"
_ENTITY = ("/AttachmentInfo", "/attachmentinfo")
"""The entity's native names: only the download is here, the rest is in `hubs`."""


def list_attachments(
    object_name: str | None = None, record_id: str | None = None
) -> Response:
    """Return a page of attachments. One vendor call, two when there are none."""
    instance = enabled_instance()
    query = query_string.current_query()
    listing, notes = query_string.list_request(query, "attachments")
    page = files.list_attachments(
        _open(instance), _owner(object_name, record_id), listing
    )
    return responses.json_page(page, notes)


def create_attachment(object_name: str, record_id: str) -> Response:
    """Attach a file or a link and return its record. Two vendor calls."""
    target = _open(enabled_instance()), AttachmentParent(object_name, record_id)
    query = query_string.current_query()
    # The temporary file of the upload must stay open until Autotask has it.
    with uploads.current_upload() as upload:
        if query_string.dry_run(query):
            return responses.dry_run_result(*files.dry_run_create(*target, upload))
        result = files.create_attachment(
            *target,
            upload,
            key=query_string.idempotency_key(),
            options=query_string.record_options(query),
        )
    return responses.write_result(result)


def get_attachment(
    attachment_id: str, object_name: str | None = None, record_id: str | None = None
) -> Response:
    """Return the record of an attachment. One vendor call."""
    shown = files.get_attachment(
        _open(enabled_instance()),
        _owner(object_name, record_id),
        attachment_id,
        options=query_string.record_options(query_string.current_query()),
    )
    return responses.json_object(shown.record, notes=shown.notes)


def download_attachment(
    attachment_id: str, object_name: str | None = None, record_id: str | None = None
) -> Response:
    """Return a file. One vendor call."""
    file = files.download(
        _open(enabled_instance()),
        _owner(object_name, record_id),
        attachment_id,
    )
    return file_response(file.data, name=file.name, content_type=file.content_type)


def delete_attachment(
    attachment_id: str, object_name: str | None = None, record_id: str | None = None
) -> Response:
    """Delete an attachment. One vendor call, two if the path names its record."""
    owner = _owner(object_name, record_id)
    target = (_open(enabled_instance()), owner, attachment_id)
    if query_string.dry_run(query_string.current_query()):
        return responses.dry_run_result(files.dry_run_delete(*target), [])
    files.delete_attachment(*target)
    return responses.empty()


def refuse(**_path: str) -> Response:
    """Refuse to change an attachment: it can only be created and deleted.

    Raises:
        VerbNotSupportedError: always.
    """
    enabled_instance()
    request_context.refuse_method(request.method)


def _open(instance: Instance) -> RecordMapping:
    return files.open_attachments(request_context.context(), instance)


def _owner(object_name: str | None, record_id: str | None) -> AttachmentParent | None:
    if object_name is None or record_id is None:
        return None
    return AttachmentParent(object_name, record_id)


def _routes() -> Iterator[Route]:
    """Yield every route with the hub and without."""
    for prefix in PREFIXES:
        yield Route(f"{prefix}{_OF_RECORD}", create_attachment, ["POST"])
        yield Route(f"{prefix}{_ALONE}", refuse, ["POST"])
        for base in (_OF_RECORD, _ALONE, *_ENTITY):
            path = f"{prefix}{base}/<attachment_id>/data"
            yield Route(path, download_attachment)
        for base in (_OF_RECORD, _ALONE):
            one = f"{prefix}{base}/<attachment_id>"
            yield Route(f"{prefix}{base}", list_attachments)
            yield Route(one, get_attachment)
            yield Route(one, delete_attachment, ["DELETE"])
            yield Route(one, refuse, ["PATCH", "PUT"])


ROUTES = tuple(_routes())
