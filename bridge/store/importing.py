"""Imports organizations, users and instances from another installation.

They keep their ids, secrets and tokens. One transaction imports all of them or none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Table,
    func,
    insert,
    select,
    text,
)

from bridge.errors import ConflictError
from bridge.store.database.engine import Database
from bridge.store.instances import insert_tags, instance_columns
from bridge.store.models import accounts, instances, organizations, users
from bridge.store.organizations import fold_email, user_columns
from bridge.store.secrets.key_ring import KeyRing, new_secret
from bridge.store.secrets.passwords import digest_password

_TABLES = (organizations, accounts, users, instances)


@dataclass(frozen=True, slots=True)
class ImportedInstance:
    """An instance to import; `id` None gives it a new one."""

    id: int | None
    token: str = field(repr=False)
    email: str
    element_key: str
    name: str
    tags: Sequence[str]
    configuration: Mapping[str, str] = field(repr=False)
    disabled: bool
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class ImportedUser:
    """A user to import; one without a password cannot log in."""

    id: int | None
    secret: str = field(repr=False)
    email: str
    password: str | None = field(repr=False)
    first_name: str
    last_name: str


@dataclass(frozen=True, slots=True)
class ImportedOrganization:
    """An organization to import, with its users and instances."""

    id: int | None
    secret: str = field(repr=False)
    name: str
    account_id: int | None
    users: Sequence[ImportedUser]
    instances: Sequence[ImportedInstance]


@dataclass(frozen=True, slots=True)
class ImportResult:
    """How many rows of each table were added, and how many existed already."""

    added: Mapping[str, int]
    kept: Mapping[str, int]


class _CheckFinishedError(Exception):
    """Rolls back the transaction of a check."""


def import_organizations(
    db: Database, source: Sequence[ImportedOrganization], *, check: bool = False
) -> ImportResult:
    """Add what does not exist yet; what exists is not changed.

    Rows are matched by secret or token. With `check` the import is tried and rolled
    back.

    Raises:
        ConflictError: an id, an address, a secret or a token belongs to another row;
            the message lists all conflicts, and nothing was added.
    """
    # Hashed before the transaction: each takes some 50 ms, and ids are locked in it.
    passwords = {
        user.secret: digest_password(user.password or new_secret())
        for organization in source
        for user in organization.users
        if not check
    }
    importer = _Importer(db.keys, passwords)
    with suppress(_CheckFinishedError), db.begin() as connection:
        _lock_ids(connection)
        for organization in source:
            importer.import_organization(connection, organization)
        if importer.conflicts:
            raise ConflictError(" ".join(importer.conflicts))
        if check:
            raise _CheckFinishedError
        _advance_id_sequences(connection)
    return ImportResult(dict(importer.added), dict(importer.kept))


class _Importer:
    """One import: the counts of added and existing rows, and the conflicts."""

    def __init__(self, keys: KeyRing, passwords: Mapping[str, str]) -> None:
        self.conflicts: list[str] = []
        self.added: Counter[str] = Counter()
        self.kept: Counter[str] = Counter()
        self._keys = keys
        self._passwords = passwords
        self._now = datetime.now(UTC)

    def import_organization(
        self, connection: Connection, source: ImportedOrganization
    ) -> None:
        """Import an organization with its users and instances."""
        organization_id = self._find_or_insert(
            connection,
            _Target(
                organizations,
                f"organization {source.name!r}",
                organizations.c.secret_digest == self._keys.digest(source.secret),
                source.id,
            ),
            {
                "name": source.name,
                "sealed_secret": self._keys.seal(source.secret),
                "secret_digest": self._keys.digest(source.secret),
            },
        )
        if organization_id is None:
            return
        owned = accounts.c.organization_id == organization_id
        if source.account_id is not None:
            owned &= accounts.c.id == source.account_id
        account_id = self._find_or_insert(
            connection,
            _Target(
                accounts,
                f"account of organization {source.name!r}",
                owned,
                source.account_id,
            ),
            {"name": source.name, "organization_id": organization_id},
        )
        if account_id is None:
            return
        ids = {
            fold_email(user.email): self._import_user(connection, account_id, user)
            for user in source.users
        }
        for instance in source.instances:
            user_id = ids[fold_email(instance.email)]
            if user_id is not None:
                self._import_instance(connection, account_id, user_id, instance)

    def _import_user(
        self, connection: Connection, account_id: int, source: ImportedUser
    ) -> int | None:
        what, folded = f"user {source.email}", fold_email(source.email)
        secret_digest = self._keys.digest(source.secret)
        taken = select(users.c.id).where(
            users.c.folded_email == folded, users.c.secret_digest != secret_digest
        )
        if connection.execute(taken).first() is not None:
            self.conflicts.append(f"The {what} exists here with another secret.")
            return None
        owned: dict[str, object] = {"account_id": account_id, "folded_email": folded}
        return self._find_or_insert(
            connection,
            _Target(
                users, what, users.c.secret_digest == secret_digest, source.id, owned
            ),
            {
                "account_id": account_id,
                "admin": True,
                **user_columns(
                    self._keys,
                    email=source.email,
                    first_name=source.first_name,
                    last_name=source.last_name,
                    password_digest=self._passwords.get(source.secret, ""),
                    secret=source.secret,
                ),
            },
        )

    def _import_instance(
        self,
        connection: Connection,
        account_id: int,
        user_id: int,
        source: ImportedInstance,
    ) -> None:
        owned: dict[str, object] = {"account_id": account_id, "user_id": user_id}
        added = self.added[str(instances.name)]
        instance_id = self._find_or_insert(
            connection,
            _Target(
                instances,
                f"instance {source.name!r}",
                instances.c.token_digest == self._keys.digest(source.token),
                source.id,
                owned,
            ),
            {
                **owned,
                **instance_columns(
                    self._keys,
                    token=source.token,
                    element_key=source.element_key,
                    name=source.name,
                    configuration=source.configuration,
                ),
                "disabled": source.disabled,
                **({"created_at": source.created_at} if source.created_at else {}),
            },
        )
        if instance_id is not None and self.added[str(instances.name)] > added:
            insert_tags(connection, instance_id, source.tags)

    def _find_or_insert(
        self, connection: Connection, target: _Target, values: Mapping[str, object]
    ) -> int | None:
        """Return the id of the existing or the added row; None on a conflict."""
        table = target.table
        found = connection.execute(select(table).where(target.identity)).first()
        if found is not None:
            return self._check_existing(target, found)
        row = {"created_at": self._now, **values}
        if target.id is not None:
            taken = select(table.c.id).where(table.c.id == target.id)
            if connection.execute(taken).first() is not None:
                self.conflicts.append(
                    f"The id {target.id} of {target.what} is another one's here."
                )
                return None
            row["id"] = target.id
        self.added[str(table.name)] += 1
        statement = insert(table).values(row).returning(table.c.id)
        return int(connection.execute(statement).scalar_one())

    def _check_existing(self, target: _Target, found: Row[Any]) -> int | None:
        row_id: int = found.id
        stored = found._mapping  # noqa: SLF001 - the library's name for a row by columns
        if target.id not in {None, row_id}:
            self.conflicts.append(
                f"The {target.what} has the id {row_id} here, not {target.id}."
            )
            return None
        if any(stored[name] != value for name, value in target.owned.items()):
            self.conflicts.append(
                f"The secret or token of {target.what} is of another owner here "
                f"(id {row_id})."
            )
            return None
        self.kept[str(target.table.name)] += 1
        return row_id


@dataclass(frozen=True, slots=True)
class _Target:
    """The row to find or insert.

    `what` names it in messages, `identity` finds an existing row, `id` is its former
    id, and `owned` are the values that an existing row must have.
    """

    table: Table
    what: str
    identity: ColumnElement[bool]
    id: int | None
    owned: Mapping[str, object] = field(default_factory=dict)


def _lock_ids(connection: Connection) -> None:
    """Prevent inserts by other transactions until this one ends, but not reads."""
    # Otherwise an id could be imported here and assigned there. SQLite has one writer.
    if connection.dialect.name == "postgresql":
        names = ", ".join(table.name for table in _TABLES)
        connection.execute(text(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE"))


def _advance_id_sequences(connection: Connection) -> None:
    """Make new ids start above the imported ones."""
    # SQLite does so by itself.
    if connection.dialect.name != "postgresql":
        return
    for table in _TABLES:
        largest = connection.execute(select(func.max(table.c.id))).scalar()
        sequence = func.pg_get_serial_sequence(table.name, "id")
        # Never lower than now: the sequence would assign the same ids again.
        following = func.greatest(func.nextval(sequence), largest or 0)
        connection.execute(select(func.setval(sequence, following)))
