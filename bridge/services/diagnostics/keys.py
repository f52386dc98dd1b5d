"""The key ring's keys: list, add, rotate and remove them under running processes.

A key *waits* (it opens, and has never sealed), *seals* (one does), or is *retired* (it
opens what it once sealed). With the ring in a file every process on the machine follows
by itself. With the ring in `BRIDGE_KEYS`, or a copy of the file on several machines,
the operator carries the changed text to them: a new key must be known everywhere before
it seals, which is what waiting is for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from bridge.errors import ConflictError, NotFoundError
from bridge.store import key_rotation
from bridge.store.database.engine import Database
from bridge.store.secrets.key_ring import Key, new_key, render_ring

SETTLED = timedelta(minutes=1)
"""After this time no transaction is open that was begun with the former key."""


@dataclass(frozen=True, slots=True)
class KeyState:
    """One key as an operator sees it; `seals` counts stored values."""

    id: str
    role: str
    digests: bool
    made: str
    seals: int


def list_keys(db: Database) -> tuple[list[KeyState], int]:
    """Return the ring's keys, and how many stored values none of them opens."""
    counts = key_rotation.count_seals(db)
    states = [
        KeyState(
            id=key.id,
            role=_find_role(db.keys.keys, key),
            digests=key.id == db.keys.digest_id,
            made=key.made,
            seals=counts[key.id],
        )
        for key in db.keys.keys
    ]
    return states, counts[None]


def add_key(db: Database) -> str:
    """Add a key that waits; return its id."""
    key = new_key()
    with key_rotation.alone(db):
        db.keys.change([*db.keys.keys, key])
    return key.id


def rotate(db: Database) -> tuple[str, int]:
    """Seal everything with another key; return its id and the number of seals made.

    The key that waits is taken, else, when the ring is a file, a new one. Broken off,
    it is finished by `remove_key` or by the next rotation.

    Raises:
        ConflictError: the ring is in `BRIDGE_KEYS` and no key waits.
        StoreError: a stored seal does not open with any key.
    """
    with key_rotation.alone(db):
        former, *others = db.keys.keys
        waiting = [key for key in others if _find_role(db.keys.keys, key) == "waits"]
        if db.keys.source is None and not waiting:
            raise ConflictError(
                "BRIDGE_KEYS holds no key that waits: run `bridge key add`, set its "
                "text for every process, restart them, then rotate."
            )
        newest = waiting[-1] if waiting else new_key()
        retired = replace(former, retired=datetime.now(UTC).isoformat())
        kept = [key for key in others if key.id != newest.id]
        db.keys.change([newest, retired, *kept])
    return newest.id, key_rotation.reseal(db)


def remove_key(db: Database, key_id: str, *, now: datetime | None = None) -> int:
    """Take a retired or waiting key out of the ring; return the seals made again.

    What is still sealed with it is sealed with the first key before.

    Raises:
        NotFoundError: the ring has no such key.
        ConflictError: it seals, it makes the digests, or it sealed a moment ago.
    """
    with key_rotation.alone(db):
        _require_removable(db, key_id, now or datetime.now(UTC))
    resealed = key_rotation.reseal(db)
    with key_rotation.alone(db):
        # Asked again: somebody else may have rotated meanwhile.
        _require_removable(db, key_id, now or datetime.now(UTC))
        db.keys.change([key for key in db.keys.keys if key.id != key_id])
    return resealed


def ring_text(db: Database) -> str | None:
    """Return the ring as text to be set; None when it is a file that was written."""
    if db.keys.source is not None:
        return None
    return render_ring(db.keys.keys, db.keys.digest_id)


def _require_removable(db: Database, key_id: str, now: datetime) -> None:
    keys = {key.id: key for key in db.keys.keys}
    if key_id not in keys:
        raise NotFoundError(f"The key ring has no key {key_id[:40]}.")
    if key_id == db.keys.keys[0].id:
        raise ConflictError(f"Key {key_id} seals: run `bridge key rotate` first.")
    if key_id == db.keys.digest_id:
        raise ConflictError(
            f"Key {key_id} stays: tokens and secrets are looked up by its digests. "
            "It seals nothing any more."
        )
    retired = keys[key_id].retired
    if retired and now - datetime.fromisoformat(retired) < SETTLED:
        seconds = int(SETTLED.total_seconds())
        raise ConflictError(
            f"Key {key_id} sealed until a moment ago; try again in {seconds} s."
        )


def _find_role(keys: Sequence[Key], key: Key) -> str:
    if key.id == keys[0].id:
        return "seals"
    # A ring made by hand has no times; its further keys are old ones.
    if key.retired or key.made <= keys[0].made:
        return "retired"
    return "waits"
