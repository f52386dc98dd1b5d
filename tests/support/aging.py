"""Let time pass for a single row."""

from __future__ import annotations

from bridge.store.database.engine import Database
from bridge.store.rate_limit.ledger import Ledger
from bridge.store.rate_limit.ledger_rows import LedgerRow


class _Written:
    changed = settled = True


def age_reading(db: Database, database: str, seconds: float) -> None:
    """Make the last reading of a tenant database's call count older."""

    def apply(ledger: Ledger, _now: float) -> _Written:
        ledger.reading_claimed_at -= seconds
        ledger.read_at -= seconds
        return _Written()

    LedgerRow(db, database).change(apply, patience_s=0)
