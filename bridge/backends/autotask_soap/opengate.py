"""A gate that lets everything pass, for a client that stands alone."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from bridge.interfaces import Lease, Outcome, ReadUsage, Ticket, Usage


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
