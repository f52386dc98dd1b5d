"""The row that holds a tenant database's ledger, changed by compare and swap.

A change is one statement: an update on condition of the version that the change was
computed from. No transaction stays open while this process computes, or while another
of its threads runs, so locks are held only as long as the database needs for a write.
A process whose condition fails reads the row and computes its change again. The last
process that changed a row need not read it before its next change.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import Boolean, bindparam, exists, func, literal, select, true, update

from bridge.store.database.engine import Database
from bridge.store.database.sql import upsert
from bridge.store.models import vendor_hosts, vendor_ledgers
from bridge.store.rate_limit.ledger import Ledger

_MAX_AGE_S = 10.0
_ITS = vendor_ledgers.c.database == bindparam("its_database")
_HOST_FAILING = exists().where(vendor_hosts.c.host == bindparam("its_host"))
_COLUMNS = (vendor_ledgers.c.version, vendor_ledgers.c.payload, _HOST_FAILING)
_READ = {
    "sqlite": select(*_COLUMNS, literal(None)).where(_ITS),
    "postgresql": select(
        *_COLUMNS, func.extract("epoch", func.clock_timestamp())
    ).where(_ITS),
}
# Whether the host fails is part of the condition, so that a change which was computed
# without knowing it is not written. A second statement would cost more than all the
# rest, and RETURNING would hold the lock until this process reads the result.
_SWAP = (
    update(vendor_ledgers)
    .where(
        _ITS,
        vendor_ledgers.c.version == bindparam("its_version"),
        bindparam("its_troubled", type_=Boolean) == _HOST_FAILING,
    )
    .values(version=vendor_ledgers.c.version + 1, payload=bindparam("new_payload"))
)
# Not flushed to the server's disk: after a crash of the server the changes of the last
# fraction of a second may be lost, but waiting for the disk would slow down each call.
_ASYNCHRONOUS_COMMIT = func.set_config("synchronous_commit", "off", true()) == "off"
# In the condition, so that it needs no statement of its own.
_WRITE = {"sqlite": _SWAP, "postgresql": _SWAP.where(_ASYNCHRONOUS_COMMIT)}
_INSERT = upsert(vendor_ledgers, lambda row: row.on_conflict_do_nothing())


class Change(Protocol):
    """The result of a change: whether it must be written, and whether it is final."""

    changed: bool
    settled: bool


C = TypeVar("C", bound=Change)


class LedgerRow:
    """One row as this process last saw it. For use by one thread at a time.

    `host_failing` is whether the host was failing when the row was last read.
    """

    def __init__(self, db: Database, database: str) -> None:
        self._db = db
        self._database = database
        self._host = database.partition("#")[0]
        self._version = -1
        self._read_at = float("-inf")
        self._ahead_s = 0.0
        self.ledger = Ledger()
        self.host_failing = False

    def now(self) -> float:
        """Return the database's time, as `sql.read_clock`, without a statement."""
        return time.time() + self._ahead_s

    def change(self, apply: Callable[[Ledger, float], C], *, patience_s: float) -> C:
        """Change the row; return the result of the last call of `apply`.

        `apply` is called again when another process was faster, and when its result is
        not settled although the row was last read more than `patience_s` ago.

        Raises:
            StoreError: the database cannot be used.
        """
        # A version of -1 stands for a write whose outcome is unknown.
        if self._version < 0 or self._age_s() > _MAX_AGE_S:
            self.refresh()
        while True:
            done = apply(self.ledger, self.now())
            if not done.settled and self._age_s() > patience_s:
                self.refresh()
            elif not done.changed or self._write():
                return done
            else:
                self.refresh()

    def refresh(self) -> None:
        """Read the row; create it if it is missing."""
        its = {"its_database": self._database, "its_host": self._host}
        with self._db.read() as connection:
            row = connection.execute(_READ[connection.dialect.name], its).one_or_none()
        if row is None:
            new = {"database": self._database, "version": 0, "payload": "{}"}
            with self._db.autocommit() as connection:
                connection.execute(_INSERT[connection.dialect.name], new)
                row = connection.execute(_READ[connection.dialect.name], its).one()
        self._read_at = time.monotonic()
        self._version, payload, self.host_failing, clock = row
        self._ahead_s = 0.0 if clock is None else float(clock) - time.time()
        self.ledger = Ledger.from_json(payload)

    def _write(self) -> bool:
        swap = {
            "its_database": self._database,
            "its_host": self._host,
            "its_troubled": self.host_failing,
            "its_version": self._version,
            "new_payload": self.ledger.to_json(),
        }
        # Unknown until the statement has returned: it may be applied and then fail.
        version, self._version = self._version, -1
        with self._db.autocommit() as connection:
            done = connection.execute(_WRITE[connection.dialect.name], swap)
        if done.rowcount != 1:
            return False
        self._version = version + 1
        self._read_at = time.monotonic()
        return True

    def _age_s(self) -> float:
        return time.monotonic() - self._read_at
