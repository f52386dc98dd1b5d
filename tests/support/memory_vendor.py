"""A vendor in memory: its limits, fields and records."""

from __future__ import annotations

import itertools
from types import MappingProxyType
from zoneinfo import ZoneInfo

from backend_records import ACCOUNT, PROJECT, READ_ONLY, TODO, account

from bridge.backends.autotask_soap.encode.stored_times import WallClockTimes
from bridge.ceql.ast import ORDERINGS, PATTERNS, And, Operator, Or, Predicate
from bridge.errors import ProviderRejectedError
from bridge.interfaces import Entity, FieldInfo, FieldType, Limits

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
        self.attachments = {}
        self.ids = itertools.count(100)
        self.failure = None
        self.calls = 0
        own = {field.name: value for field, value in account("").items()}
        self.records["Account"][0] = Entity({"id": 0, **own, "AccountName": company})


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


def check_limits(where):
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


def write(row, values):
    """Set the fields of a row; None removes one."""
    for field, value in values.items():
        if field.udf:
            row.udfs[field.name] = value
        elif value is None:
            row.values.pop(field.name, None)
        else:
            row.values[field.name] = value


def projected(row, fields):
    """Return a copy of a row, with the named fields only where some are named."""
    names = row.values.keys()
    if fields is not None:
        names = {"id"} | {field.name for field in fields if not field.udf}
    values = {name: value for name, value in row.values.items() if name in names}
    return Entity(values, row.udfs and dict(row.udfs))
