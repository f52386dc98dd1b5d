"""Releases idempotency records of creates that were abandoned before they were sent."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from bridge.store.database.engine import Database
from bridge.store.idempotency_records import Result, State, finish, mark_unknown
from bridge.store.models import write_intents

_RUNNING = select(write_intents.c.id, write_intents.c.unknown_since).where(
    write_intents.c.holder == bindparam("its_holder"),
    write_intents.c.state == State.RUNNING,
)


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
