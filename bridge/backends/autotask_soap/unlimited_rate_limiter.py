"""Gates that let everything pass: for a client that stands alone, and for a doctor."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from bridge.errors import StoreError
from bridge.interfaces import Lease, Outcome, ReadUsage, Ticket, Usage, UsageReports

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class FreeLease:
    """A lease that holds nothing."""

    outcome: Outcome = Outcome.ANSWERED
    provider_message: str | None = None


class OpenGate:
    """Implements `interfaces.Gate`; nothing is counted and nobody waits."""

    def enter(
        self,
        ticket: Ticket,  # noqa: ARG002 - the protocol's
        *,
        deadline: float,  # noqa: ARG002 - the protocol's
        read_usage: ReadUsage,  # noqa: ARG002 - the protocol's
    ) -> AbstractContextManager[Lease]:
        """Let the call pass."""
        return nullcontext(FreeLease())

    def reach(
        self,
        host: str,  # noqa: ARG002 - the protocol's
    ) -> AbstractContextManager[Lease]:
        """Let the call pass."""
        return nullcontext(FreeLease())

    def learn(self, database: str, usage: Usage) -> None:
        """Forget the count."""


class ReportingGate(OpenGate):
    """Lets everything pass too, and reports what the vendor says of its count.

    A report that cannot be stored is logged; the call goes on.
    """

    def __init__(self, reports: UsageReports) -> None:
        self._reports = reports

    @contextmanager
    def enter(
        self,
        ticket: Ticket,
        *,
        deadline: float,  # noqa: ARG002 - the protocol's
        read_usage: ReadUsage,  # noqa: ARG002 - the protocol's
    ) -> Iterator[Lease]:
        """Let the call pass; report that it was refused for quota."""
        lease = FreeLease()
        try:
            yield lease
        finally:
            if lease.outcome is Outcome.QUOTA:
                self._report(lambda: self._reports.learn_refusal(ticket.database))

    def learn(self, database: str, usage: Usage) -> None:
        """Report the count."""
        self._report(lambda: self._reports.learn(database, usage))

    def _report(self, tell: Callable[[], None]) -> None:
        try:
            tell()
        except StoreError as error:
            _log.warning("Autotask's count of calls is not stored: %s", error.message)
