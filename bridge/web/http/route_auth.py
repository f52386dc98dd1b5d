"""Which credentials a path asks for, decided before the path is resolved.

An unknown path under the base path belongs to a family too: a caller without valid
secrets learns nothing about what exists. Source: elements-api 1.2 and 1.3.
"""

from __future__ import annotations

from enum import Enum, auto

from bridge.services.access import Secrets

BASE = "/elements/api-v2"


class AuthRule(Enum):
    """A group of calls that needs the same parts of the `Authorization` header.

    `CATALOGUE` needs none, and is answered for whoever is named when there are some.
    """

    ANONYMOUS = auto()
    CATALOGUE = auto()
    PLATFORM = auto()
    TOKEN = auto()
    HUB = auto()


_PLATFORM = frozenset(
    {
        "organizations",
        "common-resources",
        "transformations",
        "vdrs",
        "usage",
        "jobs",
        "notifications",
        "events",
        "docs",
        "formulas",
        "models",
        "metrics",
        "audit-logs",
        "bulkloader",
    }
)
TOKEN_FORMS = frozenset(
    {
        "configuration",
        "docs",
        "enabled",
        "events",
        "objects",
        "trace-logging",
        "transformations",
    }
)
"""Second segments below `/instances` where a token takes the place of an id."""

_FIXED = {
    "authentication": AuthRule.ANONYMOUS,
    "openapi.json": AuthRule.ANONYMOUS,
    "instance": AuthRule.TOKEN,
}
_OF_ACCOUNTS = frozenset({"settings", "instances", "objects"})
_OF_ONE_ACCOUNT = _OF_ACCOUNTS | {"users", "roles", "elements"}
_HUB_DEPTH = 3
_RECORD_DEPTH = 2


def family_of(method: str, path: str, secrets: Secrets) -> AuthRule:
    """Return the family of a normalised path below `BASE`."""
    segments = path.removeprefix(BASE).strip("/").split("/")
    head = segments[0]
    if head in _FIXED:
        return _FIXED[head]
    if head in _BY_SHAPE:
        return _BY_SHAPE[head](method, segments)
    if head in _PLATFORM or _is_account_route(segments):
        return AuthRule.PLATFORM
    is_shared = head in {"accounts", "users"} and len(segments) <= _RECORD_DEPTH
    is_shared = is_shared or (head == "users" and segments[2:3] == ["roles"])
    return AuthRule.PLATFORM if is_shared and secrets.element is None else AuthRule.HUB


def _instances_family(method: str, segments: list[str]) -> AuthRule:
    """Tell `PUT /instances` and `/instances/enabled` from the forms with an id."""
    if len(segments) == 1:
        by_token = method in {"PUT", "PATCH", "DELETE"}
    else:
        by_token = segments[1] in TOKEN_FORMS
    return AuthRule.TOKEN if by_token else AuthRule.PLATFORM


def _hubs_family(method: str, segments: list[str]) -> AuthRule:
    """Tell `/hubs/crm/accounts` from the catalogue's `/hubs/crm/elements`."""
    if len(segments) < _HUB_DEPTH or segments[2:] == ["elements"]:
        return _read_by_anybody(method)
    return AuthRule.HUB


def _elements_family(method: str, segments: list[str]) -> AuthRule:
    """Tell the catalogue from the instances below one of its elements."""
    if segments[2:3] == ["instances"]:
        return AuthRule.PLATFORM
    return _read_by_anybody(method)


def _read_by_anybody(method: str) -> AuthRule:
    return AuthRule.CATALOGUE if method in {"GET", "HEAD"} else AuthRule.PLATFORM


_BY_SHAPE = {
    "elements": _elements_family,
    "hubs": _hubs_family,
    "instances": _instances_family,
}


FIXED_HEADS = _PLATFORM | _FIXED.keys() | _BY_SHAPE.keys() | {"objects", "ping"}
"""First segments that never name an object of an element."""


def _is_account_route(segments: list[str]) -> bool:
    """Tell `/accounts/settings` and `/accounts/7/users` from CRM accounts."""
    match segments:
        case ["accounts", second, *_] if second in _OF_ACCOUNTS:
            return True
        case ["accounts", _, third, *_] if third in _OF_ONE_ACCOUNT:
            return True
    return False
