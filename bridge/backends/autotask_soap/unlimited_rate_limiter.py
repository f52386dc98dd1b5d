"""Rate limiters without a limit: for a client by itself, and for `bridge doctor`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from bridge.errors import StoreError
from bridge.interfaces import (
    CallRequest,
    Outcome,
    Permit,
    ReadUsage,
    Usage,
    UsageObserver,
)

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class FreePermit:
    """A permit without a slot."""

    outcome: Outcome = Outcome.ANSWERED
    provider_message: str | None = None


class UnlimitedRateLimiter:
    """Implements `interfaces.RateLimiter`; counts nothing and never waits."""

    def acquire(
        self,
        request: CallRequest,  # noqa: ARG002 - the protocol's
        *,
        deadline: float,  # noqa: ARG002 - the protocol's
        read_usage: ReadUsage,  # noqa: ARG002 - the protocol's
    ) -> AbstractContextManager[Permit]:
        """Let the call pass."""
        return nullcontext(FreePermit())

    def check_host(
        self,
        host: str,  # noqa: ARG002 - the protocol's
    ) -> AbstractContextManager[Permit]:
        """Let the call pass."""
        return nullcontext(FreePermit())

    def report_usage(self, database: str, usage: Usage) -> None:
        """Forget the count."""


class ReportingRateLimiter(UnlimitedRateLimiter):
    """Has no limit either, but reports the vendor's call count.

    A report that cannot be stored is logged; the call continues.
    """

    def __init__(self, reports: UsageObserver) -> None:
        self._reports = reports

    @contextmanager
    def acquire(
        self,
        request: CallRequest,
        *,
        deadline: float,  # noqa: ARG002 - the protocol's
        read_usage: ReadUsage,  # noqa: ARG002 - the protocol's
    ) -> Iterator[Permit]:
        """Grant a permit; report a refusal for quota afterwards."""
        permit = FreePermit()
        try:
            yield permit
        finally:
            if permit.outcome is Outcome.QUOTA:
                self._report(lambda: self._reports.report_refusal(request.database))

    def report_usage(self, database: str, usage: Usage) -> None:
        """Report the count."""
        self._report(lambda: self._reports.report_usage(database, usage))

    def _report(self, report: Callable[[], None]) -> None:
        try:
            report()
        except StoreError as error:
            _log.warning("Autotask's count of calls is not stored: %s", error.message)
