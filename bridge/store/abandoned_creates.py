"""Creates for which nothing was sent: refused, or abandoned before the send."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from bridge.store.database.engine import Database
from bridge.store.idempotency_records import (
    CreateRequest,
    Result,
    State,
    finish,
    mark_unknown,
)
from bridge.store.models import write_intents

_RUNNING = select(write_intents.c.id, write_intents.c.unknown_since).where(
    write_intents.c.holder == bindparam("its_holder"),
    write_intents.c.state == State.RUNNING,
)
_EXISTS = select(write_intents.c.id).where(
    write_intents.c.scope_digest == bindparam("scope_digest")
)


def exists(db: Database, request: CreateRequest) -> bool:
    """Return whether an equal create is on record. Writes and locks nothing."""
    scope = {"scope_digest": db.keys.digest(request.scope)}
    with db.read() as connection:
        return connection.execute(_EXISTS, scope).first() is not None


def abandon(db: Database, holder: str, answer: str) -> None:
    """Release the records that a holder acquired without sending the create.

    For a failed `acquire`, which may have been stored all the same. A new record
    becomes *done*, so that the next equal create is sent; one that was *unknown*
    becomes so again. `answer` is the response for callers that wait for the record.
    """
    with db.read() as connection:
        rows = connection.execute(_RUNNING, {"its_holder": holder}).all()
    for row in rows:
        if row.unknown_since is None:
            finish(db, row.id, holder, Result(answer))
        else:
            mark_unknown(db, row.id, holder, answer)
