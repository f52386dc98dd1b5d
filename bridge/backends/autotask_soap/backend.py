"""Autotask as one API user sees it: each method is a short list of vendor calls."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import BinaryIO
from zoneinfo import ZoneInfo

from lxml import etree

from bridge.backends.autotask_soap import (
    attachments,
    batches,
    faults,
    metadata,
    pages,
    stored_calls,
    writes,
)
from bridge.backends.autotask_soap.client import (
    T,
)
from bridge.backends.autotask_soap.decode.answers import read_result
from bridge.backends.autotask_soap.decode.attachment_reply import read_attachment
from bridge.backends.autotask_soap.decode.reply import Reply
from bridge.backends.autotask_soap.encode import queryxml, requests
from bridge.backends.autotask_soap.encode.stored_times import WallClockTimes
from bridge.backends.autotask_soap.limits import LIMITS
from bridge.backends.autotask_soap.request import ATTACHMENT, Request, authorized
from bridge.backends.autotask_soap.session import VendorSession
from bridge.backends.autotask_soap.udf_values import type_udfs
from bridge.backends.autotask_soap.wsdl import ServiceDescription
from bridge.ceql.ast import Expr
from bridge.errors import ProviderError
from bridge.interfaces import (
    NO_VALUES,
    Attachment,
    CallDefinition,
    Credentials,
    Entity,
    EntityInfo,
    EntityType,
    Field,
    FieldInfo,
    Page,
    Parent,
    PlaceholderValue,
    RowResult,
    Scalar,
    UpdateRow,
    Usage,
    Values,
)
from bridge.types import JSON


class AutotaskSoapBackend:
    """Implements `interfaces.Backend`. Safe to use from one thread at a time."""

    limits = LIMITS

    def __init__(
        self,
        session: VendorSession,
        description: ServiceDescription,
        credentials: Credentials,
    ) -> None:
        self._session = session
        self._description = description
        self._credentials = credentials
        self._times = session.times
        self.times = WallClockTimes(ZoneInfo(credentials.timezone))

    def check(self) -> Usage:
        """Prove the credentials. One vendor call, two when the zone is unknown."""
        return self._session.check()

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
        limit: int | None = None,
        shared: bool = False,
        fields: Collection[Field] | None = None,  # noqa: ARG002 - the vendor sends all
    ) -> Page:
        """Return up to `limit` entities with id above `after`, with all their fields.

        No call where an equal query of another thread is under way and `shared` is set.

        The vendor sends up to 500 entities in any case; those beyond `limit` are
        counted and dropped. Source: SOAP help, query().
        """
        document = queryxml.render(entity.name, where, after=after, times=self._times)
        body = requests.query_request(document, self._credentials)
        request = authorized("query", body, self._credentials, subject=entity.name)
        size = LIMITS.page if limit is None else min(limit, LIMITS.page)

        def fetch() -> Page:
            reply, entities = self._session.call(
                request,
                lambda chunks: self._session.decode(
                    request, entity, chunks, limit=size
                ),
            )
            pages.require_ascending(entities, after)
            # A full reply may be the last one; only the next query can show that.
            more = reply.count > len(entities) or reply.count >= LIMITS.page
            return Page(entities, more=more)

        page = self._session.share(body, size, fetch) if shared else fetch()
        # After the call, because finding the types may be a call of its own.
        type_udfs(page.entities, entity, self._times)
        return page

    def count(
        self,
        entity: EntityType,
        where: Expr[Field, Scalar] | None,
        *,
        max_calls: int,
    ) -> int | None:
        """Count by reading. One vendor call for each 500 entities."""

        def fetch_page(after: int | None) -> Page:
            return self.query(entity, where, after=after, shared=True)

        return pages.count_entities(fetch_page, max_calls)

    def create(self, entity: EntityType, values: Values) -> Entity:
        """Create one entity and return what the vendor says of it. One vendor call."""
        request = self._writing("create", entity, [(requests.NEW, values)])

        def receive(chunks: Iterable[bytes]) -> Entity:
            return writes.created_entity(*self._session.decode(request, entity, chunks))

        return self._session.call(request, receive)

    def update(
        self,
        entity: EntityType,
        entity_id: int,
        changes: Values,
        unchanged: Values,
    ) -> None:
        """Replace one entity with its values merged. One vendor call."""
        values = writes.merge(changes, unchanged)
        request = self._writing("update", entity, [(entity_id, values)])
        self._session.call(
            request, lambda chunks: self._session.decode(request, entity, chunks)
        )

    def create_many(
        self, entity: EntityType, rows: Sequence[Values]
    ) -> Sequence[RowResult]:
        """Create entities, all or none of them. One vendor call."""
        return self._write_many("create", entity, [(requests.NEW, row) for row in rows])

    def update_many(
        self, entity: EntityType, rows: Sequence[UpdateRow]
    ) -> Sequence[RowResult]:
        """Replace entities with their values merged, all or none. One vendor call."""
        merged = [
            (row.entity_id, writes.merge(row.changes, row.unchanged)) for row in rows
        ]
        return self._write_many("update", entity, merged)

    def delete(self, entity: EntityType, entity_id: int) -> None:
        """Delete one entity. One vendor call."""
        request = self._writing("delete", entity, [(entity_id, NO_VALUES)])
        self._session.call(
            request, lambda chunks: self._session.decode(request, entity, chunks)
        )

    def preview(
        self,
        operation: str,
        entity: EntityType,
        entity_id: int,
        values: Values,
        unchanged: Values = NO_VALUES,
    ) -> str:
        """Return what a write would send, without header and secrets. No call."""
        merged = writes.merge(values, unchanged)
        return writes.preview(operation, entity, entity_id, merged, times=self._times)

    def call_stored(
        self, definition: CallDefinition, value: PlaceholderValue
    ) -> Mapping[str, JSON]:
        """Call the operation of a stored envelope. One vendor call."""
        call = stored_calls.read_call(definition, value)
        request = stored_calls.build_request(call, self._description, self._credentials)
        return self._session.call(
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
        return self._session.call(
            request,
            lambda chunks: read_attachment(chunks, read_time),
        )

    def create_attachment(
        self,
        parent: Parent,  # noqa: ARG002 - as ParentID and ParentType among the values
        values: Values,
        data: BinaryIO | None,
    ) -> int:
        """Attach a file or a link and return the new id. One vendor call."""
        request = attachments.create_request(
            values, data, credentials=self._credentials, times=self._times
        )
        return self._session.call(
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
        self._session.call(
            request, lambda chunks: attachments.check_deleted(request, chunks)
        )

    def preview_attachment(
        self,
        operation: str,
        parent: Parent | None,  # noqa: ARG002 - as in `attachment`
        attachment_id: int,
        values: Values,
    ) -> str:
        """Return what a create or delete would send, without a file. No call."""
        body = attachments.write_body(
            operation, attachment_id, values, times=self._times
        )
        return requests.standalone(body)

    def _writing(
        self, operation: str, entity: EntityType, rows: writes.Rows
    ) -> Request:
        return writes.write_request(
            operation,
            entity,
            rows,
            credentials=self._credentials,
            times=self._times,
        )

    def _write_many(
        self, operation: str, entity: EntityType, rows: writes.Rows
    ) -> Sequence[RowResult]:
        if not rows:
            return ()
        ids = [entity_id for entity_id, _ in rows]
        batches.check_rows(operation, ids)
        request = self._writing(operation, entity, rows)

        said: list[str] = []

        def check(request: Request, reply: Reply) -> None:
            said[:] = map(request.clean, faults.messages(reply))
            faults.check_code(request, reply)

        def receive(chunks: Iterable[bytes]) -> Sequence[RowResult]:
            reply, entities = self._session.decode(request, entity, chunks, check=check)
            return batches.applied(request, ids, reply, entities)

        try:
            return self._session.call(request, receive)
        except ProviderError as error:
            return batches.failed(request, len(rows), error, said)

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
        return self._session.call(request, lambda chunks: read(read_result(chunks)))
