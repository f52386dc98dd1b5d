"""The shape of a catalogue: an element, its configuration keys, its resources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bridge.catalog.naming import facade_name
from bridge.errors import VerbNotSupportedError
from bridge.types import JSON


class Verb(StrEnum):
    """An operation on a resource; the value is its name in the catalogue."""

    LIST = "list"
    GET = "get"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class DateKind(StrEnum):
    """Whether the values of a date field are days or points in time.

    A day has no time of day and no time zone shifts it. An instant is a point in time.
    With `BY_VALUE`, a value at exactly midnight is a day and any other an instant. The
    vendor's metadata has one type for all three.
    """

    DAY = "day"
    BY_VALUE = "by value"
    INSTANT = "instant"


_METHODS = (
    # For the `Allow` header: a refusal lists the methods of the same path only.
    {Verb.LIST: {"GET", "HEAD"}, Verb.CREATE: {"POST"}},
    {
        Verb.GET: {"GET", "HEAD"},
        Verb.UPDATE: {"PATCH", "PUT"},
        Verb.DELETE: {"DELETE"},
    },
)
"""The HTTP methods of each verb: those of a collection, those of one record."""


@dataclass(frozen=True, slots=True)
class ConfigurationKey:
    """One key of an instance's configuration, as the catalogue documents it.

    `type` is the platform's term (`TEXTFIELD_128`, `PASSWORD`, `BOOLEAN`, ...); a
    `PASSWORD` is masked in every response. With `shown_by_default` the `default` stands
    in an instance's `configuration` when the key was not set. The order of the keys is
    their display order, counted from 1.
    """

    id: int
    key: str
    name: str
    description: str
    type: str
    required: bool = False
    default: str | None = None
    hidden: bool = False
    shown_by_default: bool = False

    @property
    def secret(self) -> bool:
        """Whether the value is never shown."""
        return self.type == "PASSWORD"


@dataclass(frozen=True, slots=True)
class Discriminator:
    """The picklist value that a record of the entity needs to belong to a resource.

    It is `value` where the tenant's picklist has that, else the item called `label`;
    without either the tenant does not have the resource.
    """

    field: str
    value: str
    label: str


@dataclass(frozen=True, slots=True)
class EntityFacts:
    """Facts about a vendor entity that its metadata does not contain.

    `date_kinds` has the date fields that are not instants, `required` the fields that
    a create needs, `unique` those of which no two records have the same value,
    `named_by` those that make up its name. With `protected_udfs`, the vendor returns a
    mask for user-defined values that the API user may not see.
    """

    date_kinds: Mapping[str, DateKind] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    unique: frozenset[str] = frozenset()
    named_by: tuple[str, ...] = ()
    protected_udfs: bool = False


@dataclass(frozen=True, slots=True)
class Resource:
    """Records of one vendor entity, under the name that callers use.

    Either a resource of the facade (`accounts`), or with `native` the entity under its
    own name (`Account`). `id` is the first of ten numbers for its operations, 0 for a
    native one. `singular` is the term for one record in messages. `rename` maps vendor
    names to facade names where the rule of `naming` does not apply. With `fixed`, the
    resource has only a part of the entity's records. `create_example` and
    `update_example` are request bodies for the API description, by facade names, or
    empty.
    """

    name: str
    id: int
    singular: str
    entity: str
    verbs: frozenset[Verb]
    rename: Mapping[str, str]
    facts: EntityFacts = EntityFacts()
    fixed: Discriminator | None = None
    native: bool = False
    create_example: Mapping[str, JSON] = field(default_factory=dict)
    update_example: Mapping[str, JSON] = field(default_factory=dict)

    def member_of(self, vendor: str) -> str:
        """Return the member name of a vendor field."""
        return self.rename.get(vendor) or facade_name(vendor)

    def require(self, verb: Verb, method: str) -> None:
        """Refuse a verb that this resource does not offer; no vendor call.

        Raises:
            VerbNotSupportedError: with the HTTP method in the message.
        """
        if verb not in self.verbs:
            here = next(verbs for verbs in _METHODS if verb in verbs)
            offered = frozenset[str]().union(
                *(methods for one, methods in here.items() if one in self.verbs)
            )
            raise VerbNotSupportedError(
                f"Method {method} is not supported for {self.name}.", allowed=offered
            )


@dataclass(frozen=True, slots=True)
class Element:
    """A connector to a vendor: its constants, configuration keys and resources.

    `document` is the constant part of the element object embedded in an instance
    (elements-api 2.1), in the published order. `hub` is the hub's
    document; `metadata` and `expanded` are the constants of metadata responses (3.3 and
    3.4). `facts` is keyed by vendor entity.
    """

    id: int
    key: str
    name: str
    hub: Mapping[str, JSON]
    backend: str
    document: Mapping[str, JSON]
    metadata: Mapping[str, JSON]
    expanded: Mapping[str, JSON]
    configuration: tuple[ConfigurationKey, ...]
    resources: Mapping[str, Resource]
    facts: Mapping[str, EntityFacts]

    def native(self, entity: str, verbs: frozenset[Verb]) -> Resource:
        """Return a vendor entity as an object under its own name."""
        return Resource(
            name=entity,
            id=0,
            singular=entity,
            entity=entity,
            verbs=verbs,
            rename={},
            facts=self.facts.get(entity, EntityFacts()),
            native=True,
        )
