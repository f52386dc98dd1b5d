"""Lists, searches and counts the instances of accounts and users."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, false, func, or_, select

from bridge.store.database.engine import Database
from bridge.store.database.sql import is_storable
from bridge.store.instances import Instance, read_instance, select_whole
from bridge.store.models import MAX_INTEGER, instance_tags, instances


def list_instances(db: Database) -> list[Instance]:
    """Return every instance, by account and id.

    For an operator: no request of a caller may see across accounts. One SQL statement.
    """
    with db.read() as connection:
        rows = connection.execute(select_whole(instances)).all()
    return sorted(_read_instances(db, rows), key=attrgetter("account_id"))


def search_instances(  # noqa: PLR0913 - every way to narrow a search, by name
    db: Database,
    *,
    account_id: int | None = None,
    user_id: int | None = None,
    element_keys: Sequence[str] | None = None,
    tags: Sequence[str] = (),
    text: str = "",
    after: int = 0,
    offset: int = 0,
    limit: int = 200,
) -> tuple[list[Instance], int]:
    """Return up to `limit` instances ascending by id, and how many match in all.

    Searches the instances of the account and those of the user, if these are given. An
    instance matches when it has every tag exactly and its name or element key contains
    `text`, ignoring case. `after` (an id) and `offset` skip; the count ignores both.
    Two SQL statements.
    """
    if not is_storable(text, *tags):
        return [], 0
    owned = select(instances).where(_owned(account_id, user_id))
    matching = _match(owned, element_keys, tags, text)
    page = (
        matching.where(instances.c.id > min(after, MAX_INTEGER))
        .order_by(instances.c.id)
        .offset(min(offset, MAX_INTEGER))
        .limit(limit)
    )
    with db.read() as connection:
        counted = select(func.count()).select_from(matching.subquery())
        total = connection.execute(counted).scalar_one()
        rows = connection.execute(select_whole(page.subquery())).all()
    return _read_instances(db, rows), total


def count_instances(
    db: Database, *, account_id: int | None = None, user_id: int | None = None
) -> dict[str, int]:
    """Count the instances of an account and a user, by element key, ascending."""
    counted = (
        select(instances.c.element_key, func.count())
        .where(_owned(account_id, user_id))
        .group_by(instances.c.element_key)
        .order_by(instances.c.element_key)
    )
    with db.read() as connection:
        return dict(connection.execute(counted).tuples().all())


def count_created(
    db: Database,
    *,
    account_ids: Sequence[int],
    element_keys: Sequence[str] | None,
    tags: Sequence[str],
    since: datetime,
    until: datetime,
) -> int:
    """Count the instances of accounts created from `since` until before `until`.

    Deleted instances do not count.
    """
    if not is_storable(*(element_keys or ()), *tags):
        return 0
    created = select(instances.c.id).where(
        instances.c.account_id.in_(account_ids),
        instances.c.created_at >= since,
        instances.c.created_at < until,
    )
    matching = _match(created, element_keys, tags, "").subquery()
    with db.read() as connection:
        counted = select(func.count()).select_from(matching)
        return int(connection.execute(counted).scalar_one())


def _read_instances(db: Database, rows: Iterable[Row[Any]]) -> list[Instance]:
    """Return the instances of rows from `select_whole`, ascending by id."""
    by_id = groupby(rows, key=attrgetter("id"))
    return [read_instance(db.keys, list(group)) for _, group in by_id]


def _owned(account_id: int | None, user_id: int | None) -> ColumnElement[bool]:
    """Return the condition for instances of the account or of the user."""
    owners = ((instances.c.account_id, account_id), (instances.c.user_id, user_id))
    given = (column == number for column, number in owners if number is not None)
    # Without an owner nothing matches: no search may span all accounts.
    return or_(false(), *given)


def _match(
    query: Select[Any],
    element_keys: Sequence[str] | None,
    tags: Sequence[str],
    text: str,
) -> Select[Any]:
    if element_keys is not None:
        query = query.where(instances.c.element_key.in_(element_keys))
    for tag in tags:
        carriers = select(instance_tags.c.instance_id).where(instance_tags.c.tag == tag)
        query = query.where(instances.c.id.in_(carriers))
    if text:
        # Folded here, because the databases fold different alphabets.
        folded = text.casefold()
        query = query.where(
            or_(
                instances.c.folded_name.contains(folded, autoescape=True),
                func.lower(instances.c.element_key).contains(folded, autoescape=True),
            )
        )
    return query
