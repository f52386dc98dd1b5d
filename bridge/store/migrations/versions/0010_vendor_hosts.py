"""Hosts of the vendor that fail: a row each, as long as they do."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "vendor_hosts",
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("pause_s", sa.Float, nullable=False),
        sa.Column("probing", sa.Boolean, nullable=False),
        sa.Column("left_until", _TIME, nullable=False),
        sa.Column("failed_at", _TIME, nullable=False),
        sa.Column("provider_message", sa.Text),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("host", name="pk_vendor_hosts"),
    )
    op.create_index("ix_vendor_hosts_expires_at", "vendor_hosts", ["expires_at"])
