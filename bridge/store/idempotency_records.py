"""Idempotency records: one row for each create, stored before the vendor is called.

A record is *running* while its holder is alive and the lease lasts, *unknown* when the
holder reported an unknown outcome, died, or let its lease end, and *done* once its
holder reported a result. Later requests find it by its scope, which is unique among the
records that can still be waited for, resolved or replayed.

Every record expires. A *done* one lasts `idempotency_key_ttl_s` while a key can replay
its response. A record in another state lasts a day, or 30 days with a key, from the end
of its lease or the report of its unknown outcome. All others last a day without a
scope, because their record ids show which create made which record. Times are the
database's. Responses are sealed, because they hold a tenant's data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Connection,
    Insert,
    Row,
    bindparam,
    case,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from bridge.errors import NotFoundError
from bridge.store.database.engine import Database
from bridge.store.database.sql import NewRow, read_clock, sweep, upsert
from bridge.store.models import write_intents
from bridge.store.process_identity import find_dead

_RETENTION = timedelta(days=1)
_KEY_RETENTION = timedelta(days=30)
_INSTANCE_REMOVED = "The instance does not exist any more."
# The table keeps its first name, because it is stored; an "intent" is such a record.
_COLUMN = write_intents.c


class State(StrEnum):
    """The state of a create; the values are stored."""

    RUNNING = "running"
    UNKNOWN = "unknown"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class CreateRequest:
    """A create as a caller requests it.

    `tenant` names the vendor's database, whichever instance leads to it. Requests with
    an equal `scope` are the same create: it holds the instance, the target, and the
    idempotency key, or the body without one. `keyed` is whether there is a key. Of
    `scope` and `body` only HMACs are stored.
    """

    instance_id: int
    tenant: str
    entity: str
    scope: str = field(repr=False)
    body: str = field(repr=False)
    keyed: bool


@dataclass(frozen=True, slots=True)
class IdempotencyRecord:
    """A record as one caller sees it at `now`.

    `owned` is whether the caller holds it: then it must send a *running* create, and
    resolve an *unknown* one. `floor_id` is the highest id of the entity that was known
    before the create was sent; `answer` is the stored response.
    """

    id: int
    state: State
    owned: bool
    same_body: bool
    now: datetime
    sent_at: datetime
    unknown_since: datetime | None
    floor_id: int | None
    answer: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a create.

    The response `answer` is replayed for `lifetime_s`; with 0 only the callers that
    wait for it already get it.
    """

    answer: str = field(repr=False)
    record_id: int | None = None
    lifetime_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ConcurrentCreates:
    """Records that other creates of the entity made, and whether one is being sent."""

    record_ids: frozenset[int]
    sending: bool


def _skip(row: NewRow) -> Insert:
    ignored = row.on_conflict_do_nothing(index_elements=[_COLUMN.scope_digest])
    return ignored.returning(write_intents)


_ADD = upsert(write_intents, _skip)
_SWEEP = sweep(write_intents)
_BY_SCOPE = (
    select(write_intents)
    .where(_COLUMN.scope_digest == bindparam("scope_digest"))
    .with_for_update()
)
_BY_ID = select(write_intents).where(_COLUMN.id == bindparam("intent_id"))
_OF_ENTITY = (
    _COLUMN.tenant == bindparam("tenant"),
    _COLUMN.entity == bindparam("entity"),
)
_FLOOR = select(func.max(_COLUMN.record_id)).where(*_OF_ENTITY)
_USED_IDS = select(_COLUMN.record_id).where(
    *_OF_ENTITY,
    _COLUMN.record_id.in_(bindparam("record_ids", expanding=True)),
    _COLUMN.id != bindparam("intent_id"),
)
_SENDING = select(_COLUMN.holder).where(
    *_OF_ENTITY,
    _COLUMN.state == State.RUNNING,
    _COLUMN.unknown_since.is_(None),
    _COLUMN.leased_until > bindparam("now"),
    _COLUMN.id != bindparam("intent_id"),
)
_CHANGE = update(write_intents).where(_COLUMN.id == bindparam("intent_id"))
_CHANGE_OWNED = _CHANGE.where(_COLUMN.holder == bindparam("its_holder"))


