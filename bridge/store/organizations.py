"""Organizations, accounts and users; secrets are found by their keyed digest."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from bridge.errors import ConflictError, NotFoundError
from bridge.store.database.engine import Database
from bridge.store.database.sql import is_storable, require_storable, sweep
from bridge.store.login_throttle import count_refusal, is_throttled
from bridge.store.models import accounts, organizations, sessions, users
from bridge.store.secrets.key_ring import KeyRing, new_secret
from bridge.store.secrets.passwords import digest_password, verify_password


@dataclass(frozen=True, slots=True)
class User:
    """A person or program that sends requests, with its account and organization.

    The secrets and sessions of a user that is not `active` are rejected. `extended` is
    whether the account has or had extended resources.
    """

    id: int
    email: str
    first_name: str
    last_name: str
    admin: bool
    account_id: int
    account_name: str
    organization_id: int
    organization_name: str
    created_at: datetime
    last_login_at: datetime | None
    active: bool = True
    extended: bool = False


@dataclass(frozen=True, slots=True)
class NewTenant:
    """A new organization's user and secrets, shown only here and after a login."""

    user: User
    user_secret: str = field(repr=False)
    organization_secret: str = field(repr=False)


ADDRESS_EXISTS = "A user with this e-mail address exists."
USER_TEXTS = "A name or the address"

# The fields of `User`, in their order; a row may have further columns after them.
USER_COLUMNS = (
    users.c.id,
    users.c.email,
    users.c.first_name,
    users.c.last_name,
    users.c.admin,
    users.c.account_id,
    accounts.c.name.label("account_name"),
    accounts.c.organization_id,
    organizations.c.name.label("organization_name"),
    users.c.created_at,
    users.c.last_login_at,
    users.c.active,
    accounts.c.extended,
)

WITH_TENANT = users.join(accounts).join(organizations)

_BY_SECRET = (
    select(*USER_COLUMNS, organizations.c.secret_digest)
    .select_from(WITH_TENANT)
    .where(users.c.secret_digest == bindparam("digest"), users.c.active)
)
_BY_ID = (
    select(*USER_COLUMNS)
    .select_from(WITH_TENANT)
    .where(users.c.id == bindparam("user_id"))
)
_BY_SESSION = (
    select(*USER_COLUMNS)
    .select_from(WITH_TENANT.join(sessions))
    .where(
        sessions.c.bearer_digest == bindparam("bearer_digest"),
        sessions.c.expires_at > bindparam("now"),
        users.c.active,
    )
)
_LOGIN = select(users.c.id, users.c.sealed_password_digest).where(
    users.c.folded_email == bindparam("folded_email"), users.c.active
)
_LOCKED_LOGIN = _LOGIN.with_for_update()
_SECRETS = (
    select(users.c.sealed_secret, organizations.c.sealed_secret)
    .select_from(WITH_TENANT)
    .where(users.c.id == bindparam("user_id"))
)
_SWEEP = sweep(sessions)


def add_tenant(
    db: Database,
    *,
    organization: str,
    email: str,
    password: str,
    first_name: str = "",
    last_name: str = "",
) -> NewTenant:
    """Create an organization with its default account and its first user, an admin.

    The user secret is 32 random bytes as base64, the organization secret 32 hex
    digits. The account is named after the organization.

    Raises:
        ConflictError: a user with this e-mail address exists.
        InvalidRequestError: a text holds a character that cannot be stored.
    """
    require_storable(USER_TEXTS, organization, email, first_name, last_name)
    user_secret = new_secret()
    organization_secret = secrets.token_hex(16)
    password_digest = digest_password(password)
    now = datetime.now(UTC)
    with db.begin() as connection:
        organization_id = _insert(
            connection,
            organizations,
            name=organization,
            sealed_secret=db.keys.seal(organization_secret),
            secret_digest=db.keys.digest(organization_secret),
            created_at=now,
        )
        account_id = _insert(
            connection,
            accounts,
            organization_id=organization_id,
            name=organization,
            created_at=now,
        )
        user_id = insert_user(
            connection,
            account_id=account_id,
            admin=True,
            created_at=now,
            **user_columns(
                db.keys,
                email=email,
                first_name=first_name,
                last_name=last_name,
                password_digest=password_digest,
                secret=user_secret,
            ),
        )
        user = _get_user(connection, user_id)
    return NewTenant(user, user_secret, organization_secret)


def find_user(
    db: Database, *, user_secret: str, organization_secret: str | None
) -> User | None:
    """Return the active user with this secret; None when unknown.

    Also None if a given organization secret is not the one of the user's organization.
    One SQL statement.
    """
    with db.read() as connection:
        return read_user(connection, db.keys, user_secret, organization_secret)


def read_user(
    connection: Connection,
    keys: KeyRing,
    user_secret: str,
    organization_secret: str | None,
) -> User | None:
    """Do what `find_user` does over an open connection."""
    parameters = {"digest": keys.digest(user_secret)}
    row = connection.execute(_BY_SECRET, parameters).one_or_none()
    if row is None:
        return None
    if organization_secret is not None:
        digest = keys.digest(organization_secret)
        if not hmac.compare_digest(row.secret_digest, digest):
            return None
    return _read_user(row)


