"""Accounts of an organization, and their settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from bridge.errors import ConflictError, NotFoundError
from bridge.store.database.engine import Database
from bridge.store.database.sql import insert_or_update, require_storable
from bridge.store.models import (
    MAX_INTEGER,
    account_settings,
    accounts,
    instances,
    users,
)


@dataclass(frozen=True, slots=True)
class Account:
    """One account; the oldest of an organization is its default account."""

    id: int
    organization_id: int
    name: str
    description: str | None
    external_id: str | None
    created_at: datetime
    is_default: bool


_OTHER = accounts.alias()
_FIRST = (
    select(func.min(_OTHER.c.id))
    .where(_OTHER.c.organization_id == accounts.c.organization_id)
    .scalar_subquery()
)
_WHOLE = select(
    accounts.c.id,
    accounts.c.organization_id,
    accounts.c.name,
    accounts.c.description,
    accounts.c.external_id,
    accounts.c.created_at,
    (accounts.c.id == _FIRST).label("is_default"),
)
_WHAT = "A text"
_SET = insert_or_update(account_settings, "value")


def list_accounts(db: Database, organization_id: int) -> list[Account]:
    """Return an organization's accounts, ascending by id."""
    found = _WHOLE.where(accounts.c.organization_id == organization_id)
    with db.read() as connection:
        return [Account(*row) for row in connection.execute(found.order_by("id"))]


def get_account(db: Database, account_id: int) -> Account | None:
    """Return an account of any organization; None if it does not exist."""
    if not 0 < account_id <= MAX_INTEGER:
        return None
    with db.read() as connection:
        return _get(connection, account_id)


def add_account(
    db: Database,
    organization_id: int,
    name: str,
    *,
    description: str | None = None,
    external_id: str | None = None,
) -> Account:
    """Create another account of an organization.

    Raises:
        InvalidRequestError: a text holds a character that cannot be stored.
    """
    require_storable(_WHAT, name, description, external_id)
    row = {
        "organization_id": organization_id,
        "name": name,
        "description": description,
        "external_id": external_id,
        "created_at": datetime.now(UTC),
    }
    with db.begin() as connection:
        statement = insert(accounts).values(row).returning(accounts.c.id)
        account_id = int(connection.execute(statement).scalar_one())
        return _require(connection, account_id)


def change_account(
    db: Database, account_id: int, changes: Mapping[str, str | None]
) -> Account:
    """Change `name`, `description` or `external_id`.

    Raises:
        NotFoundError: the account does not exist.
        InvalidRequestError: a text holds a character that cannot be stored.
    """
    require_storable(_WHAT, *changes.values())
    with db.begin() as connection:
        if changes:
            changed = update(accounts).where(accounts.c.id == account_id)
            connection.execute(changed.values(dict(changes)))
        return _require(connection, account_id)


def remove_account(db: Database, account_id: int) -> None:
    """Delete an account with its settings.

    Raises:
        ConflictError: it still has users or instances; the message lists their ids.
    """
    with db.begin() as connection:
        for what, table in (("instances", instances), ("users", users)):
            owned = select(table.c.id).where(table.c.account_id == account_id)
            ids = connection.execute(owned.order_by(table.c.id)).scalars().all()
            if ids:
                named = ", ".join(map(str, ids))
                raise ConflictError(
                    f"The account {account_id} has the {what} {named}: remove them "
                    "first."
                )
        connection.execute(delete(accounts).where(accounts.c.id == account_id))


def read_settings(db: Database, account_id: int) -> dict[str, str]:
    """Return an account's settings, ascending by name."""
    found = (
        select(account_settings.c.name, account_settings.c.value)
        .where(account_settings.c.account_id == account_id)
        .order_by(account_settings.c.name)
    )
    with db.read() as connection:
        return dict(connection.execute(found).tuples().all())


def write_settings(db: Database, account_id: int, values: Mapping[str, str]) -> None:
    """Change the named settings of an account.

    Raises:
        InvalidRequestError: a text holds a character that cannot be stored.
    """
    require_storable(_WHAT, *values, *values.values())
    rows = [
        {"account_id": account_id, "name": name, "value": value}
        for name, value in values.items()
    ]
    if rows:
        with db.begin() as connection:
            connection.execute(_SET[connection.dialect.name], rows)


def _get(connection: Connection, account_id: int) -> Account | None:
    row = connection.execute(_WHOLE.where(accounts.c.id == account_id)).one_or_none()
    return None if row is None else Account(*row)


def _require(connection: Connection, account_id: int) -> Account:
    account = _get(connection, account_id)
    if account is None:
        raise NotFoundError(f"The account with ID {account_id} was not found.")
    return account