def acquire(
    db: Database,
    request: CreateRequest,
    *,
    holder: str,
    lease_s: float,
    window_s: float,
) -> IdempotencyRecord:
    """Acquire the record of a create, or return that of the create it repeats.

    A new record is *running* and owned. One with a live holder is *running* and not
    owned; the holder will save its response for the callers that wait. One with an
    unknown outcome becomes owned, to be resolved: for 30 days with an idempotency key,
    for `window_s` without, after which the create is a new one. A *done* one has the
    response to replay. One with another body is returned unchanged. One transaction.

    Raises:
        NotFoundError: the instance was removed meanwhile.
    """
    with db.begin() as connection:
        now = read_clock(connection)
        connection.execute(_SWEEP, {"now": now})
        lease = {"holder": holder, "leased_until": now + timedelta(seconds=lease_s)}
        # Retried when the row is deleted, or loses its scope, between the two.
        while True:
            added = _add(connection, db, request, lease, now)
            if added is not None:
                return _view(db, added, request, now, owned=True)
            found = _find(connection, db, request, now, timedelta(seconds=window_s))
            if found is not None:
                return _acquire_existing(connection, db, found, request, lease, now)


def read(db: Database, intent_id: int, request: CreateRequest) -> IdempotencyRecord:
    """Return a record as it is now, never owned; one of a dead holder is *unknown*.

    Raises:
        NotFoundError: the instance was removed, and its records with it.
    """
    with db.read() as connection:
        now = read_clock(connection)
        row = connection.execute(_BY_ID, {"intent_id": intent_id}).one_or_none()
    if row is None:
        raise NotFoundError(_INSTANCE_REMOVED)
    return _view(db, row, request, now, owned=False)


def finish(db: Database, intent_id: int, holder: str, result: Result) -> bool:
    """Make a record *done*, unless another holder has acquired it meanwhile.

    False, and nothing changed, when another create is known to have made the vendor's
    record. True otherwise, even if another holder has it.
    """
    sealed = db.keys.seal(result.answer)
    keep = result.lifetime_s > 0
    lifetime = timedelta(seconds=result.lifetime_s) if keep else _RETENTION
    changes: dict[str, Any] = {
        "state": State.DONE,
        "record_id": result.record_id,
        "unknown_since": None,
        # Without a lifetime the response is stored only if a caller waits for it.
        "sealed_answer": sealed if keep else case((_COLUMN.joined, sealed)),
    }
    if not keep:
        # Without a scope no later request finds the record: it is a create of its own.
        changes["scope_digest"] = None
    with db.begin() as connection:
        changes["expires_at"] = read_clock(connection) + lifetime
        try:
            _change(connection, intent_id, holder, changes)
        except IntegrityError:
            connection.rollback()
            return False
    return True


def mark_unknown(db: Database, intent_id: int, holder: str, answer: str) -> None:
    """Make a record *unknown*, since now unless it was; save a response for waiters."""
    with db.begin() as connection:
        now, time = read_clock(connection), _COLUMN.expires_at.type
        changes = {
            "state": State.UNKNOWN,
            "unknown_since": func.coalesce(_COLUMN.unknown_since, literal(now, time)),
            "sealed_answer": db.keys.seal(answer),
            "expires_at": case(
                (_COLUMN.keyed, literal(now + _KEY_RETENTION, time)),
                else_=literal(now + _RETENTION, time),
            ),
        }
        _change(connection, intent_id, holder, changes)


def resend(
    db: Database, intent_id: int, holder: str, request: CreateRequest, *, lease_s: float
) -> bool:
    """Make an *unknown* record *running* again: its create was certainly not applied.

    False when another holder has acquired it meanwhile; then nothing may be sent.
    """
    with db.begin() as connection:
        now = read_clock(connection)
        changes = {
            "sent_at": now,
            "unknown_since": None,
            "leased_until": now + timedelta(seconds=lease_s),
            "floor_id": connection.execute(_FLOOR, _of_entity(request)).scalar(),
            "expires_at": now + timedelta(seconds=lease_s) + _retention(request),
        }
        return _change(connection, intent_id, holder, changes)


def save_floor(db: Database, intent_id: int, holder: str, floor_id: int) -> None:
    """Save the highest id of the entity before the create is sent."""
    with db.begin() as connection:
        _change(connection, intent_id, holder, {"floor_id": floor_id})


def find_concurrent(
    db: Database, intent_id: int, request: CreateRequest, record_ids: Sequence[int]
) -> ConcurrentCreates:
    """Return which records other creates made, and whether a live holder sends one."""
    parameters = {**_of_entity(request), "intent_id": intent_id}
    with db.read() as connection:
        now = read_clock(connection)
        sending = connection.scalars(_SENDING, {**parameters, "now": now}).all()
        taken = connection.execute(_USED_IDS, {**parameters, "record_ids": record_ids})
        alive = len(sending) > len(find_dead(sending))
        return ConcurrentCreates(frozenset(taken.scalars()), alive)


