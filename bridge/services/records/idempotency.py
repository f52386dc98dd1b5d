"""The write guard: a create that is sent again is not done again.

Two calls are one create when they bring the same `Idempotency-Key` for one instance
and resource; without a key, when they bring an equal body while the first is in
flight, or within the join window after its outcome became unknown. A success that was
answered is never joined without a key: two equal records may be meant.

An intent is written before anything is sent, so that a process that dies leaves a
trace. Its outcome is unknown when the vendor gave no answer, when its holder's lease
ran out, or when he is seen to be dead. What a living holder could not store, because
the database was away or full, he stores as soon as it can be: `Context.unsaved`. The
next equal call *resolves* an unknown outcome:

- the record is at the vendor: that is the answer;
- it is not there, and the settle time is over: the create is sent;
- neither can be told (`lookup` says when): the outcome stays unknown, nothing is sent.

Of many such calls one resolves and the others wait for its answer. The lease outlasts
the longest send: whoever comes to send later than `record_lock_lease_s` after his claim
sends nothing. An ordinary create costs no vendor call more than without the guard: to
know the highest id before each send would, so `lookup` makes do with what is known. A
create with a key costs one more where the entity tells no time of creation and no
create of the last day is known.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TypeAlias

from bridge.catalog.model import JSON, Resource
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
from bridge.services.records import duplicate_search
from bridge.services.records.mapping import RecordMapping
from bridge.services.records.serializer import (
    ALL_MEMBERS,
    RecordOptions,
    open_serializer,
)
from bridge.services.records.vendor_records import tenant_key
from bridge.services.records.write_result import (
    WriteResult,
    decode_result,
    encode_result,
)
from bridge.store import idempotency_records
from bridge.store.abandoned_creates import abandon
from bridge.store.idempotency_records import (
    CreateRequest,
    IdempotencyRecord,
    Result,
    State,
)
from bridge.store.process_identity import current_process

_FIRST_PAUSE_S = 0.005
_LONGEST_PAUSE_S = 0.25
_FIRST_LOOK_AGAIN_S = 0.5
_NOT_SENT = "The database failed before the create was sent; send it again."
_UNFORESEEN = "The bridge failed while it created; it may or may not have happened."

_KEPT = (CallerError, ProviderRejectedError)
"""Refusals that a key keeps: those of the request itself.

