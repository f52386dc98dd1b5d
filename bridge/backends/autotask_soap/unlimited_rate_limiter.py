"""Gates that let everything pass: for a client that stands alone, and for a doctor."""

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
    """A lease that holds nothing."""

    outcome: Outcome = Outcome.ANSWERED
    provider_message: str | None = None


class UnlimitedRateLimiter:
    """Implements `interfaces.Gate`; nothing is counted and nobody waits."""

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
    """Lets everything pass too, and reports what the vendor says of its count.

    A report that cannot be stored is logged; the call goes on.
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
        """Let the call pass; report that it was refused for quota."""
        lease = FreePermit()
        try:
            yield lease
        finally:
            if lease.outcome is Outcome.QUOTA:
                self._report(lambda: self._reports.report_refusal(request.database))

    def report_usage(self, database: str, usage: Usage) -> None:
        """Report the count."""
        self._report(lambda: self._reports.report_usage(database, usage))

    def _report(self, tell: Callable[[], None]) -> None:
        try:
            tell()
        except StoreError as error:
            _log.warning("Autotask's count of calls is not stored: %s", error.message)
