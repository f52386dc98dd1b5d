"""The platform's own organization, accounts and users. No vendor call anywhere.

Whoever calls sees his organization; only its admins change what is not their own.
Source: elements-api appendix A.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bridge.catalog.model import JSON
from bridge.errors import ForbiddenError, InvalidRequestError, NotFoundError
from bridge.interfaces import Entity, FieldType
from bridge.services.context import Context
from bridge.services.platform_lists import Cut, Piece, cut, select
from bridge.store import accounts, tenants, users
from bridge.store.accounts import Account
from bridge.store.tenants import User

POLICY = "notification.webhook.failure.policy"
POLICIES = ("retry", "queue")

_ACCOUNT_TYPES = {
    "id": FieldType.LONG,
    "name": FieldType.STRING,
    "description": FieldType.STRING,
    "externalId": FieldType.STRING,
    "active": FieldType.BOOLEAN,
    "createdDate": FieldType.DATETIME,
    "defaultAccount": FieldType.BOOLEAN,
}
_USER_TYPES = {
    "id": FieldType.LONG,
    "email": FieldType.STRING,
    "firstName": FieldType.STRING,
    "lastName": FieldType.STRING,
    "active": FieldType.BOOLEAN,
    "createdDate": FieldType.DATETIME,
}
_TEXTS = {"name": "name", "description": "description", "externalId": "external_id"}
_SHORTEST_PASSWORD = 8
_LONGEST_TEXT = 1000


def organization_document(user: User) -> dict[str, JSON]:
    """Return the caller's organization; its secret is read with a login, not here."""
    return {
        "id": user.organization_id,
        "name": user.organization_name,
        "active": True,
        "status": "ACTIVE",
        "vdrVersion": "v1",
    }


def list_accounts(ctx: Context, user: User, where: str, asked: Cut) -> Piece:
    """Return accounts of the caller's organization, ascending by id.

    Raises:
        InvalidQueryError: `where` cannot be used.
    """
    found = accounts.list_accounts(ctx.database, user.organization_id)
    rows = [account_document(account) for account in found]
    return cut("platform accounts", select(where, _ACCOUNT_TYPES, rows), asked)


def find_account(ctx: Context, user: User, account_id: str) -> Account:
    """Return an account of the caller's organization.

    Raises:
        NotFoundError: there is none of this id.
        ForbiddenError: it is another organization's.
    """
    known = re.fullmatch(r"\d{1,10}", account_id, re.ASCII)
    account = accounts.get_account(ctx.database, int(account_id)) if known else None
    if account is None:
        raise NotFoundError(f"The account with ID {account_id[:40]} was not found.")
    if account.organization_id != user.organization_id:
        raise ForbiddenError(f"The account {account.id} is another organization's.")
    return account


def add_account(ctx: Context, user: User, body: Mapping[str, JSON]) -> Entity:
    """Make an account.

    Raises:
        ForbiddenError: the caller is no admin.
        InvalidRequestError: `name` is missing, or a member is no text.
    """
    _require_admin(user)
    texts = _account_texts(body)
    if not texts.get("name"):
        raise InvalidRequestError("name is required.")
    account = accounts.add_account(
        ctx.database,
        user.organization_id,
        texts["name"] or "",
        description=texts.get("description"),
        external_id=texts.get("external_id"),
    )
    return account_document(account)


def change_account(
    ctx: Context, user: User, account_id: str, body: Mapping[str, JSON]
) -> Entity:
    """Change the members of an account that the body names.

    Raises:
        NotFoundError, ForbiddenError: as `find_account`, or the caller is no admin.
        InvalidRequestError: a member is no text, or `active` is false.
    """
    account = find_account(ctx, user, account_id)
    _require_admin(user)
    texts = _account_texts(body)
    if "name" in texts and not texts["name"]:
        raise InvalidRequestError("name must not be empty.")
    return account_document(accounts.change_account(ctx.database, account.id, texts))


