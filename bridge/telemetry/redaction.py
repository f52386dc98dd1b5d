"""Taking secrets out of texts: by where they stand, and by what they are.

A log line, a trace or a traceback passes here before it leaves the process. Names
that hold secrets are matched generously: a masked harmless value costs nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from html import escape
from urllib.parse import quote, quote_plus

MASK = "********"

_NAMES = (
    r"password|passwd|secret|token|integration[ ._-]?code|authorization|cookie"
    r"|api[._-]?key|private[._-]?key|idempotency[._-]?key"
)
_SECRET_NAME = re.compile(_NAMES, re.IGNORECASE)
_MIN_SECRET_LENGTH = 4

# Every repetition is bounded or ends at a character it cannot contain: the time is
# linear in the text, whatever a caller sends.
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # the whole header
    (
        re.compile(
            r"(authorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?)[^\r\n\"']+", re.IGNORECASE
        ),
        rf"\1{MASK}",
    ),
    # User 3kf…, Element mT4…
    (
        re.compile(
            r"\b(user|organization|element|bearer|basic|token)(\s{1,3}|\s?:\s?)"
            r"[A-Za-z0-9+/=_.~-]{16,}",
            re.IGNORECASE,
        ),
        rf"\1\2{MASK}",
    ),
    # "crm.autotask.password": "…"
    (
        re.compile(
            rf"((?:{_NAMES})[\w.-]{{0,40}}[\"']\s{{0,3}}:\s{{0,3}}\")(?:[^\"\\]|\\.)*+",
            re.IGNORECASE | re.DOTALL,
        ),
        rf"\1{MASK}",
    ),
    # 'password': '…', as Python shows it
    (
        re.compile(
            rf"((?:{_NAMES})[\w.-]{{0,40}}'\s{{0,3}}:\s{{0,3}}')(?:[^'\\]|\\.)*+",
            re.IGNORECASE | re.DOTALL,
        ),
        rf"\1{MASK}",
    ),
    # The first as a text within JSON: \"password\":\"…\"
    (
        re.compile(
            rf"((?:{_NAMES})[\w.-]{{0,40}}\\\"\s{{0,3}}:\s{{0,3}}\\\")"
            r"(?:[^\"\\]|\\\\\\.|\\[^\"])*+",
            re.IGNORECASE | re.DOTALL,
        ),
        rf"\1{MASK}",
    ),
    # password=…
    (
        re.compile(
            rf"((?:{_NAMES})[\w.-]{{0,40}}\s{{0,3}}[=:]\s{{0,3}})[^\s,;&<>\"'{{\[\\]+",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
    # password = '…', password NOT IN ('…', '…'), as conditions are written
    (
        re.compile(
            rf"((?:{_NAMES})[\w.-]{{0,40}}[\"'`\]]?\s{{0,3}}"
            r"(?:[<>=!]{1,2}|(?:not\s{1,3})?(?:like|in))\s{0,3})"
            r"(?:'(?:[^']|'')*+'?|\"[^\"]*\"?|\((?:'(?:[^']|'')*+'?|[^')])*+\)?)",
            re.IGNORECASE | re.DOTALL,
        ),
        rf"\1{MASK}",
    ),
    # <IntegrationCode>…
    (
        re.compile(
            rf"(<(?:\w{{1,20}}:)?\w{{0,20}}(?:{_NAMES})\w{{0,20}}(?:\s[^<>]{{0,200}})?>)"
            "[^<]*",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
    # postgresql://user:password@host
    (re.compile(r"://[^/\s:@\"'<>]{0,200}:[^\s@\"'<>]{1,200}@"), f"://{MASK}@"),
)
_HINT = re.compile(
    rf"{_NAMES}|\b(?:user|organization|element|bearer|basic)\b|://", re.IGNORECASE
)


def _spellings(secret: str) -> set[str]:
    """Return a secret as it stands in a text, a URL, XML and JSON."""
    return {
        secret,
        quote(secret, errors="replace"),
        quote(secret, safe="", errors="replace"),
        quote_plus(secret, errors="replace"),
        escape(secret),
        escape(secret, quote=False),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
    }


@lru_cache(maxsize=512)
def is_secret_name(name: str) -> bool:
    """Tell whether a value under this name must not be shown."""
    return _SECRET_NAME.search(name) is not None


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return a text without `secrets`, and without what stands where secrets stand.

    Texts shorter than four characters are not taken for secrets: masking every `1`
    would leave nothing to read.
    """
    for secret in secrets:
        if len(secret) >= _MIN_SECRET_LENGTH:
            for spelling in _spellings(secret):
                text = text.replace(spelling, MASK)
    if _HINT.search(text) is None:
        return text
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text
