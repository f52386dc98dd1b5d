"""The logs of requests and vendor calls, and traces."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_TIME = sa.DateTime(timezone=True)
_LONG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the tables, and the column that switches traces on."""
    op.add_column("instances", sa.Column("traced_until", _TIME))
    _create_request_log()
    _create_vendor_call_log()
    _create_traces()


def _create_request_log() -> None:
    op.create_table(
        "request_log",
        sa.Column("id", _LONG, sa.Identity()),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("answered_at", _TIME, nullable=False),
        sa.Column("organization_id", sa.Integer),
        sa.Column("account_id", sa.Integer),
        sa.Column("user_id", sa.Integer),
        sa.Column("instance_id", sa.Integer),
        sa.Column("element_key", sa.String(64)),
        sa.Column("method", sa.String(16), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("duration_ms", sa.Float, nullable=False),
        sa.Column("vendor_calls", sa.Integer, nullable=False),
        sa.Column("remote_address", sa.String(64)),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_request_log"),
        sqlite_autoincrement=True,
    )
    _index("request_log", "request_id")
    _index("request_log", "expires_at")
    _index("request_log", "account_id", "answered_at")


def _create_vendor_call_log() -> None:
    op.create_table(
        "vendor_call_log",
        sa.Column("id", _LONG, sa.Identity()),
        sa.Column("request_id", sa.String(64)),
        sa.Column("instance_id", sa.Integer),
        sa.Column("operation", sa.String(64), nullable=False),
        sa.Column("entity", sa.String(128), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("duration_ms", sa.Float, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_vendor_call_log"),
        sqlite_autoincrement=True,
    )
    _index("vendor_call_log", "request_id")
    _index("vendor_call_log", "expires_at")
    _index("vendor_call_log", "instance_id", "started_at")


def _create_traces() -> None:
    op.create_table(
        "traces",
        sa.Column("id", _LONG, sa.Identity()),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("instance_id", sa.Integer, nullable=False),
        sa.Column("sealed_exchange", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_traces"),
        sqlite_autoincrement=True,
    )
    _index("traces", "request_id")
    _index("traces", "instance_id")
    _index("traces", "expires_at")


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))
