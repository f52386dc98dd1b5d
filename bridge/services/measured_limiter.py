"""A rate limiter whose waits and refusals are counted in the metrics."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from bridge.errors import (
    BridgeError,
    ProviderThresholdError,
    ProviderUnavailableError,
)
from bridge.interfaces import CallRequest, Permit, RateLimiter, ReadUsage, Usage
from bridge.telemetry.metrics import Metrics, RefusalReason


class MeasuredRateLimiter:
    """Implements `interfaces.RateLimiter` around another one, with metrics."""

    def __init__(self, limiter: RateLimiter, metrics: Metrics) -> None:
        self._limiter = limiter
        self._metrics = metrics

    @contextmanager
    def acquire(
        self, request: CallRequest, *, deadline: float, read_usage: ReadUsage
    ) -> Iterator[Permit]:
        """Acquire a slot and a call of the budget for the block.

        Raises:
            BridgeError: as the limiter's own.
        """
        started = time.monotonic()
        priority = request.caller.priority.name.lower()
        with ExitStack() as stack:
            slot = self._limiter.acquire(
                request, deadline=deadline, read_usage=read_usage
            )
            try:
                permit = self._enter(stack, slot)
            finally:
                self._metrics.limiter_wait(priority, time.monotonic() - started)
            yield permit

    @contextmanager
    def check_host(self, host: str) -> Iterator[Permit]:
        """Pass the circuit breaker of a host for the block.

        Raises:
            BridgeError: as the limiter's own.
        """
        with ExitStack() as stack:
            yield self._enter(stack, self._limiter.check_host(host))

    def report_usage(self, database: str, usage: Usage) -> None:
        """Report the vendor's own count of the calls to a database."""
        self._limiter.report_usage(database, usage)

    def _enter(
        self, stack: ExitStack, acquired: AbstractContextManager[Permit]
    ) -> Permit:
        """Enter a block of the limiter; count a refusal, but no error of the block."""
        try:
            return stack.enter_context(acquired)
        except BridgeError as error:
            self._count(error)
            raise

    def _count(self, error: BridgeError) -> None:
        if isinstance(error, ProviderUnavailableError):
            self._metrics.limiter_refusal(RefusalReason.CIRCUIT_BREAKER)
        elif isinstance(error, ProviderThresholdError):
            reason = RefusalReason.SLOTS if error.all_busy else RefusalReason.BUDGET
            self._metrics.limiter_refusal(reason)
