"""The backend of a vendor in memory: the smallest that passes the suite.

It differs from Autotask wherever the protocol allows it: it counts by itself, returns
the fields that are asked for and no others, filters by three user-defined fields,
takes only changes, writes the rows of a call one by one, finds an attachment by its
parent, and has other limits.
"""

from __future__ import annotations

import time
from contextlib import contextmanager

from backend_harness import Failure
from backend_records import ACCOUNT, READ_ONLY, TODO
from memory_vendor import (
    FIELDS,
    LIMITS,
    TIMES,
    MemoryVendor,
    check_limits,
    projected,
    write,
)

from bridge.errors import (
    ProviderCredentialsError,
    ProviderForbiddenError,
    ProviderOutcomeUnknownError,
    ProviderProtocolError,
    ProviderRejectedError,
    ProviderThresholdError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from bridge.interfaces import (
    NO_CALLER,
    NO_VALUES,
    Attachment,
    Entity,
    EntityInfo,
    EntityType,
    Page,
    RowApplied,
    RowRefused,
    RowUnknown,
    Usage,
)
from bridge.services.filtering.local_filter import matches


class MemoryBackend:
    """Implements `interfaces.Backend` but for the calls of added resources."""

    limits = LIMITS
    times = TIMES

    def __init__(self, vendor, caller):
        self._vendor = vendor
        self._caller = caller

    def _called(self, apply, *, writes=False):
        """Make one call: apply it at the vendor, unless that fails."""
        vendor, caller = self._vendor, self._caller
        if caller.deadline is not None and caller.deadline <= time.monotonic():
            raise ProviderTimeoutError("The time for this call is over.")
        failure = vendor.failure
        # None of these is charged: nothing read the call.
        if failure is Failure.UNREACHABLE:
            raise ProviderUnavailableError("The vendor cannot be reached.")
        if failure is Failure.CREDENTIALS:
            raise ProviderCredentialsError("The vendor refused the login.")
        if failure is Failure.THRESHOLD:
            raise ProviderThresholdError("The hour's calls are used up.")
        vendor.calls += 1
        if failure in (None, Failure.CUT_LATE, Failure.TIMEOUT_LATE):
            result = apply()
        if failure is None:
            return result
        if writes:
            raise ProviderOutcomeUnknownError("Look before you send it again.")
        if failure is Failure.NONSENSE:
            raise ProviderProtocolError("The response cannot be read.")
        if failure in (Failure.TIMEOUT, Failure.TIMEOUT_LATE):
            raise ProviderTimeoutError("No response in time.")
        raise ProviderUnavailableError("The connection was cut.")

    def check(self):
        return self._called(lambda: Usage(1000, 60, self._vendor.calls))

    def entities(self):
        return self._called(
            lambda: [
                EntityInfo(
                    name,
                    can_query=True,
                    can_create=name != READ_ONLY.name,
                    can_update=name != READ_ONLY.name,
                    can_delete=name == TODO.name,
                    has_udfs=name == ACCOUNT.name,
                )
                for name in FIELDS
            ]
        )

    def fields(self, entity):
        if entity not in FIELDS:
            raise ProviderRejectedError(f"There is no entity {entity}.")
        return self._called(lambda: list(FIELDS[entity]))

    def _find(self, entity, where):
        check_limits(where)
        table = self._vendor.records[entity.name]
        return [
            table[key]
            for key in sorted(table)
            if where is None or matches(where, table[key].get, TIMES.comparable)
        ]

    def query(
        self,
        entity,
        where,
        *,
        after=None,
        limit=None,
        shared=False,  # noqa: ARG002 - nothing is slow enough to be shared
        fields=None,
    ):
        size = LIMITS.page if limit is None else min(limit, LIMITS.page)

        def apply():
            found = [
                projected(row, fields)
                for row in self._find(entity, where)
                if after is None or row.id > after
            ]
            return Page(found[:size], more=len(found) > size)

        return self._called(apply)

    def count(self, entity, where, *, max_calls):  # noqa: ARG002 - one call is enough
        return self._called(lambda: len(self._find(entity, where)))

    def create(self, entity, values):
        return self._called(lambda: self._insert(entity, values), writes=True)

    def update(self, entity, entity_id, changes, unchanged):  # noqa: ARG002 - as PATCH
        self._called(lambda: self._change(entity, entity_id, changes), writes=True)

    def create_many(self, entity, rows):
        return self._write_many(
            [lambda row=row: self._insert(entity, row).id for row in rows]
        )

    def update_many(self, entity, rows):
        if len({row.entity_id for row in rows}) < len(rows):
            raise ValueError("One call changes the same entity twice.")
        return self._write_many(
            [
                lambda row=row: self._change(entity, row.entity_id, row.changes)
                for row in rows
            ]
        )

    def _write_many(self, writes):
        if not writes:
            return []
        if len(writes) > LIMITS.batch:
            raise ValueError(f"At most {LIMITS.batch} rows.")

        def attempt(change):
            try:
                return RowApplied(change())
            except ProviderRejectedError as error:
                words = error.message.split()
                return RowRefused(error, (words[0],) if words[-1] == "needed." else ())

        try:
            return self._called(lambda: list(map(attempt, writes)), writes=True)
        except ProviderOutcomeUnknownError as error:
            return [RowUnknown(error)] * len(writes)

    def delete(self, entity, entity_id):
        def apply():
            if self._vendor.records[entity.name].pop(entity_id, None) is None:
                raise ProviderRejectedError("There is no such record.")

        self._called(apply, writes=True)

    def preview(self, operation, entity, entity_id, values, unchanged=NO_VALUES):  # noqa: ARG002 - as PATCH
        members = {field.name: str(value) for field, value in values.items()}
        return f"{operation} {entity.name} {entity_id} {members}"

    def create_attachment(self, parent, values, data):
        content = None if data is None else data.read()
        info = {field.name: value for field, value in values.items()}

        def apply():
            if parent.id not in self._vendor.records[parent.entity]:
                raise ProviderRejectedError("There is no such parent.")
            number = next(self._vendor.ids)
            found = Attachment(Entity({"id": number, **info}), content)
            self._vendor.attachments[number] = parent, found
            return number

        return self._called(apply, writes=True)

    def attachment(self, parent, attachment_id):
        return self._called(lambda: self._attached(parent, attachment_id))

    def delete_attachment(self, parent, attachment_id):
        def apply():
            self._attached(parent, attachment_id)
            del self._vendor.attachments[attachment_id]

        self._called(apply, writes=True)

    def preview_attachment(self, operation, parent, attachment_id, values):  # noqa: ARG002 - as `preview`
        entity = EntityType("AttachmentInfo")
        return self.preview(operation, entity, attachment_id, values)

    def _attached(self, parent, attachment_id):
        owner, found = self._vendor.attachments.get(attachment_id, (None, None))
        if found is None or parent not in (None, owner):
            raise ProviderRejectedError("There is no such attachment.")
        return found

    def _insert(self, entity, values):
        if entity == READ_ONLY:
            raise ProviderForbiddenError("The user may not create that.")
        given = {field.name: value for field, value in values.items() if not field.udf}
        for info in FIELDS[entity.name]:
            if info.required and not info.read_only and given.get(info.name) is None:
                raise ProviderRejectedError(f"{info.name} is needed.")
        udfs = [info.name for info in FIELDS[entity.name] if info.udf]
        row = Entity({"id": next(self._vendor.ids)}, dict.fromkeys(udfs) or None)
        self._vendor.records[entity.name][row.id] = row
        write(row, values)
        return row

    def _change(self, entity, entity_id, changes):
        row = self._vendor.records[entity.name].get(entity_id)
        if row is None:
            raise ProviderRejectedError("There is no such record.")
        write(row, changes)
        return entity_id


class MemoryHarness:
    """Two tenants in memory."""

    password = "not used"

    def __init__(self):
        self._vendors = (MemoryVendor("Harbor"), MemoryVendor("Foundry"))

    def open(self, tenant=0, caller=NO_CALLER):
        return MemoryBackend(self._vendors[tenant], caller)

    @contextmanager
    def failing(self, failure, caller=NO_CALLER):
        self._vendors[0].failure = failure
        try:
            yield self.open(caller=caller)
        finally:
            self._vendors[0].failure = None

    def calls(self):
        return sum(vendor.calls for vendor in self._vendors)


@contextmanager
def memory_harness():
    yield MemoryHarness()
