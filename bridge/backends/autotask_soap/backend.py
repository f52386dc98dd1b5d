"""Autotask as one API user sees it: each method is a short list of vendor calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import BinaryIO

from lxml import etree

from bridge.backends.autotask_soap import attachments, faults, metadata, stored_calls
from bridge.backends.autotask_soap.address import ZoneAddress
from bridge.backends.autotask_soap.client import (
    RateLimitContext,
    Receive,
    Relocate,
    SoapClient,
    T,
)
from bridge.backends.autotask_soap.decode.answers import read_result
from bridge.backends.autotask_soap.decode.attachment_reply import read_attachment
from bridge.backends.autotask_soap.decode.reply import Reply, ReplyDecoder
from bridge.backends.autotask_soap.encode import queryxml, requests
from bridge.backends.autotask_soap.encode.values import vendor_times
from bridge.backends.autotask_soap.masking import MAX_DEPTH, mask_xml
from bridge.backends.autotask_soap.request import ATTACHMENT, Request, authorized
from bridge.backends.autotask_soap.single_flight import SingleFlight
from bridge.backends.autotask_soap.wsdl import ServiceDescription
from bridge.ceql.ast import Expr
from bridge.errors import ProviderProtocolError
from bridge.interfaces import (
    Attachment,
    CallDefinition,
    Caller,
    CallRequest,
    Credentials,
    Entity,
    EntityInfo,
    EntityType,
    Field,
    FieldInfo,
    Page,
    Parent,
    PlaceholderValue,
    Scalar,
    Usage,
)
from bridge.interfaces.query_rules import MAX_PAGE
from bridge.types import JSON

_NOTHING = EntityType("")


class AutotaskSoapBackend:
    """Implements `interfaces.Backend`. Safe to use from one thread at a time."""

    def __init__(
        self,
        client: SoapClient,
        description: ServiceDescription,
        address: ZoneAddress,
        credentials: Credentials,
        *,
        caller: Caller,
        single_flight: SingleFlight,
    ) -> None:
        self._client = client
        self._description = description
        self._address = address
        self._credentials = credentials
        self._caller = caller
        self._single_flight = single_flight
        self._times = vendor_times(credentials.timezone)

    def check(self) -> Usage:
        """Prove the credentials. One vendor call, two when the zone is unknown."""
        usage = self._read_usage(self._address.relocate)
        self._client.rate_limiter.report_usage(self._address.database, usage)
        return usage

    def entities(self) -> Sequence[EntityInfo]:
        """Return all entity types. One vendor call."""
        return self._describe("getEntityInfo", "", metadata.read_entities)

    def fields(self, entity: str) -> Sequence[FieldInfo]:
        """Return standard fields in vendor order, then UDFs. Two vendor calls."""
        return [
            *self._describe(
                "GetFieldInfo",
                entity,
                lambda result: metadata.read_fields(result, udf=False),
                psObjectType=entity,
            ),
            *self._describe(
                "getUDFInfo",
                entity,
                lambda result: metadata.read_fields(result, udf=True),
                psTable=entity,
            ),
        ]

    def query(
        self,
        entity: EntityType,
        where: Expr[Field, Scalar] | None,
        *,
        after: int | None = None,
        limit: int = MAX_PAGE,
        shared: bool = False,
    ) -> Page:
        """Return up to `limit` entities with id above `after`.

        No call where an equal query of another thread is under way and `shared` is set.

        The vendor sends up to 500 entities in any case; those beyond `limit` are
        counted and dropped. Source: SOAP help, query().
        """
        document = queryxml.render(entity.name, where, after=after, times=self._times)
        body = requests.query_request(document, self._credentials)
        request = authorized("query", body, self._credentials, subject=entity.name)
        limit = min(limit, MAX_PAGE)

        def fetch() -> Page:
            reply, entities = self._call(
                request,
                lambda chunks: self._decode(request, entity, chunks, limit=limit),
            )
            _require_ascending(entities, after)
            # A full reply may be the last one; only the next query can show that.
            more = reply.count > len(entities) or reply.count >= MAX_PAGE
            return Page(entities, more=more)

        if not shared or self._caller.instance_id is None:
            return fetch()
        # The body contains credentials and integration code, so tenants never share.
        return self._single_flight.do((self._caller.instance_id, body, limit), fetch)

    def create(
        self, entity: EntityType, values: Mapping[Field, Scalar | None]
    ) -> Entity:
        """Create one entity and return what the vendor says of it. One vendor call."""
        request = self._writing("create", entity, requests.NEW, values)
        return self._call(
            request, lambda chunks: self._created(request, entity, chunks)
        )

    def update(
        self,
        entity: EntityType,
        entity_id: int,
        values: Mapping[Field, Scalar | None],
    ) -> None:
        """Replace one entity. One vendor call."""
        request = self._writing("update", entity, entity_id, values)
        self._call(request, lambda chunks: self._decode(request, entity, chunks))

    def delete(self, entity: EntityType, entity_id: int) -> None:
        """Delete one entity. One vendor call."""
        request = self._writing("delete", entity, entity_id, {})
        self._call(request, lambda chunks: self._decode(request, entity, chunks))

    def preview(
        self,
        operation: str,
        entity: EntityType,
        entity_id: int,
        values: Mapping[Field, Scalar | None],
    ) -> str:
        """Return what a write would send, without header and secrets. No call."""
        rows = [(entity_id, values)]
        body = requests.write_body(operation, entity.name, rows, times=self._times)
        # Markup in a value is the caller's text, and is sent as it is.
        return requests.standalone(mask_xml(body, depth=MAX_DEPTH))

    def call_stored(
        self, definition: CallDefinition, value: PlaceholderValue
    ) -> Mapping[str, JSON]:
        """Call the operation of a stored envelope. One vendor call."""
        call = stored_calls.read_call(definition, value)
        request = stored_calls.build_request(call, self._description, self._credentials)
        return self._call(
            request, lambda chunks: stored_calls.read_answer(call, request, chunks)
        )

    def attachment(
        self,
        parent: Parent | None,  # noqa: ARG002 - the vendor finds them by their id alone
        attachment_id: int,
    ) -> Attachment | None:
        """Return an attachment with its bytes, if there is one. One vendor call."""
        request = attachments.id_request(
            "GetAttachment", attachment_id, self._credentials, writes=False
        )
        read_time = self._times.reader(EntityType(ATTACHMENT))
        return self._call(
            request,
            lambda chunks: read_attachment(chunks, read_time),
        )

    def create_attachment(
        self,
        parent: Parent,  # noqa: ARG002 - as ParentID and ParentType among the values
        values: Mapping[Field, Scalar | None],
        data: BinaryIO | None,
    ) -> int:
        """Attach a file or a link and return the new id. One vendor call."""
        request = attachments.create_request(
            values, data, credentials=self._credentials, times=self._times
        )
        return self._call(
            request, lambda chunks: attachments.read_created(request, chunks)
        )

    def delete_attachment(
        self,
        parent: Parent | None,  # noqa: ARG002 - as in `attachment`
        attachment_id: int,
    ) -> None:
        """Delete an attachment. One vendor call."""
        request = attachments.id_request(
            "DeleteAttachment", attachment_id, self._credentials, writes=True
        )
        self._call(request, lambda chunks: attachments.check_deleted(request, chunks))

    def preview_attachment(
        self,
        operation: str,
        parent: Parent | None,  # noqa: ARG002 - as in `attachment`
        attachment_id: int,
        values: Mapping[Field, Scalar | None],
    ) -> str:
        """Return what a create or delete would send, without a file. No call."""
        body = attachments.write_body(
            operation, attachment_id, values, times=self._times
        )
        return requests.standalone(body)

    def _writing(
        self,
        operation: str,
        entity: EntityType,
        entity_id: int,
        values: Mapping[Field, Scalar | None],
    ) -> Request:
        body = requests.write_request(
            operation,
            entity.name,
            [(entity_id, values)],
            credentials=self._credentials,
            times=self._times,
        )
        return authorized(
            operation,
            body,
            self._credentials,
            subject=entity.name,
            writes=True,
            secret_values=requests.secret_texts(values),
        )

    def _call(self, request: Request, receive: Receive[T]) -> T:
        # Reads under way now may return the record as it was before this write.
        if request.writes:
            self._end_sharing()
        try:
            return self._client.call(
                request,
                self._address.url(),
                receive,
                rate_limit=RateLimitContext(
                    lambda: self._call_request(request.subject), self._read_usage
                ),
                relocate=self._address.relocate,
            )
        finally:
            # So may reads that began while the write was under way.
            if request.writes:
                self._end_sharing()

    def _end_sharing(self) -> None:
        if self._caller.instance_id is not None:
            self._single_flight.end(self._caller.instance_id)

    def _call_request(self, entity: str) -> CallRequest:
        return CallRequest(
            database=self._address.database,
            identifier=self._credentials.integration_code.strip(),
            entity=entity,
            caller=self._caller,
        )

    def _usage_request(self) -> CallRequest:
        # Other callers wait for this count, so this caller's deadline does not end it.
        caller = replace(self._caller, deadline=None)
        return replace(self._call_request(""), caller=caller, usage_reading=True)

    def _read_usage(self, relocate: Relocate | None = None) -> Usage:
        """Read the vendor's call count, also for the rate limiter. One vendor call."""
        request = self._description.request(
            "getThresholdAndUsageInfo", self._credentials
        )
        return self._client.call(
            request,
            self._address.url(),
            lambda chunks: self._used(request, chunks),
            rate_limit=RateLimitContext(self._usage_request, self._read_usage),
            relocate=relocate,
        )

    def _used(self, request: Request, chunks: Iterable[bytes]) -> Usage:
        reply, _entities = self._decode(request, _NOTHING, chunks)
        return metadata.read_usage(" ".join(info.message for info in reply.infos))

    def _decode(
        self,
        request: Request,
        entity: EntityType,
        chunks: Iterable[bytes],
        *,
        limit: int = MAX_PAGE,
    ) -> tuple[Reply, list[Entity]]:
        decoder = ReplyDecoder(self._times.reader(entity), limit=limit)
        for chunk in chunks:
            decoder.feed(chunk)
        reply = decoder.close()
        faults.check(request, reply)
        return reply, decoder.take()

    def _created(
        self, request: Request, entity: EntityType, chunks: Iterable[bytes]
    ) -> Entity:
        reply, entities = self._decode(request, entity, chunks)
        if entities and "id" in entities[0]:
            return entities[0]
        if reply.infos and reply.infos[0].entity_id > 0:
            return {"id": reply.infos[0].entity_id}
        raise ProviderProtocolError("Autotask confirmed, but named no id.")

    def _describe(
        self,
        operation: str,
        entity: str,
        read: Callable[[etree._Element], T],
        **members: str,
    ) -> T:
        request = self._description.request(
            operation, self._credentials, entity, **members
        )
        return self._call(request, lambda chunks: read(read_result(chunks)))


def _require_ascending(entities: Sequence[Entity], after: int | None) -> None:
    """Refuse a page out of order: paging by it would lose or repeat records."""
    last = after
    for entity in entities:
        entity_id = entity.get("id")
        if not isinstance(entity_id, int) or (last is not None and entity_id <= last):
            raise ProviderProtocolError(
                f"Autotask's page is not in order: id {entity_id} after {last}."
            )
        last = entity_id
