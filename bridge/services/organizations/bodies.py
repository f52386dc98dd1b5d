"""Validation of bodies for accounts and users of the platform.

No member is dropped silently: it takes effect, is refused, or is reported as ignored.
Source: elements-api appendix A; design 12, unknown members.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from bridge.errors import ForbiddenError, InvalidRequestError
from bridge.types import JSON

MAX_TEXT_LENGTH = 1000
_DERIVED = frozenset({"createdDate", "lastLoginDate", "fullName"})
Document: TypeAlias = dict[str, object]
"""A document, or a row that becomes one: a time is a `datetime`."""

_FLAGS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class AccountFields:
    """An account or a user as stored; `ignored` names members that had no effect."""

    document: Document
    ignored: tuple[str, ...] = ()


def unused(body: Mapping[str, JSON], used: Collection[str]) -> tuple[str, ...]:
    """Return the members of the body of a create that have no effect."""
    return tuple(name for name in body if name not in used)


def unchanged(
    body: Mapping[str, JSON], used: Collection[str], stored: Mapping[str, object]
) -> tuple[str, ...]:
    """Return the members of a change that are ignored: unknown and derived ones.

    Callers send whole documents back, so a member equal to the stored one is accepted.

    Raises:
        InvalidRequestError: read-only members differ; all are named.
    """
    differing = [
        name
        for name in unused(body, used)
        if name not in stored or not _is_equal(body[name], stored[name])
    ]
    # Derived members change by themselves, so an old copy of them is accepted.
    fixed = [name for name in differing if name in stored and name not in _DERIVED]
    if fixed:
        raise InvalidRequestError(f"{', '.join(fixed)} cannot be changed.")
    return tuple(differing)


def read_text(body: Mapping[str, JSON], name: str) -> str | None:
    """Return a member that is a text, None when it is null or absent.

    Raises:
        InvalidRequestError: it is not a text, or too long.
    """
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidRequestError(f"{name} must be a text.")
    if value is not None and len(value) > MAX_TEXT_LENGTH:
        raise InvalidRequestError(
            f"{name} is longer than {MAX_TEXT_LENGTH} characters."
        )
    return value


def read_flag(body: Mapping[str, JSON], name: str) -> bool | None:
    """Return a member that is a boolean, or `true` or `false`; None when it is absent.

    Raises:
        InvalidRequestError: it is neither.
    """
    if name not in body:
        return None
    flag = _FLAGS.get(str(body[name]).strip().lower())
    if flag is None:
        raise InvalidRequestError(f"{name} must be true or false.")
    return flag


def refuse_roles(body: Mapping[str, JSON]) -> None:
    """Check that a body gives a user no roles: users here do not have any.

    Raises:
        ForbiddenError: it names a role of administrators.
        InvalidRequestError: it names another role, or `roles` is not a list.
    """
    roles = body.get("roles")
    if roles is not None and not isinstance(roles, list):
        raise InvalidRequestError("roles must be a list.")
    for role in roles or ():
        members = role if isinstance(role, dict) else {"key": role}
        refuse_role(str(members.get("key") or members.get("name") or "without a key"))


def refuse_role(key: str) -> NoReturn:
    """Refuse to grant a role to a user, or to revoke it.

    Raises:
        ForbiddenError: it is a role of administrators.
        InvalidRequestError: it is any other, as users have no roles.
    """
    reason = "users have no roles here and are administrators or not"
    if key.strip().lower().endswith("admin"):
        raise ForbiddenError(
            f"The role {key[:40]} cannot be given or taken through the API: {reason}. "
            "The operator makes administrators with `bridge user add`."
        )
    raise InvalidRequestError(f"There is no role {key[:40]}: {reason}.")


def _is_equal(given: JSON, stored: object) -> bool:
    """Return whether two values are equal as texts: old clients send numbers so."""
    if given is None or stored is None:
        return given is stored
    return str(given).lower() == str(stored).lower()
