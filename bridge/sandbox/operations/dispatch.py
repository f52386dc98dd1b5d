"""One function for each SOAP operation, and the table that selects it.

Each takes the call and returns the members of its result. A refusal is a response with
ReturnCode -1 where the operation's result is an ATWSResponse, else a `soap:Fault`.
Source: SOAP contract notes, sections 6 to 8 and 22.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from bridge.sandbox.soap.submissions import (
    Submission,
    read_entities,
    validate_batch,
)

_T = TypeVar("_T")

ZONE_LOOKUP = "getZoneInfo"  # the one operation without login, code and quota


@rule(
    "Zones",
    "getZoneInfo returns the address in the requested version; -1 for unknown users",
    source="captured",
)
@rule("Limits", "getZoneInfo is neither counted nor limited", source="help")
def get_zone_info(vendor: Vendor, request: Request, version: str, base: str) -> bytes:
    """Return the address of a user's tenant: this server's, in the same version.

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
def execute(call: Call) -> bytes:
    """Execute a call and return the whole response.

    Raises:
        SoapFaultError: the operation is unknown, the request cannot be bound, or it
            failed and its result has no place for a message.
    """
    request = call.request
    operation = _OPERATIONS.get(request.operation)
    if operation is None:
        raise errors.unknown_operation(request.namespace + request.operation)
    arguments = operation.read(call)
    try:
        call.admit()
        result = operation.run(call, arguments)
    except BusinessError as error:
        if not operation.returns_response:
            # Unverified: that the fault has nothing but the text.
            raise errors.SoapFaultError("\n".join(error.messages)) from error
        call.entity = call.entity or error.entity
        table = call.schema.find(call.entity)
        result_type = table.entity.result_type if table else ""
        result = envelope.atws_response(
            envelope.FAILURE, result_type, messages=error.messages
        )
    return envelope.response(request.operation, request.namespace, result)


@rule("Login", "Impersonation on a query is refused", source="rest")
@rule("Limits", "500 records in a response", source="help")
@rule("Query", "A query without conditions returns ReturnCode 0", source="clients")
def query(call: Call, document: str) -> bytes:
    """Return up to 500 records of one entity, ascending by id."""
    parsed = queryxml.parse(document)
    table = call.schema.find(parsed.entity)
    if table is None:
        raise BusinessError(errors.UNKNOWN_ENTITY.format(parsed.entity))
    call.acquire_slot(table.entity.name)
    if not _may(table, "query") or call.request.impersonated is not None:
        raise BusinessError(errors.NO_PERMISSION.format("query"))
    if not parsed.where.items:
        return envelope.atws_response(envelope.NO_CONDITION, table.entity.result_type)
    where = filters.compile_filter(table, parsed.where)
    connection = call.vendor.database.reading()
    found = database.select(connection, table, where.sql, where.parameters, MAX_RECORDS)
    return _results(table, found)


_WRITES: Mapping[str, Callable[[Call, Sequence[Submission]], list[SavedRecord]]] = {
    "create": writes.create,
    "update": writes.update,
    "delete": writes.delete,
}


@rule("Write", "Delete returns an empty list", source="captured")
def write(call: Call, batch: list[Submission]) -> bytes:
    """Create, update or delete a batch of records, as the operation is named."""
    verb = call.request.operation
    _check_verb(call, batch, verb)
    if not batch:
        return envelope.atws_response(envelope.SUCCESS, "")
    saved = _WRITES[verb](call, batch)
    # After the commit, because all threads must read the same definitions.
    if call.entity in udfs.LIVE and verb != "delete":
        call.vendor.refresh()
    return _results(batch[0].table, saved)


def get_threshold_and_usage_info(call: Call, _: None) -> bytes:
    """Return the calls of the last hour, this one included."""
    call.acquire_slot("")
    message = fragments.element("Message", call.service.usage.message()).encode()
    closing = b"</EntityReturnInfo>"
    info = fragments.return_info("", 0).removesuffix(closing) + message + closing
    return envelope.atws_response(envelope.SUCCESS, "", infos=(info,))


