"""What a vendor must do for us, in vendor terms; no vendor is named here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol, TypeAlias

from bridge.ceql.ast import Expr
from bridge.interfaces.data import (
    Attachment,
    Credentials,
    Entity,
    EntityInfo,
    EntityType,
    Field,
    FieldInfo,
    Page,
    Scalar,
    Usage,
    Zone,
)
from bridge.interfaces.rate_limiter import NO_CALLER, Caller
from bridge.types import JSON


@dataclass(frozen=True, slots=True)
class Node:
    """A member inside an argument of a call: its name, and a text or more members.

    `kind` is the type it declares, such as `Contact`, or `xsd:int` for one of XML
    Schema; empty where it declares none.
    """

    name: str
    kind: str
    content: str | tuple[Node, ...]


Argument: TypeAlias = str | tuple[Node, ...]
"""A text, or the members of a structure."""

Fill: TypeAlias = Callable[[str], str]
"""From a text with placeholders to the text with values."""


class Envelope(Protocol):
    """A request to the vendor that a caller wrote, with placeholders for values."""

    @property
    def operation(self) -> str:
        """The name of the operation, as the envelope spells it."""

    def arguments(self, operation: str, fill: Fill) -> Mapping[str, Argument]:
        """Return the arguments of an operation with their placeholders filled.

        Raises:
            InvalidRequestError: an argument cannot be parsed; or `fill` has no value.
        """


class Backend(Protocol):
    """A vendor, seen by one API user. Safe to use from one thread at a time."""

    def check(self) -> Usage:
        """Prove the credentials. One vendor call, two when the zone is unknown.

        It reads the vendor's count of calls, so no call budget refuses it.
        """

    def entities(self) -> Sequence[EntityInfo]:
        """Return all entity types. One vendor call."""

    def fields(self, entity: str) -> Sequence[FieldInfo]:
        """Return standard fields in vendor order, then UDFs. Two vendor calls."""

    def query(
        self,
        entity: EntityType,
        where: Expr[Field, Scalar] | None,
        *,
        after: int | None = None,
        limit: int = 500,
        shared: bool = False,
    ) -> Page:
        """Return up to `limit` (at most 500) entities with id above `after`.

        Ascending by id; `after=None` starts at the first, id 0 included.
        One vendor call, none when `shared` and the same is being asked for the same
        instance in this process already. What is read in order to be written is never
        shared: the answer under way may be older than the last change.
        """

    def create(
        self, entity: EntityType, values: Mapping[Field, Scalar | None]
    ) -> Entity:
        """Create one entity; only the id of what is returned is dependable.

        One vendor call, never repeated once anything was sent.

        Raises:
            ProviderRejectedError: refused, nothing was created.
            ProviderOutcomeUnknownError: sent, and no answer came.
        """

    def update(
        self,
        entity: EntityType,
        entity_id: int,
        values: Mapping[Field, Scalar | None],
    ) -> None:
        """Replace one entity: a writable field that is not in `values` is cleared.

        A UDF that is not in `values` keeps its value; one that is None is cleared.
        One vendor call, never repeated once anything was sent.
        """

    def delete(self, entity: EntityType, entity_id: int) -> None:
        """Delete one entity. One vendor call, never repeated once anything was sent."""

    def preview(
        self,
        operation: str,
        entity: EntityType,
        entity_id: int,
        values: Mapping[Field, Scalar | None],
    ) -> str:
        """Return the request that a create, update or delete would send.

        As the vendor would read it, without credentials. No vendor call.
        """

    def read_envelope(self, text: str) -> Envelope:
        """Parse a caller's own request in the vendor's format. No vendor call.

        Raises:
            InvalidRequestError: it cannot be parsed, or is too long.
        """

    def call(
        self,
        operation: str,
        arguments: Mapping[str, Argument],
        *,
        writes: bool = False,
    ) -> Mapping[str, JSON]:
        """Call an operation by its name, and return its answer as JSON.

        Element names are kept; an element with children is an object, one that is
        repeated a list. One without either is its text, or a number where the vendor
        declares a whole number. One vendor call; one that `writes` is never repeated
        once anything was sent.

        Raises:
            InvalidRequestError: the operation takes no such argument.
            ProviderRejectedError: Autotask refused.
            ProviderOutcomeUnknownError: a write was sent, and no answer came.
        """

    def attachment(self, attachment_id: int) -> Attachment | None:
        """Return an attachment with its bytes, None where the vendor has nothing.

        One vendor call.

        Raises:
            ProviderRejectedError: refused, perhaps because there is none such.
        """

    def create_attachment(
        self, values: Mapping[Field, Scalar | None], data: BinaryIO | None
    ) -> int:
        """Attach a file, or a link where `data` is None; return the attachment's id.

        `data` is read once, from where it stands to its end. One vendor call, never
        repeated once anything was sent.

        Raises:
            ProviderRejectedError: refused, nothing was attached.
            ProviderUploadLimitError: too many bytes in too short a time.
            ProviderOutcomeUnknownError: sent, and no answer came.
        """

    def delete_attachment(self, attachment_id: int) -> None:
        """Delete an attachment. One vendor call, never repeated once anything was sent.

        Raises:
            ProviderRejectedError: refused, perhaps because there is none such.
            ProviderOutcomeUnknownError: sent, and no answer came.
        """


class OpenBackend(Protocol):
    """The way to a backend, as the application hands it to the use cases."""

    def __call__(
        self,
        credentials: Credentials,
        zone: Zone | None,
        zone_changed: Callable[[Zone], None],
        caller: Caller = NO_CALLER,
    ) -> Backend:
        """Open a backend: credentials, zone if known, and a sink for a found zone."""
