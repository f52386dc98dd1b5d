"""Organizations, users and instances as they come from another installation.

They keep their ids, secrets and tokens. One transaction takes all of them or none;
during it nobody else is given an id, so that none is given twice.
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
from bridge.store.secrets.key_ring import KeyRing, new_secret
from bridge.store.secrets.passwords import digest_password

_NUMBERED = (organizations, accounts, users, instances)


@dataclass(frozen=True, slots=True)
class ImportedInstance:
    """An instance to take over; `id` None lets it have a new one."""

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
    """A user to take over; without a password nobody can log in as this user."""

    id: int | None
    secret: str = field(repr=False)
    email: str
    password: str | None = field(repr=False)
    first_name: str
    last_name: str


@dataclass(frozen=True, slots=True)
class ImportedOrganization:
    """An organization to take over, with everything in it."""

    id: int | None
    secret: str = field(repr=False)
    name: str
    account_id: int | None
    users: Sequence[ImportedUser]
    instances: Sequence[ImportedInstance]


@dataclass(frozen=True, slots=True)
class ImportResult:
    """How many of each kind were added, and how many were there already."""

    added: Mapping[str, int]
    kept: Mapping[str, int]


class _CheckedError(Exception):
    """Ends the transaction of a mere check."""


def import_organizations(
    db: Database, moved: Sequence[ImportedOrganization], *, check: bool = False
) -> ImportResult:
    """Add what is not there yet; what is there stays exactly as it is.

    A thing is there when its secret or token is. With `check` everything is tried and
    nothing kept.

    Raises:
        ConflictError: an id, an address, a secret or a token belongs to something
            else here; every such conflict is named, and nothing was added.
    """
    passwords = {
        user.secret: digest_password(user.password or new_secret())
        for organization in moved
        for user in organization.users
        if not check
    }
    mover = _Importer(db.keys, passwords)
    with suppress(_CheckedError), db.begin() as connection:
        _hold_numbers(connection)
        for organization in moved:
            mover.take(connection, organization)
        if mover.conflicts:
            raise ConflictError(" ".join(mover.conflicts))
        if check:
            raise _CheckedError
        _advance_numbers(connection)
    return ImportResult(dict(mover.added), dict(mover.kept))


class _Importer:
    """One move: what it has added, what it kept, and what was in its way."""

    def __init__(self, keys: KeyRing, passwords: Mapping[str, str]) -> None:
        self.conflicts: list[str] = []
        self.added: Counter[str] = Counter()
        self.kept: Counter[str] = Counter()
        self._keys = keys
        self._passwords = passwords
        self._now = datetime.now(UTC)

    def take(self, connection: Connection, moved: ImportedOrganization) -> None:
        """Take over an organization with everything in it."""
        organization_id = self._place(
            connection,
            _Place(
                organizations,
                f"organization {moved.name!r}",
                organizations.c.secret_digest == self._keys.digest(moved.secret),
                moved.id,
            ),
            {"name": moved.name, **self._secret_columns(moved.secret)},
        )
        if organization_id is None:
            return
        mine = accounts.c.organization_id == organization_id
        if moved.account_id is not None:
            mine &= accounts.c.id == moved.account_id
        account_id = self._place(
            connection,
            _Place(
                accounts,
                f"account of organization {moved.name!r}",
                mine,
                moved.account_id,
            ),
            {"name": moved.name, "organization_id": organization_id},
        )
        if account_id is None:
            return
        ids = {
            fold_email(user.email): self._take_user(connection, account_id, user)
            for user in moved.users
        }
        for instance in moved.instances:
            user_id = ids[fold_email(instance.email)]
            if user_id is not None:
                self._take_instance(connection, account_id, user_id, instance)

    def _take_user(
        self, connection: Connection, account_id: int, moved: ImportedUser
    ) -> int | None:
        what, folded = f"user {moved.email}", fold_email(moved.email)
        secret_digest = self._keys.digest(moved.secret)
        taken = select(users.c.id).where(
            users.c.folded_email == folded, users.c.secret_digest != secret_digest
        )
        if connection.execute(taken).first() is not None:
            self.conflicts.append(f"The {what} exists here with another secret.")
            return None
        owned: dict[str, object] = {"account_id": account_id, "folded_email": folded}
        password_digest = self._passwords.get(moved.secret, "")
        return self._place(
            connection,
            _Place(
                users, what, users.c.secret_digest == secret_digest, moved.id, owned
            ),
            {
                **owned,
                **self._secret_columns(moved.secret),
                "email": moved.email,
                "first_name": moved.first_name,
                "last_name": moved.last_name,
                "admin": True,
                "sealed_password_digest": self._keys.seal(password_digest),
            },
        )

    def _take_instance(
        self,
        connection: Connection,
        account_id: int,
        user_id: int,
        moved: ImportedInstance,
    ) -> None:
        owned: dict[str, object] = {"account_id": account_id, "user_id": user_id}
        added = self.added[str(instances.name)]
        instance_id = self._place(
            connection,
            _Place(
                instances,
                f"instance {moved.name!r}",
                instances.c.token_digest == self._keys.digest(moved.token),
                moved.id,
                owned,
            ),
            {
                **owned,
                **instance_columns(
                    self._keys,
                    token=moved.token,
                    element_key=moved.element_key,
                    name=moved.name,
                    configuration=moved.configuration,
                ),
                "disabled": moved.disabled,
                **({"created_at": moved.created_at} if moved.created_at else {}),
            },
        )
        if instance_id is not None and self.added[str(instances.name)] > added:
            insert_tags(connection, instance_id, moved.tags)

    def _secret_columns(self, secret: str) -> dict[str, object]:
        return {
            "sealed_secret": self._keys.seal(secret),
            "secret_digest": self._keys.digest(secret),
        }

    def _place(
        self, connection: Connection, place: _Place, values: Mapping[str, object]
    ) -> int | None:
        """Return the id of the row that is there or was added; None on a conflict."""
        table = place.table
        found = connection.execute(select(table).where(place.identity)).first()
        if found is not None:
            return self._keep(place, found)
        row = {"created_at": self._now, **values}
        if place.id is not None:
            taken = select(table.c.id).where(table.c.id == place.id)
            if connection.execute(taken).first() is not None:
                self.conflicts.append(
                    f"The id {place.id} of {place.what} is another one's here."
                )
                return None
            row["id"] = place.id
        self.added[str(table.name)] += 1
        statement = insert(table).values(row).returning(table.c.id)
        return int(connection.execute(statement).scalar_one())

    def _keep(self, place: _Place, found: Row[Any]) -> int | None:
        number: int = found.id
        stored = found._mapping  # noqa: SLF001 - the library's name for a row by columns
        if place.id not in {None, number}:
            self.conflicts.append(
                f"The {place.what} has the id {number} here, not {place.id}."
            )
            return None
        if any(stored[name] != value for name, value in place.owned.items()):
            self.conflicts.append(
                f"The secret or token of {place.what} is of another owner here "
                f"(id {number})."
            )
            return None
        self.kept[str(place.table.name)] += 1
        return number


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a thing belongs: how it is recognised, and what must be so if it is there.

    `what` names it in messages; `id` is the one it had.
    """

    table: Table
    what: str
    identity: ColumnElement[bool]
    id: int | None
    owned: Mapping[str, object] = field(default_factory=dict)


def fold_email(email: str) -> str:
    """Return an address as addresses are compared."""
    return email.strip().casefold()


def _hold_numbers(connection: Connection) -> None:
    """Let nobody else take an id until the transaction ends; reading goes on."""
    if connection.dialect.name == "postgresql":
        names = ", ".join(table.name for table in _NUMBERED)
        connection.execute(text(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE"))


def _advance_numbers(connection: Connection) -> None:
    """Let new ids begin above those that were brought; SQLite does so by itself."""
    if connection.dialect.name != "postgresql":
        return
    for table in _NUMBERED:
        largest = connection.execute(select(func.max(table.c.id))).scalar()
        sequence = func.pg_get_serial_sequence(table.name, "id")
        # A number lower than the present one would be given out twice.
        following = func.greatest(func.nextval(sequence), largest or 0)
        connection.execute(select(func.setval(sequence, following)))
