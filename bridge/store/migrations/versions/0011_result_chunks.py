"""Results of long jobs, in chunks, and how far the walks that fill them have come."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "walk_checkpoints",
        *_key_columns(),
        sa.Column("instance_id", sa.Integer, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("after_id", sa.BigInteger),
        sa.Column("done", sa.Boolean, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("owner_id", "part", name="pk_walk_checkpoints"),
        _owner("walk_checkpoints"),
    )
    op.create_table(
        "result_chunks",
        *_key_columns(),
        sa.Column("sequence", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("instance_id", sa.Integer, nullable=False),
        sa.Column("row_count", sa.Integer, nullable=False),
        sa.Column("size_bytes", sa.Integer, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("sealed_data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint(
            "owner_id", "part", "sequence", name="pk_result_chunks"
        ),
        _owner("result_chunks"),
    )
    for table in ("walk_checkpoints", "result_chunks"):
        for column in ("instance_id", "expires_at"):
            op.create_index(f"ix_{table}_{column}", table, [column])


def _key_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("owner_id", sa.String(128), nullable=False),
        sa.Column("part", sa.Integer, autoincrement=False, nullable=False),
    ]


def _owner(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["instance_id"],
        ["instances.id"],
        name=f"fk_{table}_instance_id_instances",
        ondelete="CASCADE",
    )
