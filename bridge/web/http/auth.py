"""From the `Authorization` header to user and instance, before anything else.

Every spelling that old clients send is read; what cannot be read is a missing part,
never a failure of its own. Source: elements-api 1.2, client-quirks part 1.
"""

from __future__ import annotations

import re

from flask import request

from bridge.errors import NotAcceptableError
from bridge.services import access
from bridge.services.access import Secrets
from bridge.web.http import request_context
from bridge.web.http.route_auth import BASE, AuthRule, family_of

_PART = re.compile(
    r"\s*(user|organization|element|token|bearer)(?:\s*:\s*|\s+)(\S+)\s*", re.IGNORECASE
)
_SYNONYMS = {"token": "element"}
_JSON_RANGES = frozenset({"*", "*/*", "application/*", "text/*"})


def parse_authorization(header: str) -> Secrets:
    """Return the parts of a header; the first wins where a keyword is repeated.

    Values are opaque: they end at a comma or a blank and are not decoded.
    """
    found: dict[str, str] = {}
    for part in header.split(","):
        match = _PART.fullmatch(part)
        if match is not None:
            keyword = match[1].lower()
            found.setdefault(_SYNONYMS.get(keyword, keyword), match[2])
    return Secrets(**found)


def admit() -> None:
    """Open what the call's secrets open, as its family of paths demands.

    Runs before routing errors are raised, so 401 comes before 404 and 405.

    Raises:
        UnauthorizedError: the secrets do not open what the path asks for.
        NotAcceptableError: `Accept` has no place for JSON.
    """
    if not request.path.startswith(f"{BASE}/"):
        return
    ctx = request_context.context()
    secrets = parse_authorization(request.headers.get("Authorization", ""))
    match family_of(request.method, request.path, secrets):
        case AuthRule.ANONYMOUS:
            request_context.admit(secrets)
        case AuthRule.CATALOGUE if not secrets.names_user():
            request_context.admit(secrets)
        case AuthRule.PLATFORM | AuthRule.CATALOGUE:
            request_context.admit(secrets, access.identify(ctx, secrets))
        case AuthRule.TOKEN | AuthRule.HUB:
            request_context.admit(secrets, *access.open_instance(ctx, secrets))
    if request_context.answers_files():
        return
    if not accepts_json(request.headers.get("Accept", "")):
        raise NotAcceptableError("Only application/json can be produced here.")


def accepts_json(accept: str) -> bool:
    """Tell whether an `Accept` header leaves room for JSON; an empty one does."""
    if not accept.strip():
        return True
    return any(_admits_json(item) for item in accept.split(","))


def _admits_json(item: str) -> bool:
    media, *parameters = (part.strip().lower() for part in item.split(";"))
    refused = any(re.fullmatch(r"q\s*=\s*0(\.0*)?", part) for part in parameters)
    return not refused and (media in _JSON_RANGES or media.endswith(("/json", "+json")))
