"""Validation of hosts and URLs in settings."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

_HOST = re.compile(r"(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d+)?", re.IGNORECASE)


def is_host(text: str) -> bool:
    """Return whether it is a host or `host:port`, with or without a scheme."""
    url = _read_url(text if "://" in text else f"https://{text}")
    return (
        url is not None
        and _HOST.fullmatch(url.netloc) is not None
        and not url.path.strip("/")
    )


def is_public(text: str) -> bool:
    """Return whether it is a URL at which callers can reach a server."""
    url = _read_url(text)
    return url is not None and not url.username


def _read_url(text: str) -> SplitResult | None:
    """Parse an http URL with a host, without query and fragment; None if it is not."""
    try:
        url = urlsplit(text)
        usable = bool(url.hostname) and url.port != 0
    except ValueError:
        return None
    plain = url.scheme in {"http", "https"} and not url.query and not url.fragment
    return url if usable and plain else None