def get_entity_info(call: Call, _: None) -> bytes:
    """Return all entities of the release."""
    call.acquire_slot("")
    return call.view.entity_infos


def get_wsdl_version(call: Call, _: None) -> bytes:
    """Return the release, three numbers."""
    call.acquire_slot("")
    return call.vendor.release(call.request.version).encode()


@rule("Metadata", "An unknown entity is a fault", source="clients")
def _named(call: Call, name: str) -> str:
    """Return the entity that a metadata call names. Unverified: the fault's text."""
    table = call.schema.find(name)
    if table is None:
        raise errors.unprocessable(
            f"System.Exception: {errors.UNKNOWN_ENTITY.format(name)}"
        )
    call.acquire_slot(table.entity.name)
    return call.entity


@dataclass(frozen=True, slots=True)
class _Operation(Generic[_T]):
    """How the arguments of an operation are read, and how it is executed then.

    `returns_response` is whether its result is an ATWSResponse, which has a place for
    messages.
    """

    read: Callable[[Call], _T]
    run: Callable[[Call, _T], bytes]
    returns_response: bool = False


_WRITE = _Operation(
    lambda call: read_entities(call.request, call.schema), write, returns_response=True
)
_OPERATIONS: Mapping[str, _Operation[Any]] = {
    "query": _Operation(
        lambda call: call.request.text("sXML"), query, returns_response=True
    ),
    "create": _WRITE,
    "update": _WRITE,
    "delete": _WRITE,
    "getThresholdAndUsageInfo": _Operation(
        lambda _: None, get_threshold_and_usage_info, returns_response=True
    ),
    "GetAttachment": _Operation(
        lambda call: call.request.number("attachmentId"), attachments.get_attachment
    ),
    "CreateAttachment": _Operation(
        attachments.read_upload, attachments.create_attachment
    ),
    "DeleteAttachment": _Operation(
        lambda call: call.request.number("attachmentId"), attachments.delete_attachment
    ),
    "GetInvoiceMarkup": _Operation(
        lambda call: call.request.number("InvoiceId"), invoices.get_invoice_markup
    ),
    "GetEntityInfo": _Operation(lambda _: None, get_entity_info),
    "GetFieldInfo": _Operation(
        lambda call: call.request.text("psObjectType"),
        lambda call, name: call.view.field_infos[_named(call, name)],
    ),
    "getUDFInfo": _Operation(
        lambda call: call.request.text("psTable"),
        lambda call, name: call.view.udf_infos[_named(call, name)],
    ),
    "GetWsdlVersion": _Operation(lambda _: None, get_wsdl_version),
}
# The operations that are implemented, by the vendor's names.
IMPLEMENTED = frozenset({ZONE_LOOKUP, *_OPERATIONS})


@rule("All entities", "closed when their module is not active", source="help")
def _check_verb(call: Call, batch: list[Submission], verb: str) -> None:
    """Acquire a slot for a write, and refuse an entity without the verb."""
    validate_batch(batch)
    if not batch:
        call.acquire_slot("")
        return
    table = batch[0].table
    call.acquire_slot(table.entity.name)
    if not _may(table, verb):
        # The vendor's text about a module that is not active always says "update".
        closed = getattr(table.entity, f"can_{verb}") and not table.entity.is_open
        raise BusinessError(errors.NO_PERMISSION.format("update" if closed else verb))


@rule("Write", "Entities without a verb refuse it", source="unverified")
@rule(
    "Metadata",
    "Verbs and rights are those of the release that getEntityInfo describes",
    source="captured",
)
def _may(table: Table, verb: str) -> bool:
    """Return whether an entity has a verb and the user the right to it."""
    verbs = ("create", "query", "update", "delete")
    rights = dict(zip(verbs, table.entity.user_access, strict=True))
    return bool(getattr(table.entity, f"can_{verb}")) and rights[verb] != "None"


def _results(table: Table, found: list[SavedRecord]) -> bytes:
    entity = table.entity
    return envelope.atws_response(
        envelope.SUCCESS,
        entity.result_type,
        records=(xml for _, xml in found),
        infos=(fragments.return_info(entity.name, record_id) for record_id, _ in found),
    )
