"""The service of one tenant: tables and metadata by version, limits, users.

Shared by all threads. What belongs to a call is an argument of the call, never state.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bridge.sandbox.control.limits import Limits, Now, UploadBudget, UsageCounter
from bridge.sandbox.data.dataset import ApiUser, Tenant, Udf
from bridge.sandbox.data.schema import TenantSchema, older_schema, tenant_schema
from bridge.sandbox.declarations import rule
from bridge.sandbox.facts.model import EntityFacts, entities_of
from bridge.sandbox.soap import metadata

# The versions of the service, each with its own namespace and path.
OLD, NEW = "1.5", "1.6"


class Edition:
    """One generation of the vendor, for all tenants, with results of GetFieldInfo."""

    def __init__(self, facts: Mapping[str, EntityFacts], generation: str) -> None:
        self.generation = generation
        self.entities = entities_of(facts, generation)
        self.field_infos = {
            entity.name: metadata.field_infos(entity, generation)
            for entity in self.entities
        }


@dataclass(frozen=True, slots=True, eq=False)
class VersionView:
    """What one version of the service shows of a tenant.

    `field_infos` and `udf_infos` hold the members of the results by entity name.
    """

    schema: TenantSchema
    entity_infos: bytes = field(repr=False)
    field_infos: Mapping[str, bytes] = field(repr=False)
    udf_infos: Mapping[str, bytes] = field(repr=False)


class TenantService:
    """The service of one tenant.

    Args:
        tenant: from the data set.
        editions: the generations served, by version.
        limits: what the tenant may do.
        now: returns the time that its limits follow.
    """

    def __init__(
        self, tenant: Tenant, editions: Mapping[str, Edition], limits: Limits, now: Now
    ) -> None:
        self.tenant = tenant
        self.usage = UsageCounter(limits, now)
        self.uploads = UploadBudget(limits, now)
        self._editions = editions
        self._views: Mapping[str, VersionView] = {}
        self._shown: object = None
        self.show(tenant.udfs, frozenset())

    @property
    def schema(self) -> TenantSchema:
        """The tables that everything is stored in, those of version 1.6."""
        return self._views[NEW].schema

    def view(self, version: str) -> VersionView:
        """Return what a version shows."""
        return self._views[version]

    def show(
        self, udfs: Mapping[str, tuple[Udf, ...]], changed: frozenset[str]
    ) -> None:
        """Serve these UDFs from now on; `changed` as for `schema.tenant_schema`."""
        if (udfs, changed) == self._shown:
            return  # rendering the metadata takes much longer than this comparison
        self._shown = (udfs, changed)
        new = self._editions[NEW]
        schema = tenant_schema(
            self.tenant.ci, new.entities, udfs, new.generation, changed
        )
        old = self._editions[OLD]
        older = older_schema(schema, old.entities, old.generation)
        # One assignment: other threads read it without a lock.
        self._views = {
            NEW: _version_view(schema, new, udfs),
            OLD: _version_view(older, old, udfs),
        }

    @rule(
        "Login", "An integration code on every 1.6 call but getZoneInfo", source="help"
    )
    @rule(
        "Login",
        "1.5 needs the code only of users who have one assigned; blank counts as none",
        source="clients",
    )
    @rule(
        "Login",
        "1.5 needs the code of all users, as later help says; optional",
        source="help",
    )
    def accepts(
        self, code: str | None, user: ApiUser, version: str, *, always: bool
    ) -> bool:
        """Return whether a call is accepted with its integration code, or without one.

        With `always`, version 1.5 requires one too. Source: SOAP contract notes,
        section 4. Unverified: 1.5 without a code, which later help does not mention.
        """
        if code is None and version == OLD and not always:
            return not user.assigned
        given = (code or "").encode()
        return any(
            # In constant time, as a real service compares secrets.
            hmac.compare_digest(given, known.encode())
            for known in self.tenant.integration_codes
        )


def _version_view(
    schema: TenantSchema, shown: Edition, udfs: Mapping[str, Sequence[Udf]]
) -> VersionView:
    with_udfs = frozenset(name for name, found in udfs.items() if found)
    return VersionView(
        schema,
        metadata.entity_infos(shown.entities, with_udfs, shown.generation),
        shown.field_infos,
        {
            entity.name: metadata.udf_infos(udfs.get(entity.name, ()), shown.generation)
            for entity in shown.entities
        },
    )
