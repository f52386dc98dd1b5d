"""How large a campaign is: the size that CI has time for, or the full one."""

from __future__ import annotations

import os
from typing import TypeVar

T = TypeVar("T")

FULL = os.environ.get("BRIDGE_CAMPAIGN") == "full"


def sized(ci: T, full: T) -> T:
    """Return the size for CI, or with `BRIDGE_CAMPAIGN=full` the full one."""
    return full if FULL else ci