def log_in(
    db: Database,
    *,
    email: str,
    password: str,
    lifetime_s: float,
    now: datetime | None = None,
) -> tuple[User, str] | None:
    """Return the user and a new bearer token; None when refused.

    The password is checked against a scrypt digest; an unknown address or an inactive
    user costs the same time. After five refusals of an address within a minute, its
    logins are refused for the rest of that minute, even with the right password. Also
    None when the user was removed, deactivated or given another password meanwhile.
    """
    now = now or datetime.now(UTC)
    folded_email = fold_email(email) if is_storable(email) else ""
    wanted = {"folded_email": folded_email}
    email_digest = db.keys.digest(folded_email)
    with db.read() as connection:
        if is_throttled(connection, email_digest, now):
            return None
        row = connection.execute(_LOGIN, wanted).one_or_none()
    password_digest = row and db.keys.open(row.sealed_password_digest)
    matches = verify_password(password, password_digest)
    with db.begin() as connection:
        # Checked again, now in the writing transaction: otherwise concurrent guesses
        # would all pass the check before any of them is counted.
        if is_throttled(connection, email_digest, now):
            return None
        if row is None or not matches:
            count_refusal(connection, email_digest, now)
            return None
        # The digest takes some 50 ms, in which the user may have changed.
        same = connection.execute(_LOCKED_LOGIN, wanted).one_or_none()
        if same is None or db.keys.open(same.sealed_password_digest) != password_digest:
            return None
        bearer = _add_session(
            connection, db, row.id, now + timedelta(seconds=lifetime_s), now
        )
        return _get_user(connection, row.id), bearer


def change_password(
    db: Database, user: User, *, old: str, new: str, now: datetime | None = None
) -> bool:
    """Change a user's password and end its sessions; False when `old` is wrong.

    A wrong password counts as a refused login, and is throttled in the same way.
    """
    now = now or datetime.now(UTC)
    email_digest = db.keys.digest(fold_email(user.email))
    with db.begin() as connection:
        if is_throttled(connection, email_digest, now):
            return False
        found = select(users.c.sealed_password_digest).where(users.c.id == user.id)
        sealed = connection.execute(found).scalar_one_or_none()
        if not verify_password(old, sealed and db.keys.open(sealed)):
            count_refusal(connection, email_digest, now)
            return False
        digest = db.keys.seal(digest_password(new))
        changed = update(users).where(users.c.id == user.id)
        connection.execute(changed.values(sealed_password_digest=digest))
        connection.execute(delete(sessions).where(sessions.c.user_id == user.id))
    return True


def find_session(
    db: Database, bearer: str, *, now: datetime | None = None
) -> User | None:
    """Return the active user of a bearer token; None when unknown or expired."""
    parameters = {
        "bearer_digest": db.keys.digest(bearer),
        "now": now or datetime.now(UTC),
    }
    with db.read() as connection:
        row = connection.execute(_BY_SESSION, parameters).one_or_none()
    return None if row is None else _read_user(row)


def read_secrets(db: Database, user: User) -> tuple[str, str]:
    """Return the user secret and the organization secret in clear text.

    Raises:
        NotFoundError: the user does not exist.
    """
    with db.read() as connection:
        row = connection.execute(_SECRETS, {"user_id": user.id}).one_or_none()
    if row is None:
        raise NotFoundError("The user does not exist any more.")
    return db.keys.open(row[0]), db.keys.open(row[1])


def fold_email(email: str) -> str:
    """Return an e-mail address in the form in which addresses are compared."""
    return email.strip().casefold()


def user_columns(
    keys: KeyRing,
    *,
    email: str,
    first_name: str,
    last_name: str,
    password_digest: str,
    secret: str,
) -> dict[str, object]:
    """Return the columns of a user's properties, with secrets sealed."""
    return {
        "email": email,
        "folded_email": fold_email(email),
        "first_name": first_name,
        "last_name": last_name,
        "sealed_password_digest": keys.seal(password_digest),
        "sealed_secret": keys.seal(secret),
        "secret_digest": keys.digest(secret),
    }


def insert_user(connection: Connection, **values: object) -> int:
    """Insert a row of users; return its id.

    Raises:
        ConflictError: a user with this e-mail address exists.
    """
    try:
        return _insert(connection, users, **values)
    except IntegrityError:
        raise ConflictError(ADDRESS_EXISTS) from None


def _insert(connection: Connection, table: Table, **values: object) -> int:
    statement = insert(table).values(values).returning(table.c.id)
    return int(connection.execute(statement).scalar_one())


def _add_session(
    connection: Connection,
    db: Database,
    user_id: int,
    expires_at: datetime,
    now: datetime,
) -> str:
    connection.execute(_SWEEP, {"now": now})
    bearer = new_secret()
    session = {
        "bearer_digest": db.keys.digest(bearer),
        "user_id": user_id,
        "expires_at": expires_at,
    }
    connection.execute(insert(sessions).values(session))
    login = update(users).where(users.c.id == user_id)
    connection.execute(login.values(last_login_at=now))
    return bearer


def _get_user(connection: Connection, user_id: int) -> User:
    return _read_user(connection.execute(_BY_ID, {"user_id": user_id}).one())


def _read_user(row: Row[*tuple[Any, ...]]) -> User:
    return User(*row[: len(USER_COLUMNS)])
