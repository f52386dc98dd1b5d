"""Stored state, in SQLite by default or in PostgreSQL; no other package uses tables."""

from __future__ import annotations

import logging

# A command reports an error once, by its message; servers configure their own log.
logging.getLogger(__name__).addHandler(logging.NullHandler())
