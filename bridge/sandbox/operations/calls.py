"""One authenticated call: its user, its limits, its author."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass

from bridge.sandbox import errors
from bridge.sandbox.control.tenants import TenantService, VersionView
from bridge.sandbox.control.vendor import Vendor
from bridge.sandbox.data import database, values
from bridge.sandbox.data.dataset import ApiUser
from bridge.sandbox.data.population import API_USER
from bridge.sandbox.data.schema import TenantSchema, quoted
from bridge.sandbox.declarations import rule
from bridge.sandbox.errors import BusinessError
from bridge.sandbox.rules.write_transaction import WriteTransaction
from bridge.sandbox.soap.envelope import Request


@dataclass(slots=True)
class Call:
    """One authenticated call; `entity` is empty while it is not known."""

    vendor: Vendor
    service: TenantService
    user: ApiUser
    request: Request
    entity: str = ""
    _slot: tuple[str, str] | None = None

    @property
    def view(self) -> VersionView:
        """The metadata and tables of the version that was called."""
        return self.service.view(self.request.version)

    @property
    def schema(self) -> TenantSchema:
        """The tables of the version that was called."""
        return self.view.schema

    @rule(
        "Login",
        "A wrong code is a business error, or a fault where the result "
        "has no place for one",
        source="clients",
    )
    def admit(self) -> None:
        """Validate the integration code and count the call; delay it near the limit.

        Raises:
            BusinessError: the code is invalid, or the hour's calls are used up.
        """
        request = self.request
        code = request.integration_code
        always = self.vendor.knobs.current.identifier_always
        if not self.service.accepts(code, self.user, request.version, always=always):
            raise BusinessError(errors.INTEGRATION_CODE)
        delay_s = self.service.usage.admit()
        if delay_s is None:
            raise BusinessError(errors.QUOTA)
        if delay_s:
            time.sleep(delay_s)

    def acquire_slot(self, entity: str) -> None:
        """Set the entity, or none, and occupy one of its threads until `release_slot`.

        Calls without an entity share the threads of their operation. Unverified: an
        integration code that is valid in several tenants has its threads in each.

        Raises:
            BusinessError: all threads of code and entity are busy.
        """
        self.entity = entity
        code = self.request.integration_code or self.user.username
        # 1.5 may be called without a code; such users have threads of their own.
        owner = f"{self.service.tenant.ci} {code}"
        slot = (owner, entity or self.request.operation)
        if not self.vendor.slots.acquire(slot):
            raise BusinessError(errors.THREADS)
        self._slot = slot

    def release_slot(self) -> None:
        """Free the thread; called once the response was sent."""
        if self._slot is not None:
            held_ms = self.vendor.knobs.current.slot_held_ms
            self.vendor.slots.release(self._slot, held_ms / 1000)
            self._slot = None

    def begin_write(
        self, connection: sqlite3.Connection, verb: str
    ) -> WriteTransaction:
        """Return the transaction of a write that begins now.

        Raises:
            BusinessError: the resource cannot be impersonated.
        """
        own, other = self.user.resource_id, self._impersonated(verb)
        return WriteTransaction(
            connection,
            self.service.schema,
            actor=own if other is None else other,
            impersonator=None if other is None else own,
            moment=values.stamp(self.vendor.clock.now()),
            dates_stand_still=self.vendor.knobs.current.dates_stand_still,
        )

    @rule(
        "Login",
        "Impersonation on writes, recorded as author and impersonator; "
        "never of API users",
        source="help",
    )
    def _impersonated(self, verb: str) -> int | None:
        """Return the resource to impersonate: active, and not an API user.

        Entities without the impersonator field ignore it, as Task does. Unverified:
        the text. Source: SOAP help, impersonation.
        """
        wanted = self.request.impersonated
        table = self.schema.find(self.entity)
        if wanted is None or table is None:
            return None
        if table.column("ImpersonatorCreatorResourceID") is None:
            return None
        resources = self.service.schema.tables["Resource"]
        found = database.read(self.vendor.database.reading(), resources, wanted)
        if (
            found is None
            or found[quoted("Active")] == 0
            or found[quoted("UserType")] == API_USER
        ):
            raise BusinessError(errors.NO_PERMISSION.format(verb))
        return wanted
