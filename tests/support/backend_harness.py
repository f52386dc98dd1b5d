"""What the suite needs of a backend beyond the protocol: one small class a backend.

To run the suite over a new backend, write a `Harness` for its vendor and name it in
`HARNESSES` of `conftest`. The vendor has two tenants with an `Account` of id 0 each,
and knows the fields that `records` names.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from enum import StrEnum, auto
from typing import Protocol

from bridge.interfaces import NO_CALLER, Backend, Caller


class Failure(StrEnum):
    """What goes wrong with a call.

    Of those in which the vendor is not heard of again, it applies a write in the two
    that end in `LATE`.
    """

    CREDENTIALS = auto()
    THRESHOLD = auto()
    UNREACHABLE = auto()
    CUT = auto()
    CUT_LATE = auto()
    TIMEOUT = auto()
    TIMEOUT_LATE = auto()
    NONSENSE = auto()


class Harness(Protocol):
    """A vendor, and the ways into it."""

    password: str
    """The password of the first tenant's API user."""

    def open(self, tenant: int = 0, caller: Caller = NO_CALLER) -> Backend:
        """Open a backend for one of the two tenants. No vendor call."""

    def failing(
        self, failure: Failure, caller: Caller = NO_CALLER
    ) -> AbstractContextManager[Backend]:
        """Open a backend of the first tenant whose calls fail as long as it is open.

        So does every repetition of a call. Without a deadline of the caller, the
        backend waits a few seconds for a response.
        """

    def calls(self) -> int:
        """Return the calls that tenants were charged for so far."""
