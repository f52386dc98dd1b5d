"""Bodies for accounts and users of the platform: what they may say, and how.

No member is dropped in silence: it takes effect, is refused, or is named as ignored.
Source: elements-api appendix A; design 12, unknown members.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NoReturn

from bridge.errors import ForbiddenError, InvalidRequestError
from bridge.interfaces import Entity
from bridge.types import JSON

MAX_TEXT_LENGTH = 1000
_DERIVED = frozenset({"createdDate", "lastLoginDate", "fullName"})
_FLAGS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class AccountFields:
    """An account or a user as stored; `ignored` names members that had no effect."""

    document: Entity
    ignored: tuple[str, ...] = ()


def unused(body: Mapping[str, JSON], used: Collection[str]) -> tuple[str, ...]:
    """Return the members of a body for something new that are not used for it."""
    return tuple(name for name in body if name not in used)


def unchanged(
    body: Mapping[str, JSON], used: Collection[str], stored: Mapping[str, object]
) -> tuple[str, ...]:
    """Return the members of a change that are ignored: unknown and derived ones.

    Callers put back whole documents, so what equals the stored document is no change.

    Raises:
        InvalidRequestError: members that nobody can change differ; all are named.
    """
    differing = [
        name
        for name in unused(body, used)
        if name not in stored or not _is_equal(body[name], stored[name])
    ]
    fixed = [name for name in differing if name in stored and name not in _DERIVED]
    if fixed:
        raise InvalidRequestError(f"{', '.join(fixed)} cannot be changed.")
    return tuple(differing)


def read_text(body: Mapping[str, JSON], name: str) -> str | None:
    """Return a member that is a text, None when it is null or absent.

    Raises:
        InvalidRequestError: it is no text, or too long.
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
    """Return a member that is a boolean or its word, None when it is absent.

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
    """Refuse a body that gives a user roles: users here have none.

    Raises:
        ForbiddenError: it names a role of administrators.
        InvalidRequestError: it names another role, or `roles` is no list.
    """
    roles = body.get("roles")
    if roles is not None and not isinstance(roles, list):
        raise InvalidRequestError("roles must be a list.")
    for role in roles or ():
        members = role if isinstance(role, dict) else {"key": role}
        refuse_role(str(members.get("key") or members.get("name") or "without a key"))


def refuse_role(key: str) -> NoReturn:
    """Refuse to give a user a role, or to take it away.

    Raises:
        ForbiddenError: it is a role of administrators.
        InvalidRequestError: it is any other; no role is known here.
    """
    reason = "users have no roles here and are administrators or not"
    if key.strip().lower().endswith("admin"):
        raise ForbiddenError(
            f"The role {key[:40]} cannot be given or taken through the API: {reason}. "
            "The operator makes administrators with `bridge user add`."
        )
    raise InvalidRequestError(f"There is no role {key[:40]}: {reason}.")


def _is_equal(given: JSON, stored: object) -> bool:
    """Tell whether two values read alike; old clients send numbers as texts."""
    if given is None or stored is None:
        return given is stored
    return str(given).lower() == str(stored).lower()
