"""The simulated vendor: its tenants, their users, and one database.

Built once from a data set; everything in it is shared by all threads. What belongs to a
call (user, tenant, integration code) is an argument of the call and never state.
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from bridge.sandbox.control.clock import Clock
from bridge.sandbox.control.knobs import KnobBoard
from bridge.sandbox.control.limits import VENDOR, Limits, Slots
from bridge.sandbox.control.tenants import NEW, OLD, Edition, TenantService
from bridge.sandbox.control.zones import Zones
from bridge.sandbox.data import database, udfs
from bridge.sandbox.data.database import Database
from bridge.sandbox.data.dataset import ApiUser, Dataset
from bridge.sandbox.data.initial_data import InitialData
from bridge.sandbox.declarations import rule
from bridge.sandbox.facts.model import EntityFacts

# The releases of 1.6 that can be served; the last one by default.
GENERATIONS = ("1.6.0", "1.6.11")

OLD_RELEASE = "1.5.3"  # what GetWsdlVersion returns in version 1.5; unverified


class Vendor:
    """All tenants of a data set over one database.

    Args:
        facts: all entities by name.
        dataset: what the database starts with.
        path: the database file.
        durable: whether commits must survive a power cut.
        generation: one of `GENERATIONS`; version 1.5 is served beside it.
        limits: what every tenant may do.
    """

    def __init__(
        self,
        facts: Mapping[str, EntityFacts],
        dataset: Dataset,
        path: Path,
        *,
        durable: bool,
        generation: str = GENERATIONS[-1],
        limits: Limits = VENDOR,
    ) -> None:
        self.facts = facts
        self.dataset = dataset
        self.generation = generation
        self.limits = limits
        self.slots = Slots(limits)
        self.zones = Zones()
        self._refreshing = threading.Lock()
        self.knobs = KnobBoard()
        self.clock = Clock()
        self.editions = {NEW: Edition(facts, generation), OLD: Edition(facts, OLD)}
        self.tenants = MappingProxyType(
            {
                tenant.ci: TenantService(tenant, self.editions, limits, self.clock.now)
                for tenant in dataset.tenants
            }
        )
        # By name alone, as getZoneInfo finds them: unique over all tenants.
        self._logins = {
            user.username.lower(): (service, user)
            for service in self.tenants.values()
            for user in service.tenant.users
        }
        self.database = Database(path, durable=durable)
        schemas = {ci: service.schema for ci, service in self.tenants.items()}
        self.initial_data = InitialData(self.database, dataset, schemas)

    def find_user(self, username: str) -> tuple[TenantService, ApiUser] | None:
        """Return the login with a name, in any case, and its tenant."""
        return self._logins.get(username.strip().lower())

    def login(
        self, username: str, password: str
    ) -> tuple[TenantService, ApiUser] | None:
        """Return the login with this name and password, unless it is inactive.

        Source: SOAP contract notes, section 14.1.
        """
        found = self.find_user(username)
        if found is None:
            return None
        expected = found[1].password.encode()
        if not hmac.compare_digest(password.encode(), expected):
            return None
        return None if self._is_inactive(*found) else found

    @rule(
        "Login",
        "A user whose resource is not active gets the 401 page",
        source="unverified",
    )
    def _is_inactive(self, service: TenantService, user: ApiUser) -> bool:
        resources = service.schema.tables["Resource"]
        inactive = 'id = ? AND "Active" = 0'
        connection = self.database.reading()
        found = database.find(connection, resources, inactive, (user.resource_id,))
        return bool(found)

    def release(self, version: str) -> str:
        """Return the release of a version, as GetWsdlVersion returns it."""
        return OLD_RELEASE if version == OLD else self.generation

    def refresh(self) -> None:
        """Serve the UDFs that the database has definitions of."""
        connection = self.database.reading()
        # Reading and showing are one step: an older reading must not be shown last.
        with self._refreshing:
            for service in self.tenants.values():
                start = service.tenant.udfs
                service.show(*udfs.live(connection, service.schema, start))

    def reset(self) -> None:
        """Reset records, UDFs, zones, clock and usage."""
        self.initial_data.restore()
        self.zones.clear()
        self.clock.reset()
        self.slots.reset()
        for service in self.tenants.values():
            service.usage.reset()
            service.uploads.reset()
        self.refresh()
