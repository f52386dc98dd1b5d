"""Addresses as an operator writes them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_HOST = re.compile(r"(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d+)?", re.IGNORECASE)


def is_host(text: str) -> bool:
    """Tell whether it is a host, `host:port`, or one of these after a scheme."""
    try:
        url = urlsplit(text if "://" in text else f"https://{text}")
        usable = bool(url.hostname) and url.port != 0
    except ValueError:
        return False
    return (
        usable
        and url.scheme in {"http", "https"}
        and _HOST.fullmatch(url.netloc) is not None
        and not url.path.strip("/")
        and not url.query
        and not url.fragment
    )


def is_public(text: str) -> bool:
    """Tell whether it is an address at which callers can reach a server."""
    try:
        url = urlsplit(text)
        usable = bool(url.hostname) and url.port != 0
    except ValueError:
        return False
    return (
        usable
        and url.scheme in {"http", "https"}
        and not url.query
        and not url.fragment
        and not url.username
    )
