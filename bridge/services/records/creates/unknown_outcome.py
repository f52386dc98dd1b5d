"""Searches for the record of a create whose outcome is unknown, until it is certain."""

from __future__ import annotations

import time
from datetime import timedelta

from bridge.errors import ProviderOutcomeUnknownError
from bridge.interfaces import Entity
from bridge.services.records.creates import duplicate_search
from bridge.services.records.creates.duplicate_search import Search
from bridge.store.idempotency_records import IdempotencyRecord

_MIN_PAUSE_S = 0.5


def search_until_certain(
    search: Search, *, settle_s: float, deadline: float
) -> Entity | None:
    """Return the record when it exists, None when it certainly does not.

    It certainly does not when a search that began `settle_s` after the outcome became
    unknown does not find it: until then the vendor may still commit what it did not
    confirm. Vendor calls as `duplicate_search.find`, for each search.

    Raises:
        ProviderOutcomeUnknownError: neither is certain by the monotonic `deadline`.
        ProviderError: Autotask could not be queried.
    """
    open_s = settle_s - _age_s(search.earlier)
    began_at = time.monotonic()
    settled_at = began_at + open_s
    while True:
        searched_at = time.monotonic()
        found = duplicate_search.find(search)
        if found.record is not None:
            return found.record
        absent = not found.reason
        if absent and searched_at >= settled_at:
            return None
        # Each search is a vendor call: each pause is as long as all before it.
        soon = searched_at + (searched_at - began_at) + _MIN_PAUSE_S
        again_at = settled_at if absent else soon
        may_change = absent or found.transient
        if not may_change or again_at > deadline:
            raise unknown(found.reason or _not_settled(search.earlier, open_s))
        time.sleep(max(0.0, again_at - time.monotonic()))


def unknown(reason: str) -> ProviderOutcomeUnknownError:
    """Return the error of a create that repeats one with an unknown outcome."""
    return ProviderOutcomeUnknownError(
        f"An equal create was sent before and never answered, and whether it happened "
        f"cannot be told: {reason}. Nothing was sent for this one."
    )


def _age_s(earlier: IdempotencyRecord) -> float:
    since = earlier.unknown_since or earlier.now
    return (earlier.now - since).total_seconds()


def _not_settled(earlier: IdempotencyRecord, open_s: float) -> str:
    settled_at = (earlier.now + timedelta(seconds=open_s)).strftime("%H:%M:%S")
    return (
        f"no such record is there yet, but until {settled_at} UTC Autotask may still "
        "be at work on it"
    )
