"""Where the described API is reached."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from bridge.errors import InvalidRequestError

_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")


@dataclass(frozen=True, slots=True)
class Address:
    """Scheme, host and base path of the API."""

    scheme: str
    host: str
    base_path: str

    @classmethod
    def parse(cls, url: str, base_path: str) -> Address:
        """Return the address that a URL names; its own path goes before `base_path`.

        A URL that ends in `base_path` is taken as it is.

        Raises:
            InvalidRequestError: it is not an http or https URL.
        """
        try:
            parts = urlsplit(url.strip())
            valid = parts.scheme in {"http", "https"} and _HOST.fullmatch(parts.netloc)
        except ValueError:
            valid = None
        if not valid:
            raise InvalidRequestError("baseUrl must look like https://gw.example.")
        path = parts.path.rstrip("/").removesuffix(base_path)
        return cls(parts.scheme, parts.netloc, path + base_path)
