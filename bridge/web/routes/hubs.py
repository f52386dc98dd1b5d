"""Records of the element behind the token: `/hubs/{anything}/…` and the bare form.

The hub's name is not looked at. Source: elements-api 1.3, 4.2 and 4.8.
"""

from __future__ import annotations

from flask import Flask, Response, request
from werkzeug.routing import BaseConverter

from bridge.catalog.model import Verb
from bridge.errors import InvalidRequestError
from bridge.services import access, objects
from bridge.services.records import crud, dry_run
from bridge.services.records import listing as listings
from bridge.services.records.parents import ParentLink
from bridge.services.records.write_result import WriteResult
from bridge.store.instances import Instance
from bridge.types import JSON
from bridge.web.http import bodies, query_string, request_context, responses
from bridge.web.http.route_auth import BASE, FIXED_HEADS

PREFIXES = (BASE, f"{BASE}/hubs/<hub>")
"""Every object route exists with the hub and without."""


class ObjectName(BaseConverter):
    """The name of an object in a path; what begins a fixed path is none.

    So a fixed path with a verb that it lacks is 405, and not an object's.
    """

    part_isolating = True
    regex = rf"(?!(?:{'|'.join(sorted(FIXED_HEADS))})\Z)[^/]+"


def register(app: Flask) -> None:
    """Add every route twice, with the hub and without."""
    app.url_value_preprocessor(_forget_hub)
    app.url_map.converters["object"] = ObjectName
    views = (
        ("/ping", ping, ["GET"]),
        ("/<object:object_name>", list_records, ["GET"]),
        ("/<object:object_name>", create_record, ["POST"]),
        ("/<object:object_name>/<record_id>", get_record, ["GET"]),
        ("/<object:object_name>/<record_id>", update_record, ["PATCH", "PUT"]),
        ("/<object:object_name>/<record_id>", delete_record, ["DELETE"]),
    )
    for prefix in PREFIXES:
        for path, view, methods in views:
            app.add_url_rule(prefix + path, view_func=view, methods=methods)


def _forget_hub(_endpoint: str | None, values: dict[str, str] | None) -> None:
    if values:
        values.pop("hub", None)


def ping() -> Response:
    """Answer whether the vendor answers. One vendor call."""
    return responses.json_object(
        crud.ping(request_context.context(), enabled_instance())
    )


def list_records(object_name: str) -> Response:
    """Answer a page of records; vendor calls as `listings.list_records` says."""
    return answer_list(enabled_instance(), object_name)


def create_record(object_name: str) -> Response:
    """Create a record and answer it as stored. Two vendor calls."""
    return answer_create(enabled_instance(), object_name)


def get_record(object_name: str, record_id: str) -> Response:
    """Answer one record. One vendor call."""
    return answer_get(enabled_instance(), object_name, record_id)


def update_record(object_name: str, record_id: str) -> Response:
    """Change the members sent and answer the whole record. Three vendor calls."""
    return answer_update(enabled_instance(), object_name, record_id)


def delete_record(object_name: str, record_id: str) -> Response:
    """Delete one record of an entity that can be. One vendor call."""
    return answer_delete(enabled_instance(), object_name, record_id)


def answer_list(
    instance: Instance, object_name: str, within: ParentLink | None = None
) -> Response:
    """Answer the page that the call asks for."""
    listing, notes = query_string.list_request(
        query_string.current_query(), object_name
    )
    page = listings.list_records(
        request_context.context(), instance, object_name, listing, within=within
    )
    return responses.json_page(
        page.records,
        next_page=page.next_page,
        total=page.total,
        notes=[*notes, *page.notes],
    )


def answer_create(
    instance: Instance, object_name: str, within: ParentLink | None = None
) -> Response:
    """Create what the call's body holds, or say what would be sent."""
    ctx, query = request_context.context(), query_string.current_query()
    body = _read_body(instance, object_name, Verb.CREATE)
    if query_string.dry_run(query):
        return responses.dry_run_result(
            *dry_run.rehearse_create(ctx, instance, object_name, body, within=within)
        )
    written = crud.create_record(
        ctx,
        instance,
        object_name,
        body,
        key=query_string.idempotency_key(),
        view=query_string.record_options(query),
        within=within,
    )
    return responses.mark_replay(_written(written), replayed=written.replayed)


def answer_get(
    instance: Instance,
    object_name: str,
    record_id: str,
    within: ParentLink | None = None,
) -> Response:
    """Answer one record."""
    shown = crud.get_record(
        request_context.context(),
        instance,
        object_name,
        record_id,
        view=query_string.record_options(query_string.current_query()),
        within=within,
    )
    return responses.json_object(shown.record, notes=shown.notes)


def answer_update(
    instance: Instance,
    object_name: str,
    record_id: str,
    within: ParentLink | None = None,
) -> Response:
    """Change what the call's body names, or say what would be sent."""
    query = query_string.current_query()
    target = (request_context.context(), instance, object_name, record_id)
    body, method = _read_body(instance, object_name, Verb.UPDATE), request.method
    if query_string.dry_run(query):
        return responses.dry_run_result(
            *dry_run.rehearse_update(*target, body, method=method, within=within)
        )
    return _written(
        crud.update_record(
            *target,
            body,
            method=method,
            view=query_string.record_options(query),
            within=within,
        )
    )


def answer_delete(
    instance: Instance,
    object_name: str,
    record_id: str,
    within: ParentLink | None = None,
) -> Response:
    """Delete a record, or say what would be sent."""
    target = (request_context.context(), instance, object_name, record_id)
    if query_string.dry_run(query_string.current_query()):
        return responses.dry_run_result(
            dry_run.rehearse_delete(*target, within=within), []
        )
    crud.delete_record(*target, within=within)
    return responses.empty()


def _read_body(instance: Instance, object_name: str, verb: Verb) -> dict[str, JSON]:
    """Return the call's body, a JSON object.

    Raises:
        NotFoundError: the body is of no use, and there is no such object either.
        VerbNotSupportedError: the body is of no use, nor would another be.
        InvalidRequestError: as `bodies.current_object` says.
    """
    try:
        return bodies.current_object()
    except InvalidRequestError:
        found = objects.find_object(request_context.context(), instance, object_name)
        found.require(verb, request.method)
        raise


def _written(written: WriteResult) -> Response:
    return responses.json_object(
        written.record,
        ignored=written.ignored,
        notice=written.notice,
        notes=written.notes,
    )


def enabled_instance() -> Instance:
    """Return the instance of the token.

    Raises:
        NotFoundError: the path belongs to a family of calls that opens none.
        ForbiddenError: it is disabled.
    """
    instance = request_context.instance()
    access.require_enabled(instance)
    return instance
