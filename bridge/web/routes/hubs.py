"""Records of the element behind the token: `/hubs/{anything}/…` and the bare form.

The hub's name in the path is ignored. Source: elements-api 1.3, 4.2 and 4.8.
"""

from __future__ import annotations

from flask import Response, request
from werkzeug.routing import BaseConverter

from bridge.catalog.model import Verb
from bridge.errors import InvalidRequestError
from bridge.services import access, objects
from bridge.services.records import create, delete, dry_run, get, listing, update
from bridge.services.records import ping as connection
from bridge.services.records.mapping import RecordMapping, open_mapping
from bridge.services.records.parents import ParentLink
from bridge.store.instances import Instance
from bridge.types import JSON
from bridge.web.http import bodies, query_string, request_context, responses
from bridge.web.http.route_auth import BASE, FIXED_HEADS
from bridge.web.http.routing import Route

PREFIXES = (BASE, f"{BASE}/hubs/<hub>")
"""Every object route exists with the hub and without."""


class ObjectName(BaseConverter):
    """The name of an object in a path, unless it is the head of a fixed path.

    So a fixed path with a method that it lacks is 405, and never an object.
    """

    part_isolating = True
    regex = rf"(?!(?:{'|'.join(sorted(FIXED_HEADS))})\Z)[^/]+"


def forget_hub(_endpoint: str | None, values: dict[str, str] | None) -> None:
    """Remove the name of the hub from the values of a path."""
    if values:
        values.pop("hub", None)


def ping() -> Response:
    """Return whether Autotask responds. One vendor call."""
    return responses.json_object(
        connection.ping(request_context.context(), enabled_instance())
    )


def list_records(object_name: str, within: ParentLink | None = None) -> Response:
    """Return a page of records; vendor calls as `listing.list_records` says."""
    instance, query = enabled_instance(), query_string.current_query()
    list_request, notes = query_string.list_request(query, object_name)
    mapping = open_object(instance, object_name, Verb.LIST)
    page = listing.list_records(mapping, list_request, within=within)
    return responses.json_page(page, notes)


def create_record(object_name: str, within: ParentLink | None = None) -> Response:
    """Create a record and return it as stored, or show what would be sent.

    Two vendor calls.
    """
    instance, query = enabled_instance(), query_string.current_query()
    body = _read_body(instance, object_name, Verb.CREATE)
    is_dry_run = query_string.dry_run(query)
    key = None if is_dry_run else query_string.idempotency_key()
    mapping = open_object(instance, object_name, Verb.CREATE)
    if is_dry_run:
        return responses.dry_run_result(
            *dry_run.preview_create(mapping, body, within=within)
        )
    result = create.create_record(
        mapping,
        body,
        key=key,
        options=query_string.record_options(query),
        within=within,
    )
    return responses.write_result(result)


def get_record(
    object_name: str, record_id: str, within: ParentLink | None = None
) -> Response:
    """Return one record. One vendor call."""
    instance = enabled_instance()
    options = query_string.record_options(query_string.current_query())
    mapping = open_object(instance, object_name, Verb.GET)
    shown = get.get_record(mapping, record_id, options=options, within=within)
    return responses.json_object(shown.record, notes=shown.notes)


def update_record(
    object_name: str, record_id: str, within: ParentLink | None = None
) -> Response:
    """Change the members sent and return the whole record, or show the request.

    Three vendor calls.
    """
    instance, query = enabled_instance(), query_string.current_query()
    body = _read_body(instance, object_name, Verb.UPDATE)
    mapping = open_object(instance, object_name, Verb.UPDATE)
    if query_string.dry_run(query):
        return responses.dry_run_result(
            *dry_run.preview_update(mapping, record_id, body, within=within)
        )
    result = update.update_record(
        mapping,
        record_id,
        body,
        options=query_string.record_options(query),
        within=within,
    )
    return responses.write_result(result)


def delete_record(
    object_name: str, record_id: str, within: ParentLink | None = None
) -> Response:
    """Delete one record of an entity that can be deleted, or show the request.

    One vendor call.
    """
    mapping = open_object(enabled_instance(), object_name, Verb.DELETE)
    if query_string.dry_run(query_string.current_query()):
        return responses.dry_run_result(
            dry_run.preview_delete(mapping, record_id, within=within), []
        )
    delete.delete_record(mapping, record_id, within=within)
    return responses.empty()


def _read_body(instance: Instance, object_name: str, verb: Verb) -> dict[str, JSON]:
    """Return the request's body, a JSON object.

    Raises:
        NotFoundError: the body is invalid, and the object does not exist either.
        VerbNotSupportedError: the body is invalid, and no body would be accepted.
        InvalidRequestError: as `bodies.current_object` says.
    """
    try:
        return bodies.current_object()
    except InvalidRequestError:
        # An object that does not exist is the more useful error of the two.
        found = objects.find_object(request_context.context(), instance, object_name)
        found.require(verb, request.method)
        raise


def open_object(instance: Instance, object_name: str, verb: Verb) -> RecordMapping:
    """Open an object for this request. Vendor calls and errors as `open_mapping`."""
    ctx, method = request_context.context(), request.method
    return open_mapping(ctx, instance, object_name, verb, method)


def enabled_instance() -> Instance:
    """Return the instance of the token.

    Raises:
        NotFoundError: the path belongs to a family of calls without an instance.
        ForbiddenError: the instance is disabled.
    """
    instance = request_context.instance()
    access.require_enabled(instance)
    return instance


ROUTES = tuple(
    Route(prefix + path, view, methods)
    for prefix in PREFIXES
    for path, view, methods in (
        ("/ping", ping, ["GET"]),
        ("/<object:object_name>", list_records, ["GET"]),
        ("/<object:object_name>", create_record, ["POST"]),
        ("/<object:object_name>/<record_id>", get_record, ["GET"]),
        ("/<object:object_name>/<record_id>", update_record, ["PATCH", "PUT"]),
        ("/<object:object_name>/<record_id>", delete_record, ["DELETE"]),
    )
)
