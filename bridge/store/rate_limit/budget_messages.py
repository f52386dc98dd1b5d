"""The error messages of refused calls. Pure.

They state only what is known: when our own calls leave the hour, and when the vendor's
count is read again. When other clients' calls leave the hour is unknown.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime

from bridge.store.rate_limit.ledger import Ledger, SlotRequest


def explain_refusal(ledger: Ledger, request: SlotRequest, now: float) -> str:
    """Return why a call is refused, and when the budget may allow it again."""
    if ledger.is_being_read(now):
        again = "Autotask's count is being read, try again in a moment"
    else:
        # Rounded up: a call in the named second must already be allowed.
        read_again_at = _second(math.ceil(ledger.read_again_at(now)))
        again = (
            f"Autotask's count is read again with the first call after {read_again_at}"
        )
    refused_at = ledger.quota_refused_at(now)
    if refused_at is not None:
        return (
            "Autotask call budget exhausted: the hour's calls were used up when "
            f"Autotask refused one at {_second(refused_at)}. When they are free again "
            f"is not known; {again}. Nothing was sent."
        )
    theirs = ledger.others(now)
    others = "not known" if theirs is None else str(theirs)
    text = (
        f"of {ledger.threshold} calls an hour {ledger.ours()} were made by Bridge and "
        f"{others} by others; such calls stop at {ledger.limit(request)}. "
    )
    free_at = ledger.calls_expire_at(request, now)
    if free_at is None:
        begin = "Autotask call budget exhausted: "
        text += f"When others' calls leave the hour is not known; {again}. "
    else:
        begin = f"Autotask call budget exhausted, free again at {_minute(free_at)}: "
        if theirs:
            text += (
                f"This is by Autotask's count of {_second(ledger.read_at)}; {again}. "
            )
    return f"{begin}{text}Nothing was sent."


def _second(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%H:%M:%S} UTC"


def _minute(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%H:%M} UTC"
