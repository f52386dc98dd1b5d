"""Vendor field names in the facade's spelling.

One rule covers every field; a resource's `rename` table holds its exceptions.
"""

from __future__ import annotations

import re

_LEADING_CAPITALS = re.compile(r"[A-Z]+")


def facade_name(vendor: str) -> str:
    """Return the JSON name of a vendor field: its leading capitals lowered.

    The whole run of capitals is lowered, its last letter too: `EMailAddress` is
    `emailAddress`, `SICCode` is `siccode`. It cannot be reversed without the list of
    vendor names. Source: elements-api 4.3, name rule.
    """
    capitals = _LEADING_CAPITALS.match(vendor)
    if capitals is None:
        return vendor
    return capitals.group().lower() + vendor[capitals.end() :]
