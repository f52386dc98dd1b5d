"""Which credentials a path requires, decided before the path is routed.

Unknown paths below the base path have a rule too: a caller without valid secrets learns
nothing about which paths exist. Source: elements-api 1.2 and 1.3.
"""

from __future__ import annotations

from enum import Enum, auto

from bridge.services.access import Secrets

BASE = "/elements/api-v2"


class AuthRule(Enum):
    """The parts of the `Authorization` header that a group of paths requires.

    `CATALOGUE` requires none, but a user that is named must be valid.
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
"""Second segments below `/instances` that replace the id: the token identifies it."""

_FIXED = {
    "authentication": AuthRule.ANONYMOUS,
    "openapi.json": AuthRule.ANONYMOUS,
    "instance": AuthRule.TOKEN,
}
_ACCOUNTS_ROUTES = frozenset({"settings", "instances", "objects"})
_ACCOUNT_ROUTES = _ACCOUNTS_ROUTES | {"users", "roles", "elements"}
_HUB_DEPTH = 3
_RECORD_DEPTH = 2


def auth_rule(method: str, path: str, secrets: Secrets) -> AuthRule:
    """Return the rule of a normalised path below `BASE`."""
    segments = path.removeprefix(BASE).strip("/").split("/")
    head = segments[0]
    if head in _FIXED:
        return _FIXED[head]
    if head in _BY_SHAPE:
        return _BY_SHAPE[head](method, segments)
    if head in _PLATFORM or _is_account_route(segments):
        return AuthRule.PLATFORM
    # With an Element part, these paths are records of the element.
    is_shared = head in {"accounts", "users"} and len(segments) <= _RECORD_DEPTH
    is_shared = is_shared or (head == "users" and segments[2:3] == ["roles"])
    return AuthRule.PLATFORM if is_shared and secrets.element is None else AuthRule.HUB


def _instances_rule(method: str, segments: list[str]) -> AuthRule:
    """Distinguish `PUT /instances` and `/instances/enabled` from forms with an id."""
    if len(segments) == 1:
        by_token = method in {"PUT", "PATCH", "DELETE"}
    else:
        by_token = segments[1] in TOKEN_FORMS
    return AuthRule.TOKEN if by_token else AuthRule.PLATFORM


def _hubs_rule(method: str, segments: list[str]) -> AuthRule:
    """Distinguish `/hubs/crm/accounts` from the catalogue's `/hubs/crm/elements`."""
    if len(segments) < _HUB_DEPTH or segments[2:] == ["elements"]:
        return _catalogue_rule(method)
    return AuthRule.HUB


def _elements_rule(method: str, segments: list[str]) -> AuthRule:
    """Distinguish the catalogue from the instances below one of its elements."""
    if segments[2:3] == ["instances"]:
        return AuthRule.PLATFORM
    return _catalogue_rule(method)


def _catalogue_rule(method: str) -> AuthRule:
    return AuthRule.CATALOGUE if method in {"GET", "HEAD"} else AuthRule.PLATFORM


_BY_SHAPE = {
    "elements": _elements_rule,
    "hubs": _hubs_rule,
    "instances": _instances_rule,
}


FIXED_HEADS = _PLATFORM | _FIXED.keys() | _BY_SHAPE.keys() | {"objects", "ping"}
"""First segments that never name an object of an element."""


def _is_account_route(segments: list[str]) -> bool:
    """Distinguish `/accounts/settings` and `/accounts/7/users` from CRM accounts."""
    match segments:
        case ["accounts", second, *_] if second in _ACCOUNTS_ROUTES:
            return True
        case ["accounts", _, third, *_] if third in _ACCOUNT_ROUTES:
            return True
    return False
