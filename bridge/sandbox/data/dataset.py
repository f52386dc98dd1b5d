"""The shape of a data set: tenants with their users, their UDFs and their records.

Pure data, created by `seed`, stored by `database`. Values are Python's: int, bool, str,
Decimal, and naive datetimes in service time; null fields are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sized
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from bridge.sandbox.facts.model import PicklistItem

# One record by field name, `id` included. The member `UserDefinedFields`, where there
# is one, maps UDF names to text or None.
Row: TypeAlias = Mapping[str, object]


class Rows(Iterable[Row], Sized, Protocol):
    """The records of one entity; they may be created while they are iterated."""


UDF_MEMBER = "UserDefinedFields"


@dataclass(frozen=True, slots=True)
class Udf:
    """One user-defined field; `type` is string, double, datetime or boolean.

    A list UDF has a `picklist`; a protected one compares with case. `column` is the
    number of its column, None for its position. `default` is the text that a new record
    gets when the UDF is not sent.
    """

    name: str
    type: str = "string"
    description: str | None = None
    required: bool = False
    protected: bool = False
    picklist: tuple[PicklistItem, ...] | None = None
    column: int | None = None
    default: str | None = None


@dataclass(frozen=True, slots=True)
class ApiUser:
    """One login; `resource_id` is its Resource record.

    A user that is not `api_only` may use version 1.5 only. Version 1.5 requires an
    integration code only of a user that has one `assigned`.
    """

    username: str
    password: str = field(repr=False)
    resource_id: int
    api_only: bool = True
    assigned: bool = False


@dataclass(frozen=True, slots=True)
class Tenant:
    """One tenant database; `ci` is its number, unique in the data set.

    `integration_codes` are the integration codes it accepts, 27 characters each.
    """

    ci: int
    database_type: str
    users: tuple[ApiUser, ...]
    integration_codes: tuple[str, ...] = field(repr=False)
    udfs: Mapping[str, tuple[Udf, ...]]
    rows: Mapping[str, Rows]


@dataclass(frozen=True, slots=True)
class Dataset:
    """The records that a simulator starts with; it prints the first user's login."""

    name: str
    tenants: tuple[Tenant, ...]
