"""The user and the instance of a request, read together: each request starts here."""

from __future__ import annotations

from bridge.store.database.engine import Database
from bridge.store.instances import Instance, read_by_token
from bridge.store.organizations import User, read_user


def find_caller(
    db: Database, *, user_secret: str, organization_secret: str | None, token: str
) -> tuple[User | None, Instance | None]:
    """Return the user with this secret and the instance with this token.

    None for an unknown one, and for the user if a given organization secret is not the
    one of the user's organization. Does not check that the two belong together. Two SQL
    statements over one connection, one for an unknown user.
    """
    with db.read() as connection:
        user = read_user(connection, db.keys, user_secret, organization_secret)
        if user is None:
            return None, None
        return user, read_by_token(connection, db.keys, token)
