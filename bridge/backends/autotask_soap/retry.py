"""Which calls to Autotask are repeated, how often, and after which pause.

A read is repeated after a broken connection, a timeout, and a page in place of a
reply. A write is repeated only when Autotask certainly did not apply it: no
connection, another zone, or the limit of simultaneous calls. Nothing else is repeated.
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

    A write that may have been applied is not: the second one would be a duplicate.
    """
    return error.transient and (error.not_applied or not request.writes)
