"""The workflow that deletes expired rows."""

from __future__ import annotations

import logging

from bridge.jobs.steps import step
from bridge.services.context import Context
from bridge.store import expired_rows

_log = logging.getLogger(__name__)


def purge(ctx: Context, _key: str) -> dict[str, int]:
    """Delete expired rows, one step per table; return how many, by table.

    No vendor call.
    """
    removed = {
        table: step(f"purge {table}", expired_rows.purge, ctx.database, table)
        for table in expired_rows.tables()
    }
    found = {table: count for table, count in removed.items() if count}
    listing = ", ".join(f"{count} of {table}" for table, count in found.items())
    _log.info("Removed expired rows: %s.", listing or "none")
    return found
