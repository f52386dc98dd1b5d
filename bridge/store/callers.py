"""User and instance of one call, read together: every call of a caller begins so."""

from __future__ import annotations

from bridge.store.database.engine import Database
from bridge.store.instances import Instance, read_by_token
from bridge.store.organizations import User, read_user


def find_caller(
    db: Database, *, user_secret: str, organization_secret: str | None, token: str
) -> tuple[User | None, Instance | None]:
    """Return the user with this secret and the instance this token opens.

    Each is None when unknown, the user also when a given organization secret is not
    his organization's; whether the two belong together is for the caller to judge.
    Two SQL statements over one connection, one when there is no such user.
    """
    with db.read() as connection:
        user = read_user(connection, db.keys, user_secret, organization_secret)
        if user is None:
            return None, None
        return user, read_by_token(connection, db.keys, token)