Refused credentials and missing permissions are not kept: they are cured elsewhere, and
the same request may then succeed.
"""

CheckSendDeadline: TypeAlias = Callable[[], None]
"""Called right before sending; raises when it is too late to send."""

Send: TypeAlias = Callable[[CheckSendDeadline], WriteResult]

Find: TypeAlias = Callable[
    [RecordMapping, Mapping[str, JSON], CreateRequest, IdempotencyRecord],
    duplicate_search.SearchResult,
]
"""Looks for the record of an unanswered create, as `lookup.find` does."""


@dataclass(frozen=True, slots=True)
class CreateCall:
    """One caller's create; `key` is his `Idempotency-Key`, None when he sent none.

    `find` looks for it at the vendor.
    """

    mapping: RecordMapping
    body: Mapping[str, JSON] = field(repr=False)
    key: str | None = field(repr=False)
    options: RecordOptions = ALL_MEMBERS
    find: Find = field(default=duplicate_search.find, repr=False)


def create_once(create: CreateCall, send: Send) -> WriteResult:
    """Carry out a create unless it repeats one; then return or raise what that did.

    No vendor call but those of `send`, and those of a look where an earlier outcome
    is to be resolved. Waits for an equal create in flight up to the request deadline.

    Raises:
        InvalidRequestError: the key was used with another body.
        ConflictError: an equal create is still running; nothing was sent.
        ProviderOutcomeUnknownError: sent now or earlier, and not answered.
    """
    attempt = _Attempt(create, send)
    while True:
        intent = attempt.claim()
        if not intent.same_body:
            raise InvalidRequestError(
                "This Idempotency-Key was used before with another body; a key stands "
                "for one create. Send a new body with a new key. Nothing was sent."
            )
        if intent.owned and intent.state is State.RUNNING:
            return attempt.carry_out(intent)
        if intent.owned:
            return attempt.resolve(intent)
        answer = attempt.wait(intent)
        if answer is not None:
            return _give(answer)


class _Attempt:
    """One call's way through the guard: what it wants, and as whom it holds it."""

    def __init__(self, create: CreateCall, send: Send) -> None:
        ctx = self._ctx = create.mapping.ctx
        self._create = create
        self._send = send
        self._wanted = _wanted(create)
        self._holder = current_process()
        self._held_since = time.monotonic()
        self._deadline = self._held_since + ctx.settings.autotask_deadline_s
        self._save = ctx.pending_writes.save

    def claim(self) -> IdempotencyRecord:
        """Take the create up, or return who has it."""
        self._held_since = time.monotonic()
        database = self._ctx.database
        try:
            return idempotency_records.acquire(
                database,
                self._wanted,
                holder=self._holder,
                lease_s=self._lease_s,
                window_s=self._ctx.settings.idempotency_retry_window_s,
            )
        except StoreError:
            # It may be stored all the same, when only the confirmation was lost.
            answer = encode_result(StoreUnavailableError(_NOT_SENT))
            self._save(partial(abandon, database, self._holder, answer), unsent=True)
            raise

    def wait(self, intent: IdempotencyRecord) -> str | None:
        """Return the answer of who holds the intent; None when he fell silent.

        Raises:
            ConflictError: there is none by the deadline.
        """
        pause_s = _FIRST_PAUSE_S
        while intent.state is State.RUNNING:
            if time.monotonic() + pause_s > self._deadline:
                raise ConflictError(
                    "An equal create is still running; nothing was sent for this one. "
                    "Send it again unchanged to get the answer of the first."
                )
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            intent = idempotency_records.read(
                self._ctx.database, intent.id, self._wanted
            )
        return intent.answer

    def carry_out(self, intent: IdempotencyRecord) -> WriteResult:
        """Send the create, and leave a note of how it ended."""
        try:
            self._look_before(intent)
            written = self._send(self._fence)
        except ProviderOutcomeUnknownError as error:
            raise self._suspended(intent, error) from error
        except BridgeError as error:
            lasting = isinstance(error, _KEPT)
            answer = encode_result(error)
            self._save(partial(self._finish, intent, answer, lasting=lasting))
            raise
        except Exception:
            self._suspended(intent, ProviderOutcomeUnknownError(_UNFORESEEN))
            raise
        # The record exists: nothing that fails from here on may look like a failure.
        self._save(partial(self._store, intent, written))
        return written

    def _look_before(self, intent: IdempotencyRecord) -> None:
        """Learn what a keyed create could later be taken for, where nothing tells."""
        create = self._create
        if create.key is None or intent.floor_id is not None:
            return
        floor_id = duplicate_search.find_floor(create.mapping, create.body)
        if floor_id is not None:
            idempotency_records.save_floor(
                self._ctx.database, intent.id, self._holder, floor_id
            )

    def resolve(self, intent: IdempotencyRecord) -> WriteResult:
        """Find out what became of an unanswered create; send it if it never was."""
        try:
            record = self._look_until_told(intent)
            if record is not None:
                return self._found(intent, record)
        except ProviderOutcomeUnknownError as error:
            raise self._suspended(intent, error) from error
        except BridgeError as error:
            unknown = _unknown(f"looking for it failed: {error.caller_text}")
            raise self._suspended(intent, unknown) from error
        except Exception:
            self._suspended(intent, ProviderOutcomeUnknownError(_UNFORESEEN))
            raise
        if not self._resend(intent):
            raise ConflictError("Another call took this create over; send it again.")
        return self.carry_out(intent)

    def _resend(self, intent: IdempotencyRecord) -> bool:
        self._held_since = time.monotonic()
        try:
            return idempotency_records.resend(
                self._ctx.database,
                intent.id,
                self._holder,
                self._wanted,
                lease_s=self._lease_s,
            )
        except StoreError as error:
            unknown = _unknown(
                f"noting that it is sent again failed: {error.caller_text}"
            )
            raise self._suspended(intent, unknown) from error

    def _look_until_told(self, intent: IdempotencyRecord) -> Entity | None:
        """Return the record when it is there, None when it certainly is not.

        Raises:
            ProviderOutcomeUnknownError: neither can be told by the deadline.
        """
        open_s = self._ctx.settings.idempotency_settle_s - _age_s(intent)
        began_at = time.monotonic()
        settled_at = began_at + open_s
        while True:
            looked_at = time.monotonic()
            finding = self._create.find(
                self._create.mapping, self._create.body, self._wanted, intent
            )
            if finding.record is not None:
                return finding.record
            absent = not finding.reason
            if absent and looked_at >= settled_at:
                return None
            # A look is a vendor call: each pause is as long as all before it.
            soon = looked_at + (looked_at - began_at) + _FIRST_LOOK_AGAIN_S
            again_at = settled_at if absent else soon
            may_change = absent or finding.passing
            if not may_change or again_at > self._deadline:
                raise _unknown(finding.reason or _not_settled(intent, open_s))
            time.sleep(max(0.0, again_at - time.monotonic()))

    def _found(self, intent: IdempotencyRecord, record: Entity) -> WriteResult:
        serializer = open_serializer(self._create.mapping, self._create.options)
        notice = "created by an earlier call, found now"
        shown = serializer.record(record)
        written = WriteResult(shown.record, notice=notice, notes=shown.notes)
        if not self._keep(intent, written):
            raise _unknown(f"record {record['id']} was claimed by another create")
        return written

    @property
    def _lease_s(self) -> float:
        """How long an intent is held: up to the latest send, and through it."""
        settings = self._ctx.settings
        return settings.record_lock_lease_s + settings.autotask_deadline_s

    def _fence(self) -> None:
        if time.monotonic() - self._held_since > self._ctx.settings.record_lock_lease_s:
            raise ProviderTimeoutError(
                "Getting ready took too long, so nothing was sent; send it again."
            )

    def _store(self, intent: IdempotencyRecord, written: WriteResult) -> None:
        """Store that a record was created, known as another's or not."""
        if not self._keep(intent, written):
            self._finish(intent, encode_result(written), lasting=True)

    def _keep(self, intent: IdempotencyRecord, written: WriteResult) -> bool:
        """Note a record as this intent's; False when it is known as another's."""
        record_id = written.record.get("id")
        return self._finish(
            intent,
            encode_result(written),
            record_id=record_id if isinstance(record_id, int) else None,
            lasting=True,
        )

    def _finish(
        self,
        intent: IdempotencyRecord,
        answer: str,
        *,
        record_id: int | None = None,
        lasting: bool = False,
    ) -> bool:
        lasting = lasting and self._create.key is not None
        lifetime_s = self._ctx.settings.idempotency_key_ttl_s if lasting else 0.0
        end = Result(answer, record_id=record_id, lifetime_s=lifetime_s)
        database = self._ctx.database
        return idempotency_records.finish(database, intent.id, self._holder, end)

    def _suspended(
        self, intent: IdempotencyRecord, error: ProviderOutcomeUnknownError
    ) -> ProviderOutcomeUnknownError:
        """Return what the caller is told, after it was noted for those who wait."""
        told = ProviderOutcomeUnknownError(
            f"{error.message} {self._advice()}", provider_message=error.provider_message
        )
        answer = encode_result(told)
        write = (self._ctx.database, intent.id, self._holder, answer)
        self._save(partial(idempotency_records.mark_unknown, *write))
        return told

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


