"""Waiting for what another thread or process does, instead of sleeping for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PAUSE_S = 0.02


def wait_until(condition: Callable[[], T], timeout_s: float = 120.0) -> T:
    """Return what the condition returns, once that is something; else fail."""
    ends_at = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < ends_at, "nothing happened in time"
        time.sleep(PAUSE_S)
    return found