def remove_account(ctx: Context, user: User, account_id: str) -> None:
    """Remove an account that has no users and no instances.

    Raises:
        NotFoundError, ForbiddenError: as `find_account`, or the caller is no admin.
        InvalidRequestError: it is the default account.
        ConflictError: it has users or instances, which are named.
    """
    account = find_account(ctx, user, account_id)
    _require_admin(user)
    if account.is_default:
        raise InvalidRequestError("The default account cannot be removed.")
    accounts.remove_account(ctx.database, account.id)


def list_users(
    ctx: Context, user: User, account_id: str | None, where: str, asked: Cut
) -> Piece:
    """Return users of an account, or of the whole organization, ascending by id.

    Raises:
        NotFoundError, ForbiddenError: as `find_account`.
        InvalidQueryError: `where` cannot be used.
    """
    account = find_account(ctx, user, account_id) if account_id is not None else None
    rows = [
        user_document(found)
        for found in users.list_users(ctx.database)
        if found.organization_id == user.organization_id
        and (account is None or found.account_id == account.id)
    ]
    return cut("platform users", select(where, _USER_TYPES, rows), asked)


def find_user(ctx: Context, user: User, user_id: str) -> User:
    """Return a user of the caller's organization.

    Raises:
        NotFoundError: there is none of this id, or it is another organization's.
    """
    found = None
    if re.fullmatch(r"\d{1,10}", user_id, re.ASCII):
        found = users.get_user(ctx.database, user_id)
    if found is None or found.organization_id != user.organization_id:
        raise NotFoundError(f"The user with ID {user_id[:40]} was not found.")
    return found


def add_user(
    ctx: Context, user: User, account_id: str, body: Mapping[str, JSON]
) -> Entity:
    """Make a user of an account; only this answer tells the secret.

    The new user is no admin.

    Raises:
        NotFoundError, ForbiddenError: as `find_account`, or the caller is no admin.
        InvalidRequestError: a member is missing; all that are missing are named.
        ConflictError: a user with this e-mail address exists.
    """
    account = find_account(ctx, user, account_id)
    _require_admin(user)
    names = ("email", "firstName", "lastName", "password")
    texts = {name: _text(body, name) or "" for name in names}
    missing = [name for name in names if not texts[name].strip()]
    if missing:
        raise InvalidRequestError(f"{', '.join(missing)} must not be blank.")
    require_password(texts["password"])
    made = users.add_user(
        ctx.database,
        organization_id=account.organization_id,
        account_id=account.id,
        email=texts["email"],
        password=texts["password"],
        first_name=texts["firstName"],
        last_name=texts["lastName"],
        admin=False,
    )
    secret, _ = tenants.read_secrets(ctx.database, made)
    return {**user_document(made), "secret": secret}


def change_user(
    ctx: Context, user: User, user_id: str, body: Mapping[str, JSON]
) -> Entity:
    """Change first or last name of a user, the caller's own or as an admin.

    Raises:
        NotFoundError: as `find_user`.
        ForbiddenError: another user, and the caller is no admin.
        InvalidRequestError: a name is blank, or no text.
    """
    found = find_user(ctx, user, user_id)
    if found.id != user.id:
        _require_admin(user)
    changes: dict[str, str] = {}
    for member, column in (("firstName", "first_name"), ("lastName", "last_name")):
        if member in body:
            text = _text(body, member)
            if not text or not text.strip():
                raise InvalidRequestError(f"{member} must not be blank.")
            changes[column] = text
    return user_document(users.change_user(ctx.database, found, changes))


def remove_user(ctx: Context, user: User, user_id: str) -> None:
    """Remove a user who owns no instances.

    Raises:
        NotFoundError: as `find_user`.
        ForbiddenError: the caller is no admin.
        InvalidRequestError: the caller himself.
        ConflictError: the user owns instances, which are named.
    """
    found = find_user(ctx, user, user_id)
    _require_admin(user)
    if found.id == user.id:
        raise InvalidRequestError("You cannot remove yourself.")
    users.remove_user(ctx.database, found, keep_account=True)


