"""List, add, rotate and remove the keys of the key ring while Bridge is running.

A key *waits* (it can open, and has never sealed), *seals* (exactly one does), or is
*retired* (it opens what it once sealed). Every process of a machine reloads a ring in a
file by itself. A ring in `BRIDGE_KEYS`, or a copy of the file on several machines, must
be updated by the operator: a new key waits until all processes know it.
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
    """The state of one key; `seals` counts the stored values that it sealed."""

    id: str
    role: str
    digests: bool
    made: str
    seals: int


def list_keys(db: Database) -> tuple[list[KeyState], int]:
    """Return the ring's keys, and the number of stored values that none can open."""
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
    with key_rotation.rotation_lock(db):
        db.keys.change([*db.keys.keys, key])
    return key.id


def rotate(db: Database) -> tuple[str, int]:
    """Seal everything with another key; return its id and the number of new seals.

    The other key is the waiting one, or a new one if the ring is a file. `remove_key`
    or the next rotation completes an interrupted rotation.

    Raises:
        ConflictError: the ring is in `BRIDGE_KEYS` and no key waits.
        StoreError: no key opens a stored value.
    """
    with key_rotation.rotation_lock(db):
        former, *others = db.keys.keys
        waiting = [key for key in others if _find_role(db.keys.keys, key) == "waits"]
        if db.keys.source is None and not waiting:
            raise ConflictError(
                "BRIDGE_KEYS holds no key that waits: run `bridge key add`, set its "
                "text for every process, restart them, then rotate."
            )
        newest = waiting[-1] if waiting else new_key()
        retired = replace(former, retired=datetime.now(UTC).isoformat())
        # The first key of a ring seals; the order of the others has no meaning.
        kept = [key for key in others if key.id != newest.id]
        db.keys.change([newest, retired, *kept])
    # Outside the lock: resealing may take minutes, and both keys open everything.
    return newest.id, key_rotation.reseal(db)


def remove_key(db: Database, key_id: str, *, now: datetime | None = None) -> int:
    """Remove a retired or waiting key from the ring; return the number of new seals.

    Values that are still sealed with it are sealed with the first key before.

    Raises:
        NotFoundError: the ring does not have the key.
        ConflictError: the key seals, makes the digests, or sealed a moment ago.
    """
    with key_rotation.rotation_lock(db):
        _require_removable(db, key_id, now or datetime.now(UTC))
    resealed = key_rotation.reseal(db)
    with key_rotation.rotation_lock(db):
        # Another process may have rotated the keys since the first check.
        _require_removable(db, key_id, now or datetime.now(UTC))
        db.keys.change([key for key in db.keys.keys if key.id != key_id])
    return resealed


def ring_text(db: Database) -> str | None:
    """Return the ring as text for `BRIDGE_KEYS`; None when the ring is a file."""
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
    # A transaction that is still open may write a value that the old key sealed.
    if retired and now - datetime.fromisoformat(retired) < SETTLED:
        seconds = int(SETTLED.total_seconds())
        raise ConflictError(
            f"Key {key_id} sealed until a moment ago; try again in {seconds} s."
        )


def _find_role(keys: Sequence[Key], key: Key) -> str:
    if key.id == keys[0].id:
        return "seals"
    # A ring made by hand has no times; all keys but the first count as retired.
    if key.retired or key.made <= keys[0].made:
        return "retired"
    return "waits"
