"""Resources that an account added to an element, as it sent them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy import ColumnElement, delete, insert, select, update

from bridge.errors import NotFoundError
from bridge.store.database.engine import Database
from bridge.store.models import MAX_INTEGER, accounts, extended_resources
from bridge.types import JSON

Edit: TypeAlias = Callable[[Mapping[str, JSON]], Mapping[str, JSON]]
"""From a stored document to what is stored instead."""


@dataclass(frozen=True, slots=True)
class StoredResource:
    """One added resource; `document` is what was sent, without its id."""

    id: int
    element_key: str
    method: str
    document: Mapping[str, JSON]


_TABLE = extended_resources
_ROW = select(_TABLE.c.id, _TABLE.c.element_key, _TABLE.c.method, _TABLE.c.document)


def list_extended(
    db: Database, account_id: int, element_key: str
) -> list[StoredResource]:
    """Return an account's resources of an element, ascending by id."""
    found = _ROW.where(
        _TABLE.c.account_id == account_id, _TABLE.c.element_key == element_key
    )
    with db.read() as connection:
        rows = connection.execute(found.order_by(_TABLE.c.id)).all()
    return [StoredResource(*row[:3], json.loads(row[3])) for row in rows]


def add_extended(
    db: Database,
    account_id: int,
    element_key: str,
    method: str,
    document: Mapping[str, JSON],
) -> int:
    """Keep a resource and return its number; the account is marked to have some."""
    row = {
        "account_id": account_id,
        "element_key": element_key,
        "method": method,
        "document": json.dumps(document),
    }
    with db.begin() as connection:
        marked = update(accounts).where(accounts.c.id == account_id)
        connection.execute(marked.values(extended=True))
        statement = insert(_TABLE).values(row).returning(_TABLE.c.id)
        return int(connection.execute(statement).scalar_one())


def edit_extended(
    db: Database,
    account_id: int,
    resource_id: int,
    edit: Edit,
    *,
    method: str | None = None,
) -> None:
    """Put what `edit` makes of a resource in its place; nobody comes between.

    Raises:
        NotFoundError: the account has none of this number.
    """
    own = _own(account_id, resource_id)
    with db.begin() as connection:
        stored = select(_TABLE.c.document).where(*own).with_for_update()
        text = connection.execute(stored).scalar_one_or_none()
        if text is None:
            raise _missing(resource_id)
        values = {"document": json.dumps(edit(json.loads(text)))}
        if method is not None:
            values["method"] = method
        connection.execute(update(_TABLE).where(*own).values(values))


def remove_extended(db: Database, account_id: int, resource_id: int) -> None:
    """Remove a resource.

    Raises:
        NotFoundError: the account has none of this number.
    """
    with db.begin() as connection:
        removed = delete(_TABLE).where(*_own(account_id, resource_id))
        if not connection.execute(removed).rowcount:
            raise _missing(resource_id)


def _own(account_id: int, resource_id: int) -> tuple[ColumnElement[bool], ...]:
    number = resource_id if resource_id <= MAX_INTEGER else 0
    return (_TABLE.c.account_id == account_id, _TABLE.c.id == number)


def _missing(resource_id: int) -> NotFoundError:
    return NotFoundError(f"The resource with ID {resource_id} was not found.")
