"""Validates the URLs and the headers that callers configure; looks nothing up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import requests

from bridge.errors import DeliveryRefusedError

MAX_URL_LENGTH = 4096
MAX_HEADERS = 50
MAX_HEADERS_LENGTH = 16_384

_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_.])?|[0-9a-f:]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_DEFAULT_PORTS = {"http": 80, "https": 443}

# Servers of other protocols, which could be made to act on lines of a request.
# Source: WHATWG Fetch, "bad port".
# fmt: off
_BAD_PORTS = frozenset((
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87,
    95, 101, 102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143,
    161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556,
    563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190,
    5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
))
# fmt: on

_RESERVED_HEADERS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "elements-webhook-signature",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Set by this package, or about the connection and not the message."""


@dataclass(frozen=True, slots=True)
class Target:
    """A validated URL; text and repr leave out path and query, which may hold tokens.

    `url` is encoded for the wire, `host` is a name or an address without brackets.
    """

    url: str = field(repr=False)
    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


def parse_url(url: str) -> Target:
    """Validate a caller's URL and return its parts. Looks nothing up.

    Raises:
        DeliveryRefusedError: no request can or may be sent there; with the reason.
    """
    if len(url) > MAX_URL_LENGTH:
        raise _refused(f"it is longer than {MAX_URL_LENGTH} characters")
    if _CONTROL.search(url):
        raise _refused("it holds a control character")
    try:
        # Prepared first: what is validated is exactly what is sent.
        sent = requests.Request("POST", url.strip()).prepare().url or ""
        parts = urlsplit(sent)
        port = parts.port
    except (requests.RequestException, ValueError):
        raise _refused("it is not a URL such as https://example.com/path") from None
    host = (parts.hostname or "").lower()
    if parts.scheme not in _DEFAULT_PORTS:
        raise _refused("it does not begin with https:// or http://")
    if "@" in parts.netloc:
        raise _refused(
            "it holds a user name or a password; use the settings for a header or for"
            " basic authentication"
        )
    # With other characters two URL parsers may disagree on the host.
    if _HOST.fullmatch(host) is None:
        raise _refused("its host is not a name or an address")
    port = _DEFAULT_PORTS[parts.scheme] if port is None else port
    if port in _BAD_PORTS:
        raise _refused(f"port {port} is not used for HTTP")
    return Target(sent, parts.scheme, host, port)


def check_headers(headers: Mapping[str, str]) -> None:
    """Validate the headers that a caller configured.

    Raises:
        DeliveryRefusedError: names the header that cannot be sent, not its value.
    """
    length = sum(len(name) + len(value) for name, value in headers.items())
    if len(headers) > MAX_HEADERS or length > MAX_HEADERS_LENGTH:
        raise DeliveryRefusedError(
            f"The headers for callbacks are too many: up to {MAX_HEADERS} of together"
            f" {MAX_HEADERS_LENGTH} characters can be sent."
        )
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise DeliveryRefusedError(
                f"The header name {name[:100]!r} for callbacks is not valid."
            )
        if name.lower() in _RESERVED_HEADERS:
            raise DeliveryRefusedError(
                f"The header {name} for callbacks cannot be configured; remove it."
            )
        if not _HEADER_VALUE.fullmatch(value) or value != value.strip():
            raise DeliveryRefusedError(
                f"The value of the header {name} for callbacks holds a character that"
                " cannot be sent, or begins or ends with a blank."
            )


def _refused(reason: str) -> DeliveryRefusedError:
    return DeliveryRefusedError(f"The callback URL cannot be used: {reason}.")