def change_password(ctx: Context, user: User, body: Mapping[str, JSON]) -> None:
    """Change the caller's password; every session of his ends, this one included.

    Raises:
        InvalidRequestError: a member is missing, the old password is wrong, or the
            new one is too short.
    """
    old, new = _text(body, "password"), _text(body, "newPassword")
    if not old or not new:
        raise InvalidRequestError("password and newPassword are required.")
    require_password(new)
    if not tenants.change_password(ctx.database, user, old=old, new=new):
        raise InvalidRequestError("password is not the present password.")


def require_password(password: str) -> None:
    """Refuse a password that is too short.

    Raises:
        InvalidRequestError: it is.
    """
    if len(password) < _SHORTEST_PASSWORD:
        raise InvalidRequestError(
            f"A password must have at least {_SHORTEST_PASSWORD} characters."
        )


def read_settings(ctx: Context, user: User, account_id: str) -> dict[str, JSON]:
    """Return what is set for an account, the failure policy in any case.

    Raises:
        NotFoundError, ForbiddenError: as `find_account`.
    """
    account = find_account(ctx, user, account_id)
    stored = accounts.read_settings(ctx.database, account.id)
    return {POLICY: POLICIES[0], **stored}


def write_settings(
    ctx: Context, user: User, account_id: str, body: Mapping[str, JSON]
) -> dict[str, JSON]:
    """Set what the body names, keep the rest, and return all of it.

    Raises:
        NotFoundError, ForbiddenError: as `find_account`.
        InvalidRequestError: a policy that is none, or a value that is no single one.
    """
    account = find_account(ctx, user, account_id)
    if account.id != user.account_id:
        _require_admin(user)
    values: dict[str, str] = {}
    for name, value in body.items():
        if isinstance(value, dict | list) or value is None:
            raise InvalidRequestError(f"{name[:100]} must be a single value.")
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if len(name) > 128 or len(text) > _LONGEST_TEXT:  # noqa: PLR2004 - the column's
            raise InvalidRequestError(f"{name[:100]} is too long.")
        values[name] = text
    if values.get(POLICY, POLICIES[0]) not in POLICIES:
        raise InvalidRequestError(f"{POLICY} must be one of {', '.join(POLICIES)}.")
    accounts.write_settings(ctx.database, account.id, values)
    return read_settings(ctx, user, account_id)


def account_document(account: Account) -> Entity:
    """Return an account as callers see it."""
    return {
        "id": account.id,
        "name": account.name,
        "description": account.description,
        "externalId": account.external_id,
        "active": True,
        "createdDate": account.created_at,
        "defaultAccount": account.is_default,
        "type": "Default" if account.is_default else "CompanyAccount",
        "companyId": account.organization_id,
    }


def user_document(user: User) -> Entity:
    """Return a user as callers see him, without a secret."""
    return {
        "id": user.id,
        "email": user.email,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "active": True,
        "createdDate": user.created_at,
        "lastLoginDate": user.last_login_at,
        "accountId": user.account_id,
        "organizationId": user.organization_id,
    }


def _require_admin(user: User) -> None:
    if not user.admin:
        raise ForbiddenError("Only an admin of the organization may do this.")


def _account_texts(body: Mapping[str, JSON]) -> dict[str, str | None]:
    if body.get("active") is False:
        raise InvalidRequestError("An account is active as long as it exists.")
    return {
        column: _text(body, member)
        for member, column in _TEXTS.items()
        if member in body
    }


def _text(body: Mapping[str, JSON], name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidRequestError(f"{name} must be a text.")
    if value is not None and len(value) > _LONGEST_TEXT:
        raise InvalidRequestError(f"{name} is longer than {_LONGEST_TEXT} characters.")
    return value
