"""Queries across all accounts, for an operator; no request of a caller uses them."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from bridge.store.database.engine import Database
from bridge.store.instance_search import search_instances
from bridge.store.instances import Instance
from bridge.store.models import accounts

_PAGE = 200


def list_instances(db: Database) -> Iterator[Instance]:
    """Yield every instance, by account and id."""
    with db.read() as connection:
        account_ids = connection.execute(select(accounts.c.id)).scalars().all()
    for account_id in sorted(account_ids):
        after: int | None = 0
        while after is not None:
            found, _ = search_instances(
                db, account_id=account_id, after=after, limit=_PAGE
            )
            yield from found
            after = found[-1].id if len(found) == _PAGE else None
