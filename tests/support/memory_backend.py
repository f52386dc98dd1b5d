"""A vendor in memory and its backend: the smallest that passes the suite.

It differs from Autotask wherever the protocol allows it: it counts by itself, returns
the fields that are asked for and no others, filters by three user-defined fields,
takes only changes, writes the rows of a call one by one, and has other limits.
"""

from __future__ import annotations

import itertools
import time
from contextlib import contextmanager
from types import MappingProxyType
from zoneinfo import ZoneInfo

from backend_harness import Failure
from backend_records import ACCOUNT, PROJECT, READ_ONLY, TODO, account

from bridge.backends.autotask_soap.encode.stored_times import WallClockTimes
from bridge.ceql.ast import ORDERINGS, PATTERNS, And, Operator, Or, Predicate
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
    Entity,
    EntityInfo,
    FieldInfo,
    FieldType,
    Limits,
    Page,
    RowApplied,
    RowRefused,
    RowUnknown,
    Usage,
)
from bridge.services.filtering.local_filter import matches

TIMES = WallClockTimes(ZoneInfo("UTC"))

_ORDERED = frozenset(Operator) - PATTERNS
LIMITS = Limits(
    alternatives=60,
    exclusions=30,
    udfs=3,
    page=7,
    batch=5,
    operators=MappingProxyType(
        dict.fromkeys(FieldType, _ORDERED)
        | {
            FieldType.STRING: frozenset(Operator),
            FieldType.BOOLEAN: _ORDERED - ORDERINGS,
        }
    ),
)


def _infos(types, udfs=""):
    """Read `Name:type` items; a name with `*` is required, one with `-` is read-only.

    UDFs are separated by commas.
    """
    infos = [
        FieldInfo(
            name.rstrip("*-"),
            name.rstrip("*-"),
            FieldType(kind),
            length=100 if kind == "string" else 0,
            required="*" in name,
            read_only="-" in name,
        )
        for name, kind in (word.split(":") for word in types.split())
    ]
    for word in filter(None, udfs.split(",")):
        name, kind = word.rsplit("=", 1)
        infos.append(FieldInfo(name, name, FieldType(kind), udf=True))
    return infos


FIELDS = {
    ACCOUNT.name: _infos(
        "id*-:long AccountName*:string Phone*:string Fax:string City:string "
        "WebAddress:string AccountType*:short OwnerResourceID*:integer "
        "ParentAccountID:integer Active:boolean CreateDate-:datetime",
        "3: Backup Contact & Phone=string,Annual Contract Value=double,"
        "Renewal Date=datetime,Co-managed?=boolean",
    ),
    TODO.name: _infos(
        "id*-:long AccountID*:long AssignedToResourceID*:long ActionType*:integer "
        "StartDateTime*:datetime EndDateTime*:datetime ActivityDescription:string"
    ),
    PROJECT.name: _infos(
        "id*-:long ProjectName*:string AccountID*:integer Type*:integer "
        "Status*:integer StartDateTime*:datetime EndDateTime*:datetime"
    ),
    READ_ONLY.name: _infos("id*-:long InvoiceNumber:string"),
}


class MemoryVendor:
    """The records of one tenant, and what goes wrong with its calls just now."""

    def __init__(self, company):
        self.records = {name: {} for name in FIELDS}
        self.ids = itertools.count(100)
        self.failure = None
        self.calls = 0
        own = {field.name: value for field, value in account("").items()}
        self.records["Account"][0] = Entity({"id": 0, **own, "AccountName": company})


class MemoryBackend:
    """Implements `interfaces.Backend` but for attachments and requests of callers."""

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
        _check_limits(where)
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
                _projected(row, fields)
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

        def attempt(write):
            try:
                return RowApplied(write())
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
        _write(row, values)
        return row

    def _change(self, entity, entity_id, changes):
        row = self._vendor.records[entity.name].get(entity_id)
        if row is None:
            raise ProviderRejectedError("There is no such record.")
        _write(row, changes)
        return entity_id


def _tests(where):
    """Yield the tests of a filter."""
    if where is None or isinstance(where, Predicate):
        yield from () if where is None else (where,)
        return
    for item in where.items:
        yield from _tests(item)


def _alternatives(where):
    """Count what is joined by OR."""
    if isinstance(where, Or):
        return sum(max(1, _alternatives(item)) for item in where.items)
    if isinstance(where, And):
        return sum(map(_alternatives, where.items))
    return len(where.values) if where.operator is Operator.IN else 0


def _check_limits(where):
    """Refuse what is beyond the limits, as a vendor does."""
    tests = list(_tests(where))
    exclusions = [
        len(test.values) for test in tests if test.operator is Operator.NOT_IN
    ]
    if (
        (where is not None and _alternatives(where) > LIMITS.alternatives)
        or max(exclusions, default=0) > LIMITS.exclusions
        or len({test.field.name for test in tests if test.field.udf}) > LIMITS.udfs
        or not all(LIMITS.supports(test.field.type, test.operator) for test in tests)
    ):
        raise ProviderRejectedError("The query is too much for this vendor.")


def _write(row, values):
    for field, value in values.items():
        if field.udf:
            row.udfs[field.name] = value
        elif value is None:
            row.values.pop(field.name, None)
        else:
            row.values[field.name] = value


def _projected(row, fields):
    """Return a copy of a row, with the named fields only where some are named."""
    names = row.values.keys()
    if fields is not None:
        names = {"id"} | {field.name for field in fields if not field.udf}
    values = {name: value for name, value in row.values.items() if name in names}
    return Entity(values, row.udfs and dict(row.udfs))


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
