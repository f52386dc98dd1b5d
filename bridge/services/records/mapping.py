"""One object of one instance, opened once for a request.

It holds what every step on records needs: the resource and the way to Autotask. It
fetches the fields of the resource's entity on request. Credentials are read once, here,
and passed on with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from bridge.catalog.model import Resource, Verb
from bridge.interfaces import Backend, EntityType
from bridge.services.context import Context
from bridge.services.credentials import connect, read_credentials
from bridge.services.fields import EntityFields
from bridge.services.metadata import TenantMetadata, entity_metadata
from bridge.services.objects import find_object
from bridge.store.instances import Instance


@dataclass(frozen=True, slots=True)
class RecordMapping:
    """The records of one resource in one instance.

    `timezone` is the zone of the times that the vendor writes. Metadata fetched after
    `opened_at` is new enough for the whole request.
    """

    ctx: Context
    instance: Instance
    resource: Resource
    backend: Backend
    timezone: ZoneInfo
    opened_at: datetime

    @property
    def entity(self) -> EntityType:
        """The resource's entity, as backend calls take it."""
        return EntityType(self.resource.entity, self.resource.facts.date_kinds)

    @property
    def metadata(self) -> TenantMetadata[EntityFields]:
        """The fields of the resource's entity, cached."""
        return entity_metadata(self.ctx, self.instance, self.resource, self.opened_at)

    def of(self, resource: Resource) -> RecordMapping:
        """Return the mapping of another resource of the same instance."""
        return replace(self, resource=resource)


def open_mapping(
    ctx: Context, instance: Instance, object_name: str, verb: Verb, method: str
) -> RecordMapping:
    """Open an object for what an HTTP method does. Vendor calls as `find_object`.

    Raises:
        NotFoundError: no such resource or entity.
        VerbNotSupportedError: the object has no such verb.
    """
    resource = find_object(ctx, instance, object_name)
    resource.require(verb, method)
    return map_resource(ctx, instance, resource)


def map_resource(ctx: Context, instance: Instance, resource: Resource) -> RecordMapping:
    """Open a resource that is already found. No vendor call."""
    credentials = read_credentials(ctx, instance.configuration)
    backend = connect(ctx, instance, credentials)
    zone = ZoneInfo(credentials.timezone)
    return RecordMapping(ctx, instance, resource, backend, zone, ctx.clock())
