"""The protocol of a backend: what the use cases need of any vendor."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import BinaryIO, Protocol

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
    Parent,
    Scalar,
    Usage,
    Values,
    Zone,
)
from bridge.interfaces.limits import Limits
from bridge.interfaces.rate_limiter import NO_CALLER, Caller
from bridge.interfaces.rows import RowResult, UpdateRow
from bridge.interfaces.stored_calls import CallDefinition, PlaceholderValue
from bridge.interfaces.times import StoredTimes
from bridge.types import JSON


class Backend(Protocol):
    """A vendor as one API user sees it. Use it from one thread at a time.

    A read that failed may be repeated. A write is repeated only where the vendor
    certainly did not apply it. Each repetition is another vendor call.

    Methods for attachments take the `parent` that an attachment belongs to, because a
    vendor may find it only there; None if the caller named none. A backend that needs
    it then reads the attachment's record first, with one more vendor call. That the
    attachment belongs to the parent is checked by use cases, not by backends.
    """

    @property
    def limits(self) -> Limits:
        """What the vendor takes in one call. No vendor call."""

    @property
    def times(self) -> StoredTimes:
        """How the vendor stores times and compares them. No vendor call."""

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
        Where user-defined values have to be typed, `entity.udf_types` may make more.

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

    def call_stored(
        self, definition: CallDefinition, value: PlaceholderValue
    ) -> Mapping[str, JSON]:
        """Call what an account defined, and return the response as JSON.

        `value` is called for each placeholder, before the vendor is. A value only ever
        becomes a text inside the call, whatever it contains.

        Names of the response do not change; what repeats becomes a list. Texts stay
        texts unless the vendor declares a whole number. One vendor call. A call that
        may change something is repeated only as a write is.

        Raises:
            InvalidRequestError: the body cannot be parsed, the operation may not be
                called, or a value is missing or cannot be sent.
            ProviderRejectedError: refused.
            ProviderOutcomeUnknownError: a write was sent, and no response came.
        """

    def attachment(
        self, parent: Parent | None, attachment_id: int
    ) -> Attachment | None:
        """Return an attachment with its bytes, None where the vendor has nothing.

        One vendor call.

        Raises:
            ProviderRejectedError: refused, perhaps because it does not exist.
        """

    def create_attachment(
        self, parent: Parent, values: Values, data: BinaryIO | None
    ) -> int:
        """Attach a file, or a link without `data`; return the attachment's id.

        `values` refer to the parent too, by fields of the attachment's metadata. `data`
        is read once, from its current position to its end. One vendor call.

        Raises:
            ProviderRejectedError: refused, nothing was attached.
            ProviderUploadLimitError: too many bytes in too short a time.
            ProviderOutcomeUnknownError: sent, and no response came.
        """

    def delete_attachment(self, parent: Parent | None, attachment_id: int) -> None:
        """Delete an attachment. One vendor call.

        Raises:
            ProviderRejectedError: refused, perhaps because it does not exist.
            ProviderOutcomeUnknownError: sent, and no response came.
        """

    def preview_attachment(
        self,
        operation: str,
        parent: Parent | None,
        attachment_id: int,
        values: Values,
    ) -> str:
        """Return the request that a create or delete of an attachment would send.

        As `preview`, and without a file's bytes. No vendor call.
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


class BackendService(Protocol):
    """What all instances of one process share at a vendor, such as connections."""

    @property
    def open_backend(self) -> OpenBackend:
        """What opens backends that share it. No vendor call."""

    def close(self) -> None:
        """Close idle connections; called once."""
