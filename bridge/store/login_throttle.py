"""Rate limit of refused logins per e-mail address, against guessing passwords."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, Insert, bindparam, case, select

from bridge.store.database.sql import NewRow, sweep, upsert
from bridge.store.models import login_refusals

REFUSALS_ALLOWED = 5
WINDOW = timedelta(minutes=1)

_COUNT = select(login_refusals.c.count).where(
    login_refusals.c.email_digest == bindparam("email_digest"),
    login_refusals.c.expires_at > bindparam("now"),
)


def _add_or_restart(row: NewRow) -> Insert:
    over = login_refusals.c.expires_at <= bindparam("now")
    changes = {
        "count": case((over, 1), else_=login_refusals.c.count + 1),
        "expires_at": case(
            (over, row.excluded.expires_at), else_=login_refusals.c.expires_at
        ),
    }
    return row.on_conflict_do_update(
        index_elements=[login_refusals.c.email_digest], set_=changes
    )


_ADD = upsert(login_refusals, _add_or_restart)
_SWEEP = sweep(login_refusals)


def is_throttled(connection: Connection, email_digest: bytes, now: datetime) -> bool:
    """Return whether the address has used up the refusals of its current minute."""
    parameters = {"email_digest": email_digest, "now": now}
    count: int = connection.execute(_COUNT, parameters).scalar() or 0
    return count >= REFUSALS_ALLOWED


def count_refusal(connection: Connection, email_digest: bytes, now: datetime) -> None:
    """Count a refused login; the first one starts a new minute."""
    connection.execute(_SWEEP, {"now": now})
    row = {
        "email_digest": email_digest,
        "count": 1,
        "expires_at": now + WINDOW,
        "now": now,
    }
    connection.execute(_ADD[connection.dialect.name], row)
