"""Idempotent creates: a create that is sent again is not done again.

Two calls are the same create when they have the same `Idempotency-Key` for one instance
and resource; without a key, when they have an equal body while the first is in flight,
or within the retry window after its outcome became unknown. A success that was
returned is never joined without a key: a caller may want two equal records.

An idempotency record is stored before anything is sent, so that the create of a process
that dies is known. The outcome is unknown when the vendor did not respond, when the
holder's lease expired, or when the holder is seen to be dead. What a living holder
could not store, because the database was away or full, it stores as soon as it can:
`Context.pending_writes`. The next equal call *resolves* an unknown outcome:

- the created record is found at the vendor: it is the response;
- it is not there, and the settle time is over: the create is sent;
- neither is certain (`duplicate_search` says when): the outcome stays unknown, and
  nothing is sent.

Of many such calls one resolves and the others wait for its response. The lease outlasts
the longest send: a create that is ready later than `record_lock_lease_s` after it was
claimed is not sent. An ordinary create costs no more vendor calls than without all
this: to read the highest id before each send would, so `duplicate_search` works with
what is known. A create with a key costs one more, four at most, where its entity has no
time of creation, no unique field is given, and no earlier create of it is known.
Resolving costs up to four for each search.
"""

from __future__ import annotations

import time
from functools import partial
from types import TracebackType

from bridge.errors import (
    BridgeError,
    CallerError,
    ConflictError,
    InvalidRequestError,
    ProviderOutcomeUnknownError,
    ProviderRejectedError,
    ProviderTimeoutError,
    StoreError,
    StoreUnavailableError,
)
from bridge.interfaces import Entity
from bridge.services.records.creates import duplicate_search
from bridge.services.records.creates.create_call import (
    CreateCall,
    identify_create,
    validate,
)
from bridge.services.records.creates.duplicate_search import Search
from bridge.services.records.creates.replay import replay
from bridge.services.records.creates.unknown_outcome import (
    search_until_certain,
    unknown,
)
from bridge.services.records.serializer import open_serializer
from bridge.services.records.validation import ValidatedRecord
from bridge.services.records.write_result import (
    StoredWrite,
    WriteResult,
    encode_result,
    show,
)
from bridge.store import idempotency_records
from bridge.store.abandoned_creates import abandon, exists
from bridge.store.idempotency_records import (
    IdempotencyRecord,
    Result,
    State,
)
from bridge.store.process_identity import new_holder_name

_MIN_PAUSE_S = 0.005
_MAX_PAUSE_S = 0.25
_NOT_SENT = "The database failed before the create was sent; send it again."
_UNFORESEEN = "The bridge failed while it created; it may or may not have happened."

_STORED_REFUSALS = (CallerError, ProviderRejectedError)
"""Refusals that are replayed by key: those of the request itself.

Refused credentials and missing permissions are not: an operator corrects them, and the
same request may then succeed.
"""


def begin(create: CreateCall) -> CreateAttempt:
    """Claim a create. If it repeats another, return its result, or raise its error.

    The attempt has a `result` when nothing is to be sent. Otherwise this process holds
    the create: the caller sends it inside `with attempt`, which stores how an error
    ended it, and then calls `finish`. No vendor call but those of a search where an
    earlier outcome is resolved. Waits for an equal create in flight up to the request
    deadline.

    A refused body without a key writes nothing, unless metadata had to be fetched to
    refuse it. With a key its refusal is stored, so that the key replays it.

    Raises:
        InvalidRequestError: the key was used with another body.
        ConflictError: an equal create is still running; nothing was sent.
        ProviderOutcomeUnknownError: sent earlier, and no response came.
        BridgeError: the refusal, or the stored error of the create that this repeats.
    """
    attempt = CreateAttempt(create)
    if create.refusal is not None and create.key is None and not attempt.is_known():
        raise create.refusal
    while True:
        stored = attempt.acquire()
        if not stored.same_body:
            raise InvalidRequestError(
                "This Idempotency-Key was used before with another body; a key stands "
                "for one create. Send a new body with a new key. Nothing was sent."
            )
        if stored.owned:
            if stored.state is not State.RUNNING:
                attempt.resolve()
            return attempt
        text = attempt.wait(stored)
        # None: the holder died, so the next round may own the create.
        if text is not None:
            attempt.result = replay(create, text)
            return attempt


