"""One function per SOAP operation, under the vendor's names.

Each takes the call and returns the members of its result. Which faults become an answer
with ReturnCode -1 and which a `soap:Fault` is decided in `answer`, by whether the
operation's result is an ATWSResponse.
Source: SOAP contract notes, sections 6 to 8 and 22.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from bridge.sandbox import errors
from bridge.sandbox.control import zones
from bridge.sandbox.control.limits import MAX_RECORDS
from bridge.sandbox.control.vendor import Vendor
from bridge.sandbox.data import database, fragments, udfs
from bridge.sandbox.data.schema import Table
from bridge.sandbox.declarations import rule
from bridge.sandbox.errors import BusinessError
from bridge.sandbox.operations import attachments, filters, invoices, writes
from bridge.sandbox.operations.calls import Call
from bridge.sandbox.operations.writes import SavedRecord
from bridge.sandbox.soap import envelope, queryxml
from bridge.sandbox.soap.envelope import Request
from bridge.sandbox.soap.submissions import Submission, read_entities, validate_batch

_T = TypeVar("_T")

ZONE_LOOKUP = "getZoneInfo"
"""The one operation without login, integration code and quota."""


@rule(
    "Zones",
    "getZoneInfo returns the address in the requested version; -1 for unknown users",
    source="captured",
)
@rule("Limits", "getZoneInfo is neither counted nor limited", source="help")
def get_zone_info(vendor: Vendor, request: Request, version: str, base: str) -> bytes:
    """Answer where a user's tenant is served: here, in the version that was asked.

    `base` is this server's own URL with a trailing slash.
    """
    found = vendor.find_user(request.text("UserName"))
    tenant = found[0].tenant if found else None
    home = zones.address(base, vendor.zones.of(found[1].username)) if found else ""
    members = (
        fragments.element("URL", service_url(home, version) if tenant else None),
        f"<ErrorCode>{0 if tenant else -1}</ErrorCode>",
        fragments.element("DataBaseType", tenant.database_type if tenant else None),
        f"<CI>{tenant.ci if tenant else 0}</CI>",
        fragments.element("WebUrl", home),
    )
    inner = "".join(members).encode()
    return envelope.response(request.operation, request.namespace, inner)


def service_url(base: str, version: str) -> str:
    """Return the address of a version of the service."""
    return f"{base}ATServices/{version}/atws.asmx"


@rule(
    "Transport",
    "A call must be readable before its integration code is validated or quota used",
    source="unverified",
)
def answer(call: Call) -> bytes:
    """Carry out a call and return the whole answer.

    Raises:
        SoapFaultError: the operation is unknown, the request cannot be bound, or it
            failed and its result has no place for a message.
    """
    request = call.request
    carry_out = _business
    operation = _BUSINESS.get(request.operation)
    if operation is None:
        carry_out, operation = _plain, _PLAIN.get(request.operation)
    if operation is None:
        raise errors.unknown_operation(request.namespace + request.operation)
    # What cannot be read costs nothing, not even a wrong integration code's refusal.
    argument = operation.read(call)
    result = carry_out(call, lambda: operation.run(call, argument))
    return envelope.response(request.operation, request.namespace, result)


@dataclass(frozen=True, slots=True)
class _Operation(Generic[_T]):
    """How an operation is read from its request, and how it is carried out then."""

    read: Callable[[Call], _T]
    run: Callable[[Call, _T], bytes]


def _business(call: Call, run: Callable[[], bytes]) -> bytes:
    try:
        call.admit()
        return run()
    except BusinessError as error:
        call.entity = call.entity or error.entity
        table = call.schema.find(call.entity)
        return envelope.failure(
            table.entity.result_type if table else "", error.messages
        )


def _plain(call: Call, run: Callable[[], bytes]) -> bytes:
    """Carry out a call whose result has no place for a message.

    Unverified: that its refusals are faults with nothing but the text.
    """
    try:
        call.admit()
        return run()
    except BusinessError as error:
        raise errors.SoapFaultError("\n".join(error.messages)) from error


@rule("Login", "Impersonation on a query is refused", source="rest")
@rule("Limits", "500 records in a response", source="help")
@rule("Query", "A query without conditions returns ReturnCode 0", source="clients")
def query(call: Call, document: str) -> bytes:
    """Return up to 500 records of one entity, ascending by id."""
    asked = queryxml.parse(document)
    table = call.schema.find(asked.entity)
    if table is None:
        raise BusinessError(errors.unknown_entity(asked.entity))
    call.acquire_slot(table.entity.name)
    if not _may(table, "query") or call.request.impersonated is not None:
        raise BusinessError(errors.no_permission("query"))
    if not asked.where.items:
        return envelope.no_condition(table.entity.result_type)
    where = filters.compile_filter(table, asked.where)
    connection = call.vendor.database.reading()
    found = database.select(connection, table, where.sql, where.parameters, MAX_RECORDS)
    return _results(table, found)


def create(call: Call, batch: list[Submission]) -> bytes:
    """Create a batch of records."""
    _enter(call, batch, "create")
    if not batch:
        return envelope.success("", (), ())
    saved = writes.create(
        call.vendor.database, call.service.schema, call.author("create"), batch
    )
    _refresh_udfs(call)
    return _results(batch[0].table, saved)


def update(call: Call, batch: list[Submission]) -> bytes:
    """Replace a batch of records."""
    _enter(call, batch, "update")
    if not batch:
        return envelope.success("", (), ())
    saved = writes.update(
        call.vendor.database, call.service.schema, call.author("update"), batch
    )
    _refresh_udfs(call)
    return _results(batch[0].table, saved)


@rule("Write", "Delete returns an empty list", source="captured")
def delete(call: Call, batch: list[Submission]) -> bytes:
    """Delete a batch of records; the answer lists none of them."""
    _enter(call, batch, "delete")
    if not batch:
        return envelope.success("", (), ())
    writes.delete(
        call.vendor.database, call.service.schema, call.author("delete"), batch
    )
    return envelope.success(batch[0].table.entity.result_type, (), ())


def get_threshold_and_usage_info(call: Call, _: None) -> bytes:
    """Tell the calls of the last hour, this one included."""
    call.acquire_slot("")
    message = fragments.element("Message", call.service.usage.message()).encode()
    closing = b"</EntityReturnInfo>"
    info = fragments.return_info("", 0).removesuffix(closing) + message + closing
    return envelope.success("", (), (info,))


def get_entity_info(call: Call, _: None) -> bytes:
    """List all entities of the release."""
    call.acquire_slot("")
    return call.served.entity_infos


def get_field_info(call: Call, name: str) -> bytes:
    """List the standard fields of an entity."""
    return call.served.field_infos[_named(call, name)]


def get_udf_info(call: Call, name: str) -> bytes:
    """List the UDFs of an entity."""
    return call.served.udf_infos[_named(call, name)]


def get_wsdl_version(call: Call, _: None) -> bytes:
    """Tell the release, three numbers."""
    call.acquire_slot("")
    return call.vendor.release(call.request.version).encode()


def _nothing(_: Call) -> None:
    return None


def _text(member: str) -> Callable[[Call], str]:
    return lambda call: call.request.text(member)


def _number(member: str) -> Callable[[Call], int]:
    return lambda call: call.request.number(member)


def _entities(call: Call) -> list[Submission]:
    return read_entities(call.request, call.schema)


_BUSINESS: Mapping[str, _Operation[Any]] = {
    "query": _Operation(_text("sXML"), query),
    "create": _Operation(_entities, create),
    "update": _Operation(_entities, update),
    "delete": _Operation(_entities, delete),
    "getThresholdAndUsageInfo": _Operation(_nothing, get_threshold_and_usage_info),
}
_ATTACHMENT = _number("attachmentId")
_PLAIN: Mapping[str, _Operation[Any]] = {
    "GetAttachment": _Operation(_ATTACHMENT, attachments.get_attachment),
    "CreateAttachment": _Operation(
        attachments.read_upload, attachments.create_attachment
    ),
    "DeleteAttachment": _Operation(_ATTACHMENT, attachments.delete_attachment),
    "GetInvoiceMarkup": _Operation(_number("InvoiceId"), invoices.get_invoice_markup),
    "GetEntityInfo": _Operation(_nothing, get_entity_info),
    "GetFieldInfo": _Operation(_text("psObjectType"), get_field_info),
    "getUDFInfo": _Operation(_text("psTable"), get_udf_info),
    "GetWsdlVersion": _Operation(_nothing, get_wsdl_version),
}
IMPLEMENTED = frozenset({ZONE_LOOKUP, *_BUSINESS, *_PLAIN})
"""The operations that are carried out, by the vendor's names."""


