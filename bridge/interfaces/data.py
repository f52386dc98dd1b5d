"""The data exchanged with a backend: records, fields, metadata, credentials."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol, TypeAlias
from urllib.parse import urlsplit

from bridge.catalog.model import DateKind

Scalar: TypeAlias = str | int | float | bool | Decimal | datetime | date
"""A field's value. `datetime` is an instant, aware and UTC; `date` is a day.

A date field of any kind takes either: a backend writes a day without shifting it, and
reads by `DateKind` which of the two a value is.
"""


@dataclass(slots=True)
class Entity:
    """One record: the values of its fields by vendor name, in the vendor's order.

    `values` has the id, an int; a field that is null is absent, and an empty text is
    `""`. `udfs` has the user-defined fields by name, None for one without a value; an
    entity that the vendor sent without any has `udfs=None`. A user-defined value is
    typed where `EntityType.udf_types` knows its type and it is of that type; otherwise
    it may be a text.
    """

    values: dict[str, Scalar]
    udfs: dict[str, Scalar | None] | None = None

    @property
    def id(self) -> int:
        """The id."""
        return int(self.values["id"])  # type: ignore[arg-type]

    def get(self, field: Field) -> Scalar | None:
        """Return the value of a field, None without one."""
        if field.udf:
            return (self.udfs or {}).get(field.name)
        return self.values.get(field.name)


class FieldType(StrEnum):
    """The vendor's metadata types. Source: SOAP help, GetFieldInfo (`Type`)."""

    INTEGER = "integer"
    LONG = "long"
    SHORT = "short"
    STRING = "string"
    BOOLEAN = "boolean"
    DOUBLE = "double"
    DECIMAL = "decimal"
    FLOAT = "float"
    DATETIME = "datetime"

    @property
    def is_number(self) -> bool:
        """Whether values compare as numbers."""
        return self not in _NOT_NUMBERS


_NOT_NUMBERS = (FieldType.STRING, FieldType.BOOLEAN, FieldType.DATETIME)


NO_PLACE = sys.maxsize
"""The place of a field that the metadata does not list: behind all others."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a query or a write.

    `place` counts from 0 in the order of the vendor's metadata, for a vendor that takes
    members in its own order only. Fields that differ only in it are equal.
    """

    name: str
    type: FieldType
    udf: bool = False
    date_kind: DateKind = DateKind.INSTANT
    place: int = field(default=NO_PLACE, compare=False, repr=False)


Values: TypeAlias = Mapping[Field, Scalar | None]
"""Values of a write, in any order; None clears a field."""

NO_VALUES: Values = MappingProxyType({})


class FindUdfTypes(Protocol):
    """Returns the types of user-defined fields."""

    def __call__(
        self, names: AbstractSet[str], *, required: bool
    ) -> Mapping[str, FieldType]:
        """Return the types that are known, perhaps of other fields as well.

        With `required` a vendor call may be made: a value is there that may be a time,
        which cannot be read without the type. Raises nothing.
        """


@dataclass(frozen=True, slots=True)
class EntityType:
    """An entity by name, with the date fields that are not instants.

    Without `udf_types`, user-defined values may be texts.
    """

    name: str
    date_kinds: Mapping[str, DateKind] = field(default_factory=dict, hash=False)
    udf_types: FindUdfTypes | None = field(default=None, hash=False, compare=False)


@dataclass(frozen=True, slots=True)
class PicklistItem:
    """One allowed value of a picklist field."""

    value: str
    label: str
    is_default: bool = False
    sort_order: int = 0
    parent_value: str | None = None
    is_active: bool = True
    is_system: bool = False


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """A field as the vendor's metadata describes it.

    Required and read-only together mean create-only where the entity can be created,
    plain read-only elsewhere. `length` is 0 for everything but texts.
    """

    name: str
    label: str
    type: FieldType
    length: int = 0
    required: bool = False
    read_only: bool = False
    queryable: bool = True
    reference: str | None = None
    is_picklist: bool = False
    picklist: tuple[PicklistItem, ...] = ()
    picklist_parent: str | None = None
    default: str | None = None
    description: str | None = None
    udf: bool = False

    def is_item(self, item: PicklistItem, value: Scalar) -> bool:
        """Return whether a value is that item of the picklist.

        Items of a field of any type are texts; those of a boolean field are 1 and 0,
        or `true` and `false`. Source: the IsPaid picklist of ContractTicketPurchase.
        """
        if isinstance(value, bool):
            return item.value.lower() in (("1", "true") if value else ("0", "false"))
        shown = format(value, "f") if isinstance(value, Decimal) else str(value)
        return item.value == shown


@dataclass(frozen=True, slots=True)
class EntityInfo:
    """What the vendor allows on an entity type, in general and to this API user.

    `denied` names the operations that the user may not do: query, create, update,
    delete.
    """

    name: str
    can_query: bool
    can_create: bool
    can_update: bool
    can_delete: bool
    has_udfs: bool
    denied: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Page:
    """Up to `limits.page` entities ascending by id, and whether more may follow."""

    entities: list[Entity]
    more: bool


@dataclass(frozen=True, slots=True)
class Parent:
    """The record that another one belongs to: the name of its entity, and its id."""

    entity: str
    id: int


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file or a link of a record, with a file's bytes.

    `data`: None for a link, and for a file whose bytes the vendor did not send.
    """

    info: Entity
    data: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Usage:
    """The vendor's own count of calls to a tenant database."""

    threshold: int
    timeframe_minutes: int
    used: int


@dataclass(frozen=True, slots=True)
class Zone:
    """The server of a tenant's database; `ci` is the database's number."""

    url: str
    ci: int
    web_url: str = ""
    database_type: str = ""

    @property
    def database(self) -> str:
        """The tenant database as `host#ci`, the same for all its API users."""
        return f"{urlsplit(self.url).netloc.lower()}#{self.ci}"


@dataclass(frozen=True, slots=True)
class Credentials:
    """One API user. The password and the integration code never reach a repr."""

    username: str
    password: str = field(repr=False)
    server_url: str
    integration_code: str = field(default="", repr=False)
    impersonate_resource_id: int | None = None
    timezone: str = "America/New_York"
