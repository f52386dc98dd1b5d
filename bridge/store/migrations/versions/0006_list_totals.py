"""How many records a query had when they were counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "list_totals",
        sa.Column("instance_id", sa.Integer, nullable=False),
        sa.Column("query_hash", sa.LargeBinary, nullable=False),
        sa.Column("total", sa.Integer),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "query_hash", name="pk_list_totals"),
        sa.ForeignKeyConstraint(
            ["instance_id"],
            ["instances.id"],
            name="fk_list_totals_instance_id_instances",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_list_totals_expires_at", "list_totals", ["expires_at"])