@rule("Metadata", "An unknown entity is a fault", source="clients")
def _named(call: Call, name: str) -> str:
    """Return the entity that a metadata call names, else fail. Unverified: the text."""
    table = call.schema.find(name)
    if table is None:
        raise errors.unprocessable(f"System.Exception: {errors.unknown_entity(name)}")
    call.acquire_slot(table.entity.name)
    return call.entity


@rule("All entities", "closed when their module is not active", source="help")
def _enter(call: Call, batch: list[Submission], verb: str) -> None:
    """Let a write begin whose entities have the verb; one without entities too."""
    validate_batch(batch)
    if not batch:
        call.acquire_slot("")
        return
    table = batch[0].table
    call.acquire_slot(table.entity.name)
    if not _may(table, verb):
        closed = _can(table, verb) and not table.entity.is_open
        raise BusinessError(errors.no_permission("update" if closed else verb))


def _can(table: Table, verb: str) -> bool:
    entity = table.entity
    return {
        "query": entity.can_query,
        "create": entity.can_create,
        "update": entity.can_update,
        "delete": entity.can_delete,
    }[verb]


@rule("Write", "Entities without a verb refuse it", source="unverified")
@rule(
    "Metadata",
    "Verbs and rights are those of the release that getEntityInfo describes",
    source="captured",
)
def _may(table: Table, verb: str) -> bool:
    """Tell whether an entity has a verb and the user the right to it."""
    create, query_, update_, delete_ = table.entity.user_access
    rights = {"query": query_, "create": create, "update": update_, "delete": delete_}
    return _can(table, verb) and rights[verb] != "None"


def _refresh_udfs(call: Call) -> None:
    if call.entity in udfs.LIVE:
        call.vendor.refresh()


def _results(table: Table, found: list[SavedRecord]) -> bytes:
    entity = table.entity
    return envelope.success(
        entity.result_type,
        (xml for _, xml in found),
        (fragments.return_info(entity.name, record_id) for record_id, _ in found),
    )
