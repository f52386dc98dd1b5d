"""The platform's own organization and accounts. No vendor call anywhere.

Callers see their own organization; only its admins may change more than their own.
Source: elements-api appendix A.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NoReturn

from bridge.errors import ForbiddenError, InvalidRequestError, NotFoundError
from bridge.interfaces import FieldType
from bridge.services.context import Context
from bridge.services.organizations.bodies import (
    MAX_TEXT_LENGTH,
    AccountFields,
    Document,
    read_flag,
    read_text,
    unchanged,
    unused,
)
from bridge.services.organizations.lists import select, to_document
from bridge.services.paging import PageRequest, PageSlice, slice_page
from bridge.store import accounts
from bridge.store.accounts import Account
from bridge.store.organizations import User
from bridge.types import JSON

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
    "type": FieldType.STRING,
    "companyId": FieldType.LONG,
}
_TEXTS = {"name": "name", "description": "description", "externalId": "external_id"}
_USED = {*_TEXTS, "active"}


def organization_document(user: User) -> dict[str, JSON]:
    """Return the caller's organization; its secret needs a login and is not here."""
    return {
        "id": user.organization_id,
        "name": user.organization_name,
        "active": True,
        "status": "ACTIVE",
        "vdrVersion": "v1",
    }


def list_accounts(
    ctx: Context, user: User, where: str, page: PageRequest
) -> PageSlice[dict[str, object]]:
    """Return accounts of the caller's organization, ascending by id.

    Raises:
        InvalidQueryError: `where` cannot be used.
    """
    found = accounts.list_accounts(ctx.database, user.organization_id)
    rows = [_account_row(account) for account in found]
    return slice_page("platform accounts", select(where, _ACCOUNT_TYPES, rows), page)


def find_account(ctx: Context, user: User, account_id: str) -> Account:
    """Return an account of the caller's organization.

    Raises:
        NotFoundError: it does not exist.
        ForbiddenError: it belongs to another organization.
    """
    # Any other text cannot be an id, and may overflow the database's integers.
    known = re.fullmatch(r"\d{1,10}", account_id, re.ASCII)
    account = accounts.get_account(ctx.database, int(account_id)) if known else None
    if account is None:
        raise NotFoundError(f"The account with ID {account_id[:40]} was not found.")
    if account.organization_id != user.organization_id:
        raise ForbiddenError(f"The account {account.id} is another organization's.")
    return account


def find_own_account(ctx: Context, user: User, account_id: str) -> Account:
    """Return the caller's account, or for an admin any account of the organization.

    Raises:
        NotFoundError, ForbiddenError: as `find_account`, or it is another account and
            the caller is not an admin.
    """
    account = find_account(ctx, user, account_id)
    if account.id != user.account_id:
        require_admin(user)
    return account


def add_account(ctx: Context, user: User, body: Mapping[str, JSON]) -> AccountFields:
    """Create an account.

    Raises:
        ForbiddenError: the caller is not an admin.
        InvalidRequestError: `name` is missing, a member is not a text, or `active` is
            not true.
    """
    require_admin(user)
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
    return AccountFields(account_document(account), unused(body, _USED))


def change_account(
    ctx: Context, user: User, account_id: str, body: Mapping[str, JSON]
) -> AccountFields:
    """Change the members of an account that the body names.

    Raises:
        NotFoundError, ForbiddenError: as `find_account`, or the caller is not an admin.
        InvalidRequestError: a member is not a text, `active` is not true, or a
            read-only member differs.
    """
    account = find_account(ctx, user, account_id)
    require_admin(user)
    texts = _account_texts(body)
    if "name" in texts and not texts["name"]:
        raise InvalidRequestError("name must not be empty.")
    ignored = unchanged(body, _USED, account_document(account))
    changed = accounts.change_account(ctx.database, account.id, texts)
    return AccountFields(account_document(changed), ignored)


def remove_account(ctx: Context, user: User, account_id: str) -> None:
    """Remove an account that has no users and no instances.

    Raises:
        NotFoundError, ForbiddenError: as `find_account`, or the caller is not an admin.
        InvalidRequestError: it is the default account.
        ConflictError: it has users or instances, which are named.
    """
    account = find_account(ctx, user, account_id)
    require_admin(user)
    if account.is_default:
        raise InvalidRequestError("The default account cannot be removed.")
    accounts.remove_account(ctx.database, account.id)


def list_roles(ctx: Context, user: User, account_id: str) -> list[JSON]:
    """Return the roles of an account: always empty, as users are admins or not.

    Raises:
        NotFoundError, ForbiddenError: as `find_account`.
    """
    find_account(ctx, user, account_id)
    return []


def refuse_role(ctx: Context, user: User, account_id: str, role: str) -> NoReturn:
    """Refuse to grant a role to an account, or to revoke it.

    Raises:
        NotFoundError, ForbiddenError: as `find_account`, or the caller is not an admin.
        InvalidRequestError: in any other case, as accounts have no roles.
    """
    find_account(ctx, user, account_id)
    require_admin(user)
    raise InvalidRequestError(
        f"There is no role {role[:40]}: accounts have no roles here, and a user is an "
        "admin of the organization or not."
    )


def read_settings(ctx: Context, user: User, account_id: str) -> dict[str, JSON]:
    """Return the settings of an account, always with the failure policy.

    Raises:
        NotFoundError, ForbiddenError: as `find_account`.
    """
    account = find_account(ctx, user, account_id)
    stored = accounts.read_settings(ctx.database, account.id)
    return {POLICY: POLICIES[0], **stored}


def write_settings(
    ctx: Context, user: User, account_id: str, body: Mapping[str, JSON]
) -> dict[str, JSON]:
    """Change the settings that the body names, and return all settings.

    Raises:
        NotFoundError, ForbiddenError: as `find_own_account`.
        InvalidRequestError: an unknown policy, or a value that is a list or an object.
    """
    account = find_own_account(ctx, user, account_id)
    values: dict[str, str] = {}
    for name, value in body.items():
        if isinstance(value, dict | list) or value is None:
            raise InvalidRequestError(f"{name[:100]} must be a single value.")
        # Stored as texts; `true` as JSON writes it, not as Python does.
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if len(name) > 128 or len(text) > MAX_TEXT_LENGTH:  # noqa: PLR2004 - the column's
            raise InvalidRequestError(f"{name[:100]} is too long.")
        values[name] = text
    if values.get(POLICY, POLICIES[0]) not in POLICIES:
        raise InvalidRequestError(f"{POLICY} must be one of {', '.join(POLICIES)}.")
    accounts.write_settings(ctx.database, account.id, values)
    return read_settings(ctx, user, account_id)


def account_document(account: Account) -> Document:
    """Return an account as callers see it."""
    return to_document(_account_row(account))


def require_admin(user: User) -> None:
    """Check that a caller is an admin.

    Raises:
        ForbiddenError: it is not.
    """
    if not user.admin:
        raise ForbiddenError("Only an admin of the organization may do this.")


def _account_row(account: Account) -> Document:
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


def _account_texts(body: Mapping[str, JSON]) -> dict[str, str | None]:
    if read_flag(body, "active") is False:
        raise InvalidRequestError("An account is active as long as it exists.")
    return {
        column: read_text(body, member)
        for member, column in _TEXTS.items()
        if member in body
    }
