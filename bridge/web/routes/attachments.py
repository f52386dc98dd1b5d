"""Attachments of a record: `/tickets/7/attachments`, and by themselves.

The contract has generic children and no binary rows, so the paths are ours.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, Response, request

from bridge.errors import VerbNotSupportedError
from bridge.services.attachments import files
from bridge.services.attachments.files import AttachmentParent
from bridge.web.http import query_string, request_context, responses, uploads
from bridge.web.http.file_responses import file_answer
from bridge.web.routes.hubs import PREFIXES, enabled_instance

_OF_RECORD = "/<object:object_name>/<record_id>/attachments"
_ALONE = "/attachments"
_ENTITY = ("/AttachmentInfo", "/attachmentinfo")
"""The entity's own name: its routes are those of any object, but for the bytes."""

_DATA = "download_attachment"


def register(app: Flask) -> None:
    """Add every route twice, with the hub and without."""
    request_context.serve_files(app, _DATA)
    one = "/<attachment_id>"
    views: list[tuple[str, Callable[..., Response], list[str]]] = [
        (_OF_RECORD, create_attachment, ["POST"]),
        (_ALONE, refuse, ["POST"]),
    ]
    views += [
        (f"{base}{one}/data", download_attachment, ["GET"])
        for base in (_OF_RECORD, _ALONE, *_ENTITY)
    ]
    for base in (_OF_RECORD, _ALONE):
        views += [
            (base, list_attachments, ["GET"]),
            (base + one, get_attachment, ["GET"]),
            (base + one, delete_attachment, ["DELETE"]),
            (base + one, refuse, ["PATCH", "PUT"]),
        ]
    for prefix in PREFIXES:
        for path, view, methods in views:
            app.add_url_rule(prefix + path, view_func=view, methods=methods)


def list_attachments(
    object_name: str | None = None, record_id: str | None = None
) -> Response:
    """Answer a page of attachments. One vendor call, two when there are none."""
    instance = enabled_instance()
    query = query_string.current_query()
    listing, notes = query_string.list_request(query, "attachments")
    page = files.list_attachments(
        request_context.context(), instance, _owner(object_name, record_id), listing
    )
    return responses.json_page(
        page.items,
        next_page=page.next_page,
        total=page.total,
        notes=[*notes, *page.notes],
    )


def create_attachment(object_name: str, record_id: str) -> Response:
    """Attach a file or a link and answer its record. Two vendor calls."""
    target = (
        request_context.context(),
        enabled_instance(),
        AttachmentParent(object_name, record_id),
    )
    query = query_string.current_query()
    with uploads.current_upload() as upload:
        if query_string.dry_run(query):
            return responses.rehearsed(*files.dry_run_create(*target, upload))
        written = files.create_attachment(
            *target,
            upload,
            key=query_string.idempotency_key(),
            options=query_string.record_options(query),
        )
    answer = responses.json_object(
        written.record,
        ignored=written.ignored,
        notice=written.notice,
        notes=written.notes,
    )
    return responses.mark_replay(answer, replayed=written.replayed)


def get_attachment(
    attachment_id: str, object_name: str | None = None, record_id: str | None = None
) -> Response:
    """Answer what is known of an attachment. One vendor call."""
    shown = files.get_attachment(
        request_context.context(),
        enabled_instance(),
        _owner(object_name, record_id),
        attachment_id,
        options=query_string.record_options(query_string.current_query()),
    )
    return responses.json_object(shown.record, notes=shown.notes)


def download_attachment(
    attachment_id: str, object_name: str | None = None, record_id: str | None = None
) -> Response:
    """Answer a file. One vendor call."""
    file = files.download(
        request_context.context(),
        enabled_instance(),
        _owner(object_name, record_id),
        attachment_id,
    )
    return file_answer(file.data, name=file.name, content_type=file.content_type)


def delete_attachment(
    attachment_id: str, object_name: str | None = None, record_id: str | None = None
) -> Response:
    """Delete an attachment. One vendor call, two for one of a record."""
    owner = _owner(object_name, record_id)
    target = (request_context.context(), enabled_instance(), owner, attachment_id)
    if query_string.dry_run(query_string.current_query()):
        return responses.rehearsed(files.dry_run_delete(*target), [])
    files.delete_attachment(*target)
    return responses.empty()


def refuse(**_path: str) -> Response:
    """Refuse to change what can only be attached to a record and deleted.

    Raises:
        VerbNotSupportedError: always.
    """
    enabled_instance()
    raise VerbNotSupportedError(
        f"Method {request.method} is not supported for {request.path}."
    )


def _owner(object_name: str | None, record_id: str | None) -> AttachmentParent | None:
    if object_name is None or record_id is None:
        return None
    return AttachmentParent(object_name, record_id)