class CreateAttempt:
    """One call's create, and the idempotency record by which others know of it.

    `result` is set when the create needs not be sent.
    """

    def __init__(self, create: CreateCall) -> None:
        ctx = self._ctx = create.mapping.ctx
        self._create = create
        self._request = identify_create(create)
        self._stored: IdempotencyRecord | None = None
        self._holder = new_holder_name()
        self._held_since = time.monotonic()
        self._deadline = self._held_since + ctx.settings.autotask_deadline_s
        self._save = ctx.pending_writes.save
        self.result: WriteResult | None = None

    def __enter__(self) -> None:
        """Start to send."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Store how an error ended the create, for those who wait or come later."""
        if isinstance(error, ProviderOutcomeUnknownError):
            raise self._mark_unknown(error) from error
        if isinstance(error, BridgeError):
            lasting = isinstance(error, _STORED_REFUSALS)
            text = encode_result(error)
            self._save(partial(self._finish, text, lasting=lasting))
        elif isinstance(error, Exception):
            # A bug may show after the send, so the create may have happened.
            self._mark_unknown(ProviderOutcomeUnknownError(_UNFORESEEN))

    def prepare(self) -> ValidatedRecord:
        """Return the record to send, after storing what a later search needs.

        With a key, one vendor call, four at most, where no earlier create is known;
        none where `find_floor` needs none.

        Raises:
            BridgeError: the refusal, or the vendor could not be queried.
        """
        validated = self._require_validated()
        create = self._create
        if create.refusal is not None:
            raise create.refusal
        if create.key is not None and self._held.floor_id is None:
            floor_id = duplicate_search.find_floor(create.mapping, validated)
            if floor_id is not None:
                idempotency_records.save_floor(
                    self._ctx.database, self._held.id, self._holder, floor_id
                )
        return validated

    def _require_validated(self) -> ValidatedRecord:
        """Return the validated body, valid or not; raise where there is none."""
        if self._create.validated is None and self._create.refusal is None:
            self._create = validate(self._create)
        if self._create.validated is None:
            raise self._create.refusal or RuntimeError("Neither validated nor refused.")
        return self._create.validated

    def check_send_deadline(self) -> None:
        """Check, right before sending, that the lease lasts through the send.

        Raises:
            ProviderTimeoutError: it does not; nothing may be sent.
        """
        if time.monotonic() - self._held_since > self._ctx.settings.record_lock_lease_s:
            raise ProviderTimeoutError(
                "Getting ready took too long, so nothing was sent; send it again."
            )

    def finish(self, result: WriteResult) -> None:
        """Store the result of a create that was sent; raises nothing.

        The record exists: nothing that fails from here on may look like a failure.
        """
        self._save(partial(self._store, result))

    def is_known(self) -> bool:
        """Return whether an equal create is on record. Writes nothing."""
        return exists(self._ctx.database, self._request)

    def acquire(self) -> IdempotencyRecord:
        """Claim the create, or return the idempotency record of an earlier one."""
        # Before the statement: the lease starts while it runs.
        self._held_since = time.monotonic()
        database = self._ctx.database
        try:
            self._stored = idempotency_records.acquire(
                database,
                self._request,
                holder=self._holder,
                lease_s=self._lease_s,
                window_s=self._ctx.settings.idempotency_retry_window_s,
            )
        except StoreError:
            # It may be stored all the same, when only the confirmation was lost.
            text = encode_result(StoreUnavailableError(_NOT_SENT))
            self._save(partial(abandon, database, self._holder, text), unsent=True)
            raise
        return self._stored

    def wait(self, stored: IdempotencyRecord) -> str | None:
        """Return the result of the process that holds the create; None if it died.

        Raises:
            ConflictError: there is no result by the deadline.
        """
        pause_s = _MIN_PAUSE_S
        while stored.state is State.RUNNING:
            if time.monotonic() + pause_s > self._deadline:
                raise ConflictError(
                    "An equal create is still running; nothing was sent for this one. "
                    "Send it again unchanged to get the answer of the first."
                )
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, _MAX_PAUSE_S)
            stored = idempotency_records.read(
                self._ctx.database, stored.id, self._request
            )
        return stored.answer

    def resolve(self) -> None:
        """Find out what became of an earlier send; claim a new send if it failed.

        Sets `result` when the record was found.

        Raises:
            ProviderOutcomeUnknownError: neither is certain by the deadline.
            ConflictError: another call claimed the create meanwhile.
        """
        try:
            validated = self._require_validated()
            entity = search_until_certain(
                Search(
                    self._create.mapping,
                    validated,
                    self._request,
                    self._held,
                    self._create.within,
                ),
                settle_s=self._ctx.settings.idempotency_settle_s,
                deadline=self._deadline,
            )
            if entity is not None:
                self.result = self._store_found(entity)
                return
        except ProviderOutcomeUnknownError as error:
            raise self._mark_unknown(error) from error
        except BridgeError as error:
            outcome = unknown(f"looking for it failed: {error.caller_text}")
            raise self._mark_unknown(outcome) from error
        except Exception:
            self._mark_unknown(ProviderOutcomeUnknownError(_UNFORESEEN))
            raise
        if not self._resend():
            raise ConflictError("Another call took this create over; send it again.")

    def _resend(self) -> bool:
        self._held_since = time.monotonic()
        try:
            return idempotency_records.resend(
                self._ctx.database,
                self._held.id,
                self._holder,
                self._request,
                lease_s=self._lease_s,
            )
        except StoreError as error:
            outcome = unknown(
                f"noting that it is sent again failed: {error.caller_text}"
            )
            raise self._mark_unknown(outcome) from error

    def _store_found(self, entity: Entity) -> WriteResult:
        serializer = open_serializer(self._create.mapping, self._create.options)
        notice = "created by an earlier call, found now"
        result = show(serializer, StoredWrite(entity, notice=notice))
        if not self._store_created(result):
            raise unknown(f"record {entity.id} was claimed by another create")
        return result

    @property
    def _held(self) -> IdempotencyRecord:
        """The idempotency record that this attempt holds."""
        if self._stored is None:
            raise RuntimeError("acquire() comes first.")
        return self._stored

    @property
    def _lease_s(self) -> float:
        """How long a create is held: up to the latest send, and through it."""
        settings = self._ctx.settings
        return settings.record_lock_lease_s + settings.autotask_deadline_s

    def _store(self, result: WriteResult) -> None:
        """Store a result, whether or not another create has the same record id."""
        if not self._store_created(result):
            self._finish(encode_result(result.stored), lasting=True)

    def _store_created(self, result: WriteResult) -> bool:
        """Store a result with its record id; False when another create has that id."""
        record_id = result.stored.entity.values.get("id")
        return self._finish(
            encode_result(result.stored),
            record_id=record_id if isinstance(record_id, int) else None,
            lasting=True,
        )

    def _finish(
        self, text: str, *, record_id: int | None = None, lasting: bool = False
    ) -> bool:
        lasting = lasting and self._create.key is not None
        lifetime_s = self._ctx.settings.idempotency_key_ttl_s if lasting else 0.0
        result = Result(text, record_id=record_id, lifetime_s=lifetime_s)
        return idempotency_records.finish(
            self._ctx.database, self._held.id, self._holder, result
        )

    def _mark_unknown(
        self, error: ProviderOutcomeUnknownError
    ) -> ProviderOutcomeUnknownError:
        """Return the error for the caller, after storing it for those who wait."""
        advised = ProviderOutcomeUnknownError(
            f"{error.message} {self._advice()}", provider_message=error.provider_message
        )
        self._save(
            partial(
                idempotency_records.mark_unknown,
                self._ctx.database,
                self._held.id,
                self._holder,
                encode_result(advised),
            )
        )
        return advised

    def _advice(self) -> str:
        if self._create.key is not None:
            return (
                "With the same Idempotency-Key it is looked for before it is sent, "
                "with a new one it is sent."
            )
        window_s = self._ctx.settings.idempotency_retry_window_s
        return (
            f"Sent again unchanged within {window_s:.0f} seconds, it is looked for "
            "before it is sent."
        )
