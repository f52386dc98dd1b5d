"""The protocol of a backend: what the use cases need of any vendor."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol, TypeAlias

from bridge.ceql.ast import Expr
from bridge.interfaces.data import (
    NO_VALUES,
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
    Values,
    Zone,
)
from bridge.interfaces.limits import Limits
from bridge.interfaces.rate_limiter import NO_CALLER, Caller
from bridge.interfaces.rows import RowResult, UpdateRow
from bridge.types import JSON


@dataclass(frozen=True, slots=True)
class Node:
    """A member inside an argument of a call: its name, and a text or more members.

    `kind` is its declared type, such as `Contact`, or `xsd:int` for one of XML Schema;
    empty without a declaration.
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
    """A vendor as one API user sees it. Use it from one thread at a time.

    A read that failed may be repeated. A write is repeated only where the vendor
    certainly did not apply it. Each repetition is another vendor call.
    """

    @property
    def limits(self) -> Limits:
        """What the vendor takes in one call. No vendor call."""

    def check(self) -> Usage:
        """Verify the credentials. One vendor call, two when the zone is unknown.

        The call reads the vendor's usage count, so no call budget refuses it.
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
        limit: int | None = None,
        shared: bool = False,
        fields: Collection[Field] | None = None,
    ) -> Page:
        """Return up to `limit` (at most `limits.page`) entities with id above `after`.

        The filter must keep within `limits`. Ascending by id; `after=None` starts at
        the first, id 0 included. One vendor call; none when `shared` and this process
        has the same query of the same instance in flight. A read before a write must
        not be shared, because the response in flight may be older than the last change.

        With `fields` the entities have at least these fields and their id, and perhaps
        others: not every vendor can leave fields out.
        """

    def count(
        self,
        entity: EntityType,
        where: Expr[Field, Scalar] | None,
        *,
        max_calls: int,
    ) -> int | None:
        """Return how many entities a filter finds, None if that takes too many calls.

        One vendor call where the vendor counts; where it does not, one for each
        `limits.page` entities, of which `max_calls` are made before it is given up.
        Calls are joined as those of a shared `query`.
        """

    def create(self, entity: EntityType, values: Values) -> Entity:
        """Create one entity; only the id of the returned entity is reliable.

        One vendor call.

        Raises:
            ProviderRejectedError: refused, nothing was created.
            ProviderOutcomeUnknownError: sent, and no response came.
        """

    def update(
        self,
        entity: EntityType,
        entity_id: int,
        changes: Values,
        unchanged: Values,
    ) -> None:
        """Change fields of one entity, and nothing else. One vendor call.

        `unchanged` has the values, as they were just read, of the entity's other
        writable fields without its UDFs: a vendor that replaces the whole entity is
        sent them again, any other does not need them. A field in both is changed. A
        UDF that is not in `changes` keeps its value.

        Raises:
            ProviderRejectedError: refused, nothing was changed.
            ProviderOutcomeUnknownError: sent, and no response came.
        """

    def create_many(
        self, entity: EntityType, rows: Sequence[Values]
    ) -> Sequence[RowResult]:
        """Create up to `limits.batch` entities; return one result per row, in order.

        One vendor call, none without rows. A vendor that applies a call completely or
        not at all skips the rows beside a refused one. If no usable response came, or
        the response leaves open which row it means, the row's outcome is unknown;
        nothing is sent twice.

        Raises:
            ValueError: more than `limits.batch` rows.
            ProviderRejectedError: refused without a word on which row is meant; nothing
                was created. Of fewer rows in a call, more can be learnt.
            ProviderError: the call as a whole failed, such as its login; nothing was
                created.
        """

    def update_many(
        self, entity: EntityType, rows: Sequence[UpdateRow]
    ) -> Sequence[RowResult]:
        """Change up to `limits.batch` entities, each as `update` does.

        Results and errors as those of `create_many`.

        Raises:
            ValueError: more than `limits.batch` rows, or one entity twice.
        """

    def delete(self, entity: EntityType, entity_id: int) -> None:
        """Delete one entity. One vendor call."""

    def preview(
        self,
        operation: str,
        entity: EntityType,
        entity_id: int,
        values: Values,
        unchanged: Values = NO_VALUES,
    ) -> str:
        """Return the request that a create, update or delete would send.

        `values` are those of the create, or the changes of the update, which also
        needs what is `unchanged`.

        In the vendor's format, without credentials. No vendor call.
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
        """Call an operation by its name, and return its response as JSON.

        Element names do not change; an element with children becomes an object, a
        repeated element a list. Any other becomes its text, or a number where the
        vendor declares a whole number. One vendor call. With `writes` it is repeated
        only as a write is.

        Raises:
            InvalidRequestError: an argument's name is not valid.
            ProviderRejectedError: Autotask refused.
            ProviderOutcomeUnknownError: a write was sent, and no response came.
        """

    def attachment(self, attachment_id: int) -> Attachment | None:
        """Return an attachment with its bytes, None where the vendor has nothing.

        One vendor call.

        Raises:
            ProviderRejectedError: refused, perhaps because it does not exist.
        """

    def create_attachment(self, values: Values, data: BinaryIO | None) -> int:
        """Attach a file, or a link without `data`; return the attachment's id.

        `data` is read once, from its current position to its end. One vendor call.

        Raises:
            ProviderRejectedError: refused, nothing was attached.
            ProviderUploadLimitError: too many bytes in too short a time.
            ProviderOutcomeUnknownError: sent, and no response came.
        """

    def delete_attachment(self, attachment_id: int) -> None:
        """Delete an attachment. One vendor call.

        Raises:
            ProviderRejectedError: refused, perhaps because it does not exist.
            ProviderOutcomeUnknownError: sent, and no response came.
        """


class OpenBackend(Protocol):
    """Opens backends; the application passes it to the use cases."""

    def __call__(
        self,
        credentials: Credentials,
        zone: Zone | None,
        zone_changed: Callable[[Zone], None],
        caller: Caller = NO_CALLER,
    ) -> Backend:
        """Open a backend; `zone_changed` is called with a zone that was looked up."""
