"""The requests of create, update and delete, and the reading of what they return."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

from bridge.backends.autotask_soap.decode.reply import Reply
from bridge.backends.autotask_soap.encode import requests
from bridge.backends.autotask_soap.encode.values import VendorTimes
from bridge.backends.autotask_soap.masking import MAX_DEPTH, mask_xml
from bridge.backends.autotask_soap.request import Request, authorized
from bridge.errors import ProviderProtocolError
from bridge.interfaces import Credentials, Entity, EntityType, Values

Rows: TypeAlias = Sequence[tuple[int, Values]]
"""Ids and values of the entities of one call."""


def merge(changes: Values, unchanged: Values) -> Values:
    """Return the values that an update sends.

    The vendor clears every writable field that an update does not repeat, but keeps a
    UDF that is not named. Source: SOAP contract notes, section 8.4.
    """
    return {**unchanged, **changes}


def write_request(
    operation: str,
    entity: EntityType,
    rows: Rows,
    *,
    credentials: Credentials,
    times: VendorTimes,
) -> Request:
    """Return the request of a create, update or delete.

    Raises:
        InvalidRequestError: a name that cannot be an element's.
    """
    body = requests.write_request(
        operation, entity.name, rows, credentials=credentials, times=times
    )
    request = authorized(
        operation,
        body,
        credentials,
        subject=entity.name,
        writes=True,
        secret_values=tuple(
            text for _, values in rows for text in requests.secret_texts(values)
        ),
    )
    return replace(request, rows=len(rows))


def preview(
    operation: str,
    entity: EntityType,
    entity_id: int,
    values: Values,
    *,
    times: VendorTimes,
) -> str:
    """Return what a write would send, without header and secrets."""
    rows = [(entity_id, values)]
    body = requests.write_body(operation, entity.name, rows, times=times)
    # Markup in a value is the caller's text, and is sent as it is.
    return requests.standalone(mask_xml(body, depth=MAX_DEPTH))


def created_entity(reply: Reply, entities: Sequence[Entity]) -> Entity:
    """Return what the vendor says of an entity that it created.

    Raises:
        ProviderProtocolError: it names no id.
    """
    if entities and "id" in entities[0]:
        return entities[0]
    if reply.infos and reply.infos[0].entity_id > 0:
        return {"id": reply.infos[0].entity_id}
    raise ProviderProtocolError("Autotask confirmed, but named no id.")