def _add(
    connection: Connection,
    db: Database,
    request: CreateRequest,
    lease: dict[str, Any],
    now: datetime,
) -> Row[Any] | None:
    """Insert a record; None when one with this scope exists."""
    row = {
        **lease,
        **_of_entity(request),
        "instance_id": request.instance_id,
        "scope_digest": db.keys.digest(request.scope),
        "body_digest": db.keys.digest(request.body),
        "keyed": request.keyed,
        "state": State.RUNNING,
        "joined": False,
        "sent_at": now,
        "floor_id": connection.execute(_FLOOR, _of_entity(request)).scalar(),
        "expires_at": lease["leased_until"] + _retention(request),
    }
    try:
        return connection.execute(_ADD[connection.dialect.name], row).one_or_none()
    except IntegrityError:
        raise NotFoundError(_INSTANCE_REMOVED) from None


def _find(
    connection: Connection,
    db: Database,
    request: CreateRequest,
    now: datetime,
    window: timedelta,
) -> Row[Any] | None:
    """Return the record with this scope; an expired one loses its scope instead."""
    scope = {"scope_digest": db.keys.digest(request.scope)}
    row = connection.execute(_BY_SCOPE, scope).one_or_none()
    if row is None:
        return None
    since = _unknown_since(row, now)
    unresolvable = since is not None and not row.keyed and since + window <= now
    expired = row.state == State.DONE and row.expires_at <= now
    if not unresolvable and not expired:
        return row
    # The row itself stays: its record id still shows which create made that record.
    changes = {"scope_digest": None, "expires_at": now + _RETENTION}
    connection.execute(_CHANGE.values(changes), {"intent_id": row.id})
    return None


def _acquire_existing(
    connection: Connection,
    db: Database,
    row: Row[Any],
    request: CreateRequest,
    lease: dict[str, Any],
    now: datetime,
) -> IdempotencyRecord:
    seen = _view(db, row, request, now, owned=False)
    if not seen.same_body or seen.state is State.DONE:
        return seen
    if seen.state is State.RUNNING:
        if not row.joined:
            # Makes `finish` store the response, which it otherwise would not.
            joined = _CHANGE.values(joined=True)
            connection.execute(joined, {"intent_id": row.id})
        return seen
    changes = {
        **lease,
        "state": State.RUNNING,
        "unknown_since": seen.unknown_since,
        "expires_at": lease["leased_until"] + _retention(request),
    }
    connection.execute(_CHANGE.values(changes), {"intent_id": row.id})
    return replace(seen, owned=True)


def _change(
    connection: Connection, intent_id: int, holder: str, changes: dict[str, Any]
) -> bool:
    parameters = {"intent_id": intent_id, "its_holder": holder}
    result = connection.execute(_CHANGE_OWNED.values(changes), parameters)
    return result.rowcount == 1


def _view(
    db: Database, row: Row[Any], request: CreateRequest, now: datetime, *, owned: bool
) -> IdempotencyRecord:
    since = _unknown_since(row, now)
    return IdempotencyRecord(
        id=row.id,
        state=State(row.state) if since is None else State.UNKNOWN,
        owned=owned,
        same_body=row.body_digest == db.keys.digest(request.body),
        now=now,
        sent_at=row.sent_at,
        unknown_since=since,
        floor_id=row.floor_id,
        answer=None if row.sealed_answer is None else db.keys.open(row.sealed_answer),
    )


def _unknown_since(row: Row[Any], now: datetime) -> datetime | None:
    """Return since when the outcome is unknown; None when it is known or pending."""
    leased = row.state == State.RUNNING and row.leased_until > now
    if row.state == State.DONE or (leased and not find_dead([row.holder])):
        return None
    # A holder that is dead before its lease ends died at an unknown time: use now.
    since: datetime = row.unknown_since or min(row.leased_until, now)
    return since


def _retention(request: CreateRequest) -> timedelta:
    """Return how long after its lease a record expires that is not *done* by then."""
    return _KEY_RETENTION if request.keyed else _RETENTION


def _of_entity(request: CreateRequest) -> dict[str, str]:
    return {"tenant": request.tenant, "entity": request.entity}
