"""Addresses as an operator writes them."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

_HOST = re.compile(r"(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d+)?", re.IGNORECASE)


def is_host(text: str) -> bool:
    """Tell whether it is a host, `host:port`, or one of these after a scheme."""
    url = _read_url(text if "://" in text else f"https://{text}")
    return (
        url is not None
        and _HOST.fullmatch(url.netloc) is not None
        and not url.path.strip("/")
    )


def is_public(text: str) -> bool:
    """Tell whether it is an address at which callers can reach a server."""
    url = _read_url(text)
    return url is not None and not url.username


def _read_url(text: str) -> SplitResult | None:
    """Return an http address that names a host, without query and fragment."""
    try:
        url = urlsplit(text)
        usable = bool(url.hostname) and url.port != 0
    except ValueError:
        return None
    plain = url.scheme in {"http", "https"} and not url.query and not url.fragment
    return url if usable and plain else None
