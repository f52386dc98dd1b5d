"""Write intents: one row for each create, there before the vendor hears of it.

A row is *running* while its holder lives and his lease lasts, *unknown* when he said so
or fell silent, *done* otherwise. Later calls find it by its scope, which is unique
among the rows that can still be joined, resolved or replayed. The others have none
and stay for a day, because their record ids tell apart what was created when.

Every row expires, so that nothing grows for ever. One that nobody ended, *unknown* or
left behind by a dead holder, is kept for a day after the last who had it; for 30 days
when it has a key, and a call with that key is a new one afterwards.

Times are the database's. Answers are sealed: they hold a tenant's data.
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
from bridge.store.models import UtcDateTime, write_intents
from bridge.store.process_identity import find_dead

_RETENTION = timedelta(days=1)
_KEY_RETENTION = timedelta(days=30)
_GONE = "The instance does not exist any more."
_COLUMN = write_intents.c


class State(StrEnum):
    """What is known of a write."""

    RUNNING = "running"
    UNKNOWN = "unknown"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class CreateRequest:
    """A create that somebody asks for.

    `tenant` names the vendor's database, whatever instance it is reached by. Equal
    `scope` makes calls the same one: by key, or by body when not `keyed`. Neither
    `scope` nor `body` is stored, only their keyed digests.
    """

    instance_id: int
    tenant: str
    entity: str
    scope: str = field(repr=False)
    body: str = field(repr=False)
    keyed: bool


@dataclass(frozen=True, slots=True)
class IdempotencyRecord:
    """A row as one caller sees it at `now`.

    `mine` tells that he holds it: a *running* row of his is to be carried out, an
    *unknown* one to be resolved. `floor_id` is the highest id of the entity that was
    known before the write was sent.
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
    """How a write ended.

    `lifetime_s` is how long the answer is for those who come later; 0 gives it only
    to those who wait already.
    """

    answer: str = field(repr=False)
    record_id: int | None = None
    lifetime_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ConcurrentCreates:
    """What other intents of an entity say: records that are theirs, sends underway."""

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
_TAKEN = select(_COLUMN.record_id).where(
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
_CHANGE_MINE = _CHANGE.where(_COLUMN.holder == bindparam("its_holder"))


def acquire(
    db: Database, wanted: CreateRequest, *, holder: str, lease_s: float, window_s: float
) -> IdempotencyRecord:
    """Take up a create, or return what became of the one that it repeats.

    A new row is *running* and mine. A live holder's is *running* and not mine; he
    will leave his answer for those who wait. One whose outcome is unknown becomes
    mine to resolve: by its key for 30 days, without one for `window_s`, after which
    the create is a new one. A *done* one carries its answer. A row of another body
    is returned as it is. One transaction.

    Raises:
        NotFoundError: the instance was removed meanwhile.
    """
    with db.begin() as connection:
        now = read_clock(connection)
        connection.execute(_SWEEP, {"now": now})
        lease = {"holder": holder, "leased_until": now + timedelta(seconds=lease_s)}
        while True:
            added = _add(connection, db, wanted, lease, now)
            if added is not None:
                return _view(db, added, wanted, now, owned=True)
            found = _find(connection, db, wanted, now, timedelta(seconds=window_s))
            if found is not None:
                return _acquire_existing(connection, db, found, wanted, lease, now)


def read(db: Database, intent_id: int, wanted: CreateRequest) -> IdempotencyRecord:
    """Return a row as it is now, never mine; a silent holder's is *unknown*.

    Raises:
        NotFoundError: the instance was removed, and its rows with it.
    """
    with db.read() as connection:
        now = read_clock(connection)
        row = connection.execute(_BY_ID, {"intent_id": intent_id}).one_or_none()
    if row is None:
        raise NotFoundError(_GONE)
    return _view(db, row, wanted, now, owned=False)


def finish(db: Database, intent_id: int, holder: str, ending: Result) -> bool:
    """Make a row *done*; nothing changes when it is another holder's by now.

    False, and nothing changed, when the record is known as another intent's.
    """
    sealed = db.keys.seal(ending.answer)
    keep = ending.lifetime_s > 0
    lifetime = timedelta(seconds=ending.lifetime_s) if keep else _RETENTION
    changes: dict[str, Any] = {
        "state": State.DONE,
        "record_id": ending.record_id,
        "unknown_since": None,
        "sealed_answer": sealed if keep else case((_COLUMN.joined, sealed)),
    }
    if not keep:
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
    """Make a row *unknown*, since now unless it was so before.

    `answer` is for those who wait for it.
    """
    with db.begin() as connection:
        now = read_clock(connection)
        changes = {
            "state": State.UNKNOWN,
            "unknown_since": func.coalesce(
                _COLUMN.unknown_since, literal(now, UtcDateTime)
            ),
            "sealed_answer": db.keys.seal(answer),
            "expires_at": case(
                (_COLUMN.keyed, literal(now + _KEY_RETENTION, UtcDateTime)),
                else_=literal(now + _RETENTION, UtcDateTime),
            ),
        }
        _change(connection, intent_id, holder, changes)


def resend(
    db: Database, intent_id: int, holder: str, wanted: CreateRequest, *, lease_s: float
) -> bool:
    """Make an *unknown* row *running* anew: its write certainly did not happen.

    False when it is another holder's by now; then nothing may be sent.
    """
    with db.begin() as connection:
        now = read_clock(connection)
        changes = {
            "sent_at": now,
            "unknown_since": None,
            "leased_until": now + timedelta(seconds=lease_s),
            "floor_id": connection.execute(_FLOOR, _of_entity(wanted)).scalar(),
            "expires_at": now + timedelta(seconds=lease_s) + _kept(wanted),
        }
        return _change(connection, intent_id, holder, changes)


def save_floor(db: Database, intent_id: int, holder: str, floor_id: int) -> None:
    """Note the highest id that a record like this one had before the send."""
    with db.begin() as connection:
        _change(connection, intent_id, holder, {"floor_id": floor_id})


def find_concurrent(
    db: Database, intent_id: int, wanted: CreateRequest, record_ids: Sequence[int]
) -> ConcurrentCreates:
    """Return which records are other intents', and whether a living one is sending."""
    parameters = {**_of_entity(wanted), "intent_id": intent_id}
    with db.read() as connection:
        now = read_clock(connection)
        sending = connection.scalars(_SENDING, {**parameters, "now": now}).all()
        taken = connection.execute(_TAKEN, {**parameters, "record_ids": record_ids})
        alive = len(sending) > len(find_dead(sending))
        return ConcurrentCreates(frozenset(taken.scalars()), alive)


def _add(
    connection: Connection,
    db: Database,
    wanted: CreateRequest,
    lease: dict[str, Any],
    now: datetime,
) -> Row[Any] | None:
    """Add a row; None when there is one of this scope."""
    row = {
        **lease,
        **_of_entity(wanted),
        "instance_id": wanted.instance_id,
        "scope_digest": db.keys.digest(wanted.scope),
        "body_digest": db.keys.digest(wanted.body),
        "keyed": wanted.keyed,
        "state": State.RUNNING,
        "joined": False,
        "sent_at": now,
        "floor_id": connection.execute(_FLOOR, _of_entity(wanted)).scalar(),
        "expires_at": _forgotten_at(wanted, lease),
    }
    try:
        return connection.execute(_ADD[connection.dialect.name], row).one_or_none()
    except IntegrityError:
        raise NotFoundError(_GONE) from None


def _find(
    connection: Connection,
    db: Database,
    wanted: CreateRequest,
    now: datetime,
    window: timedelta,
) -> Row[Any] | None:
    """Return the row of this scope; one that is history loses its scope instead."""
    scope = {"scope_digest": db.keys.digest(wanted.scope)}
    row = connection.execute(_BY_SCOPE, scope).one_or_none()
    if row is None:
        return None
    since = _unknown_since(row, now)
    forgotten = since is not None and not row.keyed and since + window <= now
    expired = row.state == State.DONE and row.expires_at <= now
    if not forgotten and not expired:
        return row
    changes = {"scope_digest": None, "expires_at": now + _RETENTION}
    connection.execute(_CHANGE.values(changes), {"intent_id": row.id})
    return None


def _acquire_existing(
    connection: Connection,
    db: Database,
    row: Row[Any],
    wanted: CreateRequest,
    lease: dict[str, Any],
    now: datetime,
) -> IdempotencyRecord:
    seen = _view(db, row, wanted, now, owned=False)
    if not seen.same_body or seen.state is State.DONE:
        return seen
    if seen.state is State.RUNNING:
        if not row.joined:
            joined = _CHANGE.values(joined=True)
            connection.execute(joined, {"intent_id": row.id})
        return seen
    changes = {
        **lease,
        "state": State.RUNNING,
        "unknown_since": seen.unknown_since,
        "expires_at": _forgotten_at(wanted, lease),
    }
    connection.execute(_CHANGE.values(changes), {"intent_id": row.id})
    return replace(seen, owned=True)


def _change(
    connection: Connection, intent_id: int, holder: str, changes: dict[str, Any]
) -> bool:
    parameters = {"intent_id": intent_id, "its_holder": holder}
    result = connection.execute(_CHANGE_MINE.values(changes), parameters)
    return result.rowcount == 1


def _view(
    db: Database, row: Row[Any], wanted: CreateRequest, now: datetime, *, owned: bool
) -> IdempotencyRecord:
    since = _unknown_since(row, now)
    return IdempotencyRecord(
        id=row.id,
        state=State(row.state) if since is None else State.UNKNOWN,
        owned=owned,
        same_body=row.body_digest == db.keys.digest(wanted.body),
        now=now,
        sent_at=row.sent_at,
        unknown_since=since,
        floor_id=row.floor_id,
        answer=None if row.sealed_answer is None else db.keys.open(row.sealed_answer),
    )


def _unknown_since(row: Row[Any], now: datetime) -> datetime | None:
    """Return since when nobody can tell the outcome; None while or when one can.

    A dead holder died before now: more is not known.
    """
    leased = row.state == State.RUNNING and row.leased_until > now
    if row.state == State.DONE or (leased and not find_dead([row.holder])):
        return None
    since: datetime = row.unknown_since or min(row.leased_until, now)
    return since


def _forgotten_at(wanted: CreateRequest, lease: dict[str, Any]) -> datetime:
    """Return when a row is removed if nobody ends it."""
    until: datetime = lease["leased_until"]
    return until + _kept(wanted)


def _kept(wanted: CreateRequest) -> timedelta:
    return _KEY_RETENTION if wanted.keyed else _RETENTION


def _of_entity(wanted: CreateRequest) -> dict[str, str]:
    return {"tenant": wanted.tenant, "entity": wanted.entity}