def _wanted(create: CreateCall) -> CreateRequest:
    """Return what tells this create from others; bodies are equal in any order."""
    body = json.dumps(create.body, sort_keys=True, separators=(",", ":"))
    instance, resource = create.mapping.instance, create.mapping.resource
    told_by = ["body", body] if create.key is None else ["key", create.key]
    return CreateRequest(
        instance_id=instance.id,
        tenant=tenant_key(instance),
        entity=resource.entity,
        scope=json.dumps([instance.id, "POST", _room(resource), *told_by]),
        body=body,
        keyed=create.key is not None,
    )


def _room(resource: Resource) -> str:
    """Name where a create goes: one entity by any of its names, or a part of it."""
    return resource.name if resource.fixed else resource.entity


def _give(answer: str) -> WriteResult:
    given = decode_result(answer)
    if isinstance(given, BridgeError):
        raise given
    return given


def _age_s(intent: IdempotencyRecord) -> float:
    since = intent.unknown_since or intent.now
    return (intent.now - since).total_seconds()


def _not_settled(intent: IdempotencyRecord, open_s: float) -> str:
    settled_at = (intent.now + timedelta(seconds=open_s)).strftime("%H:%M:%S")
    return (
        f"no such record is there yet, but until {settled_at} UTC Autotask may still "
        "be at work on it"
    )


def _unknown(reason: str) -> ProviderOutcomeUnknownError:
    return ProviderOutcomeUnknownError(
        f"An equal create was sent before and never answered, and whether it happened "
        f"cannot be told: {reason}. Nothing was sent for this one."
    )
