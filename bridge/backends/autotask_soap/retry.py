"""Which calls to Autotask are repeated, how often, and after which pause.

A read is repeated when `faults` marks the failure transient: no connection or a broken
one, a timeout, HTTP 429, a maintenance page, the limit of simultaneous calls, or a busy
database reported as a `soap:Fault`. A write is repeated only when, in addition,
Autotask certainly did not apply it. `SoapClient` also repeats a call in another zone,
once: only failures that applied nothing suggest another zone.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from bridge.backends.autotask_soap.faults import AttemptError
from bridge.backends.autotask_soap.request import Request


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long one call is tried; the deadline is for all attempts.

    It also limits a caller's whole request: `Caller.deadline` says when that ends.
    """

    attempts: int = 4
    backoff_s: float = 0.5
    deadline_s: float = 110.0

    def pause_s(self, attempt: int) -> float:
        """Return how long to wait after the nth attempt: doubling, with jitter."""
        # Jitter keeps callers that failed together from returning together.
        max_s = self.backoff_s * float(2 ** (attempt - 1))
        return max_s * random.uniform(0.5, 1.0)


def may_retry(request: Request, error: AttemptError) -> bool:
    """Whether a failed attempt may be repeated.

    A write that may have been applied is not repeated: the second one would be a
    duplicate.
    """
    return error.transient and (error.not_applied or not request.writes)
