"""Authentication: from the `Authorization` header to user and instance.

Every spelling that old clients send is accepted; a part that cannot be parsed counts as
missing, never as an error of its own. Source: elements-api 1.2, client-quirks part 1.
"""

from __future__ import annotations

import re

from flask import request

from bridge.errors import NotAcceptableError
from bridge.services import access
from bridge.services.access import Secrets
from bridge.web.http import request_context
from bridge.web.http.route_auth import BASE, AuthRule, auth_rule

_PART = re.compile(
    r"\s*(user|organization|element|token|bearer)(?:\s*:\s*|\s+)(\S+)\s*", re.IGNORECASE
)
_SYNONYMS = {"token": "element"}
_FILE_ENDPOINTS = frozenset({"download_attachment"})
"""Endpoints that return files of any media type."""

_JSON_RANGES = frozenset({"*", "*/*", "application/*", "text/*"})


def parse_authorization(header: str) -> Secrets:
    """Parse the header; of repeated keywords the first wins.

    Values are opaque: they end at a comma or a blank and are not decoded.
    """
    found: dict[str, str] = {}
    for part in header.split(","):
        match = _PART.fullmatch(part)
        if match is not None:
            keyword = match[1].lower()
            found.setdefault(_SYNONYMS.get(keyword, keyword), match[2])
    return Secrets(**found)


def authenticate() -> None:
    """Find the user and the instance of the request's secrets, as its path requires.

    Runs before routing errors are raised, so 401 comes before 404 and 405.

    Raises:
        UnauthorizedError: secrets that the path requires are missing or invalid.
        NotAcceptableError: `Accept` excludes JSON.
    """
    if not request.path.startswith(f"{BASE}/"):
        return
    ctx = request_context.context()
    secrets = parse_authorization(request.headers.get("Authorization", ""))
    match auth_rule(request.method, request.path, secrets):
        case AuthRule.ANONYMOUS:
            request_context.set_caller(secrets)
        case AuthRule.CATALOGUE if not secrets.names_user():
            request_context.set_caller(secrets)
        case AuthRule.PLATFORM | AuthRule.CATALOGUE:
            request_context.set_caller(secrets, access.identify(ctx, secrets))
        case AuthRule.TOKEN | AuthRule.HUB:
            request_context.set_caller(secrets, *access.open_instance(ctx, secrets))
    # A server may send what `Accept` does not list. Source: RFC 9110, 12.5.1.
    if request.endpoint in _FILE_ENDPOINTS:
        return
    if not accepts_json(request.headers.get("Accept", "")):
        raise NotAcceptableError("Only application/json can be produced here.")


def accepts_json(accept: str) -> bool:
    """Return whether an `Accept` header allows JSON; an empty one does."""
    if not accept.strip():
        return True
    return any(_allows_json(item) for item in accept.split(","))


def _allows_json(item: str) -> bool:
    media, *parameters = (part.strip().lower() for part in item.split(";"))
    # A weight of 0 excludes a media type. Source: RFC 9110, 12.4.2.
    refused = any(re.fullmatch(r"q\s*=\s*0(\.0*)?", part) for part in parameters)
    return not refused and (media in _JSON_RANGES or media.endswith(("/json", "+json")))
