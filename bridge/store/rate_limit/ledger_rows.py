"""The row that holds a tenant database's ledger, changed by compare and swap.

A change is one statement: an update that names the version it was computed from. No
transaction stays open while this process thinks or another of its threads runs, so
nobody ever waits for a lock longer than SQLite or PostgreSQL need to write a page.
Whoever comes second reads the row anew and computes his change again. A process that
was the last to change a row need not read it before the next change.
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

_OLDEST_S = 10.0
_ITS = vendor_ledgers.c.database == bindparam("its_database")
_TROUBLED = exists().where(vendor_hosts.c.host == bindparam("its_host"))
_COLUMNS = (vendor_ledgers.c.version, vendor_ledgers.c.payload, _TROUBLED)
_READ = {
    "sqlite": select(*_COLUMNS, literal(None)).where(_ITS),
    "postgresql": select(
        *_COLUMNS, func.extract("epoch", func.clock_timestamp())
    ).where(_ITS),
}
# That the host fails, or does not any more, is noticed like any other change: what was
# computed without knowing it is not written. A statement of its own would cost more
# than all the rest, and one that returns something holds the lock until it is read.
_SWAP = (
    update(vendor_ledgers)
    .where(
        _ITS,
        vendor_ledgers.c.version == bindparam("its_version"),
        bindparam("its_troubled", type_=Boolean) == _TROUBLED,
    )
    .values(version=vendor_ledgers.c.version + 1, payload=bindparam("new_payload"))
)
# A server that crashes may forget the last fraction of a second of lanes; waiting for
# its disk at every call would cost more than the lanes do.
_HASTY = func.set_config("synchronous_commit", "off", true()) == "off"
_WRITE = {"sqlite": _SWAP, "postgresql": _SWAP.where(_HASTY)}
_INSERT = upsert(vendor_ledgers, lambda row: row.on_conflict_do_nothing())


class Change(Protocol):
    """What a change came to: whether it is to be written, and whether it is final."""

    changed: bool
    settled: bool


C = TypeVar("C", bound=Change)


class LedgerRow:
    """One row as this process last saw it. To be used by one thread at a time.

    `troubled` tells whether the host was failing when the row was last looked at.
    """

    def __init__(self, db: Database, database: str) -> None:
        self._db = db
        self._database = database
        self._host = database.partition("#")[0]
        self._version = -1
        self._read_at = float("-inf")
        self._ahead_s = 0.0
        self.ledger = Ledger()
        self.troubled = False

    def now(self) -> float:
        """Return the time that all processes agree on, as `sql.read_clock` does."""
        return time.time() + self._ahead_s

    def change(self, apply: Callable[[Ledger, float], C], *, patience_s: float) -> C:
        """Change the row and return what the change came to.

        `apply` is called again whenever another process was faster, and when what it
        says is not settled while the row was last looked at `patience_s` ago.

        Raises:
            StoreError: the database cannot be used.
        """
        # A write whose end nobody heard of may have happened, or not.
        if self._version < 0 or self._age_s() > _OLDEST_S:
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
        """Read the row; it is made when it is missing."""
        its = {"its_database": self._database, "its_host": self._host}
        with self._db.read() as connection:
            row = connection.execute(_READ[connection.dialect.name], its).one_or_none()
        if row is None:
            new = {"database": self._database, "version": 0, "payload": "{}"}
            with self._db.autocommit() as connection:
                connection.execute(_INSERT[connection.dialect.name], new)
                row = connection.execute(_READ[connection.dialect.name], its).one()
        self._read_at = time.monotonic()
        self._version, payload, self.troubled, clock = row
        self._ahead_s = 0.0 if clock is None else float(clock) - time.time()
        self.ledger = Ledger.from_json(payload)

    def _write(self) -> bool:
        swap = {
            "its_database": self._database,
            "its_host": self._host,
            "its_troubled": self.troubled,
            "its_version": self._version,
            "new_payload": self.ledger.to_json(),
        }
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
