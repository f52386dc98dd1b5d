"""Users of the platform, and their passwords. No vendor call anywhere.

Callers see the users of their organization and may change their own; only its admins
may change others. Source: elements-api appendix A.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import NoReturn

from bridge.errors import InvalidRequestError, NotFoundError, UnauthorizedError
from bridge.interfaces import FieldType
from bridge.services.access import REFUSED
from bridge.services.context import Context
from bridge.services.organizations.accounts import find_account, require_admin
from bridge.services.organizations.bodies import (
    AccountFields,
    Document,
    read_flag,
    read_text,
    refuse_role,
    refuse_roles,
    unchanged,
    unused,
)
from bridge.services.organizations.lists import select, to_document
from bridge.services.paging import PageRequest, PageSlice, slice_page
from bridge.store import organizations, users
from bridge.store.organizations import User
from bridge.store.users import UserChange
from bridge.types import JSON

_TYPES = {
    "id": FieldType.LONG,
    "email": FieldType.STRING,
    "firstName": FieldType.STRING,
    "lastName": FieldType.STRING,
    "fullName": FieldType.STRING,
    "active": FieldType.BOOLEAN,
    "createdDate": FieldType.DATETIME,
    "lastLoginDate": FieldType.DATETIME,
    "accountId": FieldType.LONG,
    "organizationId": FieldType.LONG,
}
_TEXTS = ("email", "firstName", "lastName", "password")
_USED = {*_TEXTS, "active", "roles"}
_DATE_LENGTH = len("yyyy-MM-dd")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_MIN_PASSWORD_LENGTH = 8


def list_users(
    ctx: Context, user: User, account_id: str | None, where: str, page: PageRequest
) -> PageSlice[dict[str, object]]:
    """Return users of an account, or of the whole organization, ascending by id.

    Inactive users are included. `lastLoginDate` is a date here.

    Raises:
        NotFoundError, ForbiddenError: as `find_account`.
        InvalidQueryError: `where` cannot be used.
    """
    account = find_account(ctx, user, account_id) if account_id is not None else None
    rows = [
        _user_row(found)
        for found in users.list_users(ctx.database)
        if found.organization_id == user.organization_id
        and (account is None or found.account_id == account.id)
    ]
    listed = [_listed(document) for document in select(where, _TYPES, rows)]
    return slice_page("platform users", listed, page)


def find_user(
    ctx: Context, user: User, user_id: str, account_id: str | None = None
) -> User:
    """Return a user of the caller's organization, or of one account of it.

    Raises:
        NotFoundError: it does not exist, or belongs to another organization or account;
            or as `find_account`.
        ForbiddenError: as `find_account`.
    """
    account = find_account(ctx, user, account_id) if account_id is not None else None
    found = _find(ctx, user, user_id, r"\d{1,10}")
    if account is not None and found.account_id != account.id:
        raise _missing(user_id)
    return found


def find_by_id_or_email(ctx: Context, user: User, id_or_email: str) -> User:
    """Return a user of the caller's organization.

    Raises:
        NotFoundError: it does not exist, or belongs to another organization.
    """
    return _find(ctx, user, id_or_email, r"\d{1,10}|[^@]+@[^@]+")


def add_user(
    ctx: Context, user: User, account_id: str, body: Mapping[str, JSON]
) -> AccountFields:
    """Create a user of an account; only this response has the user's secret.

    The new user is not an admin.

    Raises:
        NotFoundError, ForbiddenError: as `find_account`, the caller is not an admin, or
            the body names a role of administrators.
        InvalidRequestError: members are missing (all are named), or one is invalid.
        ConflictError: a user with this e-mail address exists.
    """
    account = find_account(ctx, user, account_id)
    require_admin(user)
    refuse_roles(body)
    texts = {name: read_text(body, name) or "" for name in _TEXTS}
    missing = [name for name, text in texts.items() if not text.strip()]
    if missing:
        raise InvalidRequestError(f"{', '.join(missing)} must not be blank.")
    require_password(texts["password"])
    made = users.add_user(
        ctx.database,
        organization_id=account.organization_id,
        account_id=account.id,
        email=_read_email(texts["email"]),
        password=texts["password"],
        first_name=texts["firstName"],
        last_name=texts["lastName"],
        admin=False,
        active=read_flag(body, "active") is not False,
    )
    secret, _ = organizations.read_secrets(ctx.database, made)
    return AccountFields({**user_document(made), "secret": secret}, unused(body, _USED))


def change_user(
    ctx: Context,
    user: User,
    found: User,
    body: Mapping[str, JSON],
    *,
    permanent: bool = False,
) -> AccountFields:
    """Change the members of a user that the body names.

    All sessions of a user end when it is deactivated, or when another user changes its
    password. The secrets of an inactive user do not work. With `permanent`, a
    deactivated user loses its instances.

    Raises:
        NotFoundError: the user was removed meanwhile.
        ForbiddenError: it is another user and the caller is not an admin; or the body
            names a role of administrators.
        InvalidRequestError: a member is invalid, a read-only member differs, or callers
            would deactivate themselves or change their own password without giving
            their present one.
        ConflictError: another user has this e-mail address.
        UnauthorizedError: the caller was deactivated just now.
    """
    if found.id != user.id:
        require_admin(user)
    refuse_roles(body)
    change = _read_change(body, permanent=permanent)
    # Callers would lock themselves out.
    if found.id == user.id and change.active is False:
        raise InvalidRequestError("You cannot deactivate yourself.")
    if found.id == user.id and change.password is not None:
        raise InvalidRequestError(
            "Change your own password with POST /authentication/passwords, which asks "
            "for the present one."
        )
    ignored = unchanged(body, _USED, user_document(found))
    changed = users.change_user(ctx.database, found, change, by=user)
    # The caller was deactivated while the request was being processed.
    if changed is None:
        raise UnauthorizedError(REFUSED)
    return AccountFields(user_document(changed), ignored)


def remove_user(ctx: Context, user: User, found: User) -> None:
    """Remove a user; its instances pass to the administrator of its account.

    If the account has no administrator, they pass to the caller.

    Raises:
        ForbiddenError: the caller is not an admin.
        InvalidRequestError: the user is the caller.
        UnauthorizedError: the caller was deactivated just now.
    """
    require_admin(user)
    if found.id == user.id:
        raise InvalidRequestError("You cannot remove yourself.")
    if not users.remove_member(ctx.database, found, by=user):
        raise UnauthorizedError(REFUSED)


def refuse_user_role(ctx: Context, user: User, user_id: str, role: str) -> NoReturn:
    """Refuse to grant a role to a user, or to revoke it.

    Raises:
        NotFoundError: as `find_user`.
        ForbiddenError: the caller is not an admin, or it is a role of administrators.
        InvalidRequestError: in any other case, as users have no roles.
    """
    find_user(ctx, user, user_id)
    require_admin(user)
    refuse_role(role)


def change_password(ctx: Context, user: User, body: Mapping[str, JSON]) -> None:
    """Change the caller's password; all sessions of the caller end, even this one.

    Raises:
        InvalidRequestError: a member is missing, the old password is wrong, or the
            new one is too short.
    """
    old, new = read_text(body, "password"), read_text(body, "newPassword")
    if not old or not new:
        raise InvalidRequestError("password and newPassword are required.")
    require_password(new)
    if not organizations.change_password(ctx.database, user, old=old, new=new):
        raise InvalidRequestError("password is not the present password.")


def require_password(password: str) -> None:
    """Check the length of a password.

    Raises:
        InvalidRequestError: it is too short.
    """
    if len(password) < _MIN_PASSWORD_LENGTH:
        raise InvalidRequestError(
            f"A password must have at least {_MIN_PASSWORD_LENGTH} characters."
        )


def user_document(user: User) -> Document:
    """Return a user as a document, without secrets."""
    return to_document(_user_row(user))


def _find(ctx: Context, user: User, text: str, pattern: str) -> User:
    if re.fullmatch(pattern, text, re.ASCII):
        with suppress(NotFoundError):
            found = users.get_user(ctx.database, text)
            if found.organization_id == user.organization_id:
                return found
    raise _missing(text)


def _missing(text: str) -> NotFoundError:
    return NotFoundError(f"The user with ID {text[:40]} was not found.")


def _listed(document: Document) -> Document:
    time = document.get("lastLoginDate")
    if time is None:
        return document
    return {**document, "lastLoginDate": str(time)[:_DATE_LENGTH]}


def _user_row(user: User) -> Document:
    return {
        "id": user.id,
        "email": user.email,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "fullName": f"{user.first_name} {user.last_name}".strip(),
        "roles": [],
        "active": user.active,
        "createdDate": user.created_at,
        "lastLoginDate": user.last_login_at,
        "accountId": user.account_id,
        "organizationId": user.organization_id,
    }


def _read_change(body: Mapping[str, JSON], *, permanent: bool) -> UserChange:
    """Return the changes in a body.

    Raises:
        InvalidRequestError: a member is blank or invalid.
    """
    texts = {name: read_text(body, name) for name in _TEXTS if name in body}
    blank = [name for name, text in texts.items() if not (text or "").strip()]
    if blank:
        raise InvalidRequestError(f"{', '.join(blank)} must not be blank.")
    email, password = texts.get("email"), texts.get("password")
    if password is not None:
        require_password(password)
    active = read_flag(body, "active")
    return UserChange(
        email=None if email is None else _read_email(email),
        first_name=texts.get("firstName"),
        last_name=texts.get("lastName"),
        active=active,
        password=password,
        removes_instances=permanent and active is False,
    )


def _read_email(text: str) -> str:
    """Return an e-mail address; only its format is checked.

    Raises:
        InvalidRequestError: it does not look like an e-mail address.
    """
    email = text.strip()
    if not _EMAIL.fullmatch(email) or not email.isprintable():
        raise InvalidRequestError("email must be an e-mail address.")
    return email
