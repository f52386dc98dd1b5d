"""Administration of users: list, add to an organization, change, remove.

`organizations.add_tenant` creates the first user of an organization.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import (
    Column,
    Connection,
    Table,
    delete,
    exists,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from bridge.errors import ConflictError, NotFoundError
from bridge.store.database.engine import Database
from bridge.store.database.sql import is_storable, require_storable
from bridge.store.models import (
    MAX_INTEGER,
    accounts,
    instances,
    organizations,
    sessions,
    users,
)
from bridge.store.organizations import (
    ADDRESS_EXISTS,
    USER_COLUMNS,
    USER_TEXTS,
    WITH_TENANT,
    User,
    fold_email,
    insert_user,
    user_columns,
)
from bridge.store.secrets.key_ring import new_secret
from bridge.store.secrets.passwords import digest_password

_WHOLE = select(*USER_COLUMNS).select_from(WITH_TENANT).order_by(users.c.id)


@dataclass(frozen=True, slots=True)
class UserChange:
    """The changes of a user; None changes nothing.

    `removes_instances` is for a user who is deactivated for good.
    """

    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    active: bool | None = None
    password: str | None = field(default=None, repr=False)
    removes_instances: bool = False


def list_users(db: Database) -> list[User]:
    """Return all users, ascending by id; an installation has tens of them."""
    with db.read() as connection:
        return [User(*row) for row in connection.execute(_WHOLE)]


def get_user(db: Database, id_or_email: str) -> User:
    """Return a user by id, or by e-mail address in any case.

    Raises:
        NotFoundError: no such user.
    """
    text = id_or_email.strip()
    wanted = users.c.folded_email == (fold_email(text) if is_storable(text) else "")
    if text.isdecimal() and int(text) <= MAX_INTEGER:
        wanted = users.c.id == int(text)
    with db.read() as connection:
        row = connection.execute(_WHOLE.where(wanted)).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no user {text[:80]}.")
    return User(*row)


def add_user(  # noqa: PLR0913 - what a user is made of, by name
    db: Database,
    *,
    organization_id: int,
    email: str,
    password: str,
    first_name: str = "",
    last_name: str = "",
    account_id: int | None = None,
    admin: bool = True,
    active: bool = True,
) -> User:
    """Add a user to an account of an organization, by default the first account.

    The user secret is 32 random bytes as base64; see `organizations.read_secrets`.

    Raises:
        NotFoundError: the organization does not exist.
        ConflictError: a user with this e-mail address exists.
        InvalidRequestError: a text holds a character that cannot be stored.
    """
    require_storable(USER_TEXTS, email, first_name, last_name)
    password_digest = digest_password(password)
    with db.begin() as connection:
        user_id = insert_user(
            connection,
            account_id=account_id or _first_account(connection, organization_id),
            admin=admin,
            active=active,
            created_at=datetime.now(UTC),
            **user_columns(
                db.keys,
                email=email,
                first_name=first_name,
                last_name=last_name,
                password_digest=password_digest,
                secret=new_secret(),
            ),
        )
        return User(*connection.execute(_WHOLE.where(users.c.id == user_id)).one())


def change_user(
    db: Database, user: User, change: UserChange, *, by: User | None
) -> User | None:
    """Change a user; return None, and change nothing, if `by` is not active any more.

    The operator of the installation, who has no user, passes None for `by`.

    The sessions of a user who is deactivated, or gets a new password, end. Instances
    are removed with all that belongs to them, idempotency records included. Of two
    users who deactivate each other at the same time only one succeeds.

    Raises:
        NotFoundError: the user does not exist.
        ConflictError: another user has this e-mail address.
        InvalidRequestError: a text holds a character that cannot be stored.
    """
    values = _columns(db, change)
    with db.begin() as connection:
        if by is not None and not _lock_active(connection, by, user):
            return None
        try:
            if values:
                changed = update(users).where(users.c.id == user.id)
                connection.execute(changed.values(values))
        except IntegrityError:
            raise ConflictError(ADDRESS_EXISTS) from None
        if change.active is False or change.password is not None:
            connection.execute(delete(sessions).where(sessions.c.user_id == user.id))
        if change.removes_instances:
            connection.execute(delete(instances).where(instances.c.user_id == user.id))
        found = connection.execute(_WHOLE.where(users.c.id == user.id)).one_or_none()
    if found is None:
        raise NotFoundError(f"The user with ID {user.id} was not found.")
    return User(*found)


def _lock_active(connection: Connection, by: User, user: User) -> bool:
    """Lock both users for this transaction; return whether `by` is active."""
    pair = select(users.c.id).where(users.c.id.in_((by.id, user.id)), users.c.active)
    # Ordered, so that two transactions that lock the same users cannot deadlock.
    locked = connection.execute(pair.order_by(users.c.id).with_for_update())
    return by.id in locked.scalars().all()


def _columns(db: Database, change: UserChange) -> dict[str, object]:
    """Return the changed columns.

    Raises:
        InvalidRequestError: a text holds a character that cannot be stored.
    """
    texts = {
        "email": change.email,
        "folded_email": None if change.email is None else fold_email(change.email),
        "first_name": change.first_name,
        "last_name": change.last_name,
    }
    values: dict[str, object] = {k: v for k, v in texts.items() if v is not None}
    require_storable(USER_TEXTS, *texts.values())
    if change.active is not None:
        values["active"] = change.active
    if change.password is not None:
        digest = digest_password(change.password)
        values["sealed_password_digest"] = db.keys.seal(digest)
    return values


def remove_member(db: Database, user: User, *, by: User) -> bool:
    """Remove a user but not its account; False when `by` is not active any more.

    Its instances pass to the active admin of its account with the lowest id, or else to
    `by`, an admin of the organization. Its sessions end. Succeeds if the user was
    removed already.
    """
    admins = (users.c.account_id == user.account_id) & users.c.admin
    candidates = select(users.c.id, users.c.active, admins.label("is_admin")).where(
        users.c.id.in_((by.id, user.id)) | admins
    )
    with db.begin() as connection:
        # Lock all candidates, so that the heir is not removed or deactivated meanwhile.
        locked = connection.execute(candidates.order_by(users.c.id).with_for_update())
        active = [row for row in locked if row.active and row.id != user.id]
        if by.id not in {row.id for row in active}:
            return False
        heir = next((row.id for row in active if row.is_admin), by.id)
        owned = instances.c.user_id == user.id
        connection.execute(update(instances).where(owned).values(user_id=heir))
        connection.execute(delete(users).where(users.c.id == user.id))
    return True


def remove_user(db: Database, user: User) -> None:
    """Remove a user, and the organization with its last user.

    Its sessions end. Accounts and organizations that have instances are not removed.

    Raises:
        ConflictError: the user owns instances; the message lists their ids.
    """
    with db.begin() as connection:
        owned = select(instances.c.id).where(instances.c.user_id == user.id)
        ids = connection.execute(owned.order_by(instances.c.id)).scalars().all()
        if ids:
            named = ", ".join(map(str, ids))
            raise ConflictError(
                f"The user {user.email} owns the instances {named}: remove them first."
            )
        connection.execute(delete(users).where(users.c.id == user.id))
        _remove_empty(connection, accounts, user.account_id, users.c.account_id)
        _remove_empty(
            connection,
            organizations,
            user.organization_id,
            accounts.c.organization_id,
        )


def _first_account(connection: Connection, organization_id: int) -> int:
    found = (
        select(accounts.c.id)
        .where(accounts.c.organization_id == min(organization_id, MAX_INTEGER))
        .order_by(accounts.c.id)
        .limit(1)
    )
    account_id: int | None = connection.execute(found).scalar()
    if account_id is None:
        raise NotFoundError(f"There is no organization {organization_id}.")
    return account_id


def _remove_empty(
    connection: Connection, table: Table, row_id: int, owner: Column[int]
) -> None:
    in_use = exists(select(owner).where(owner == row_id))
    connection.execute(delete(table).where(table.c.id == row_id, ~in_use))
