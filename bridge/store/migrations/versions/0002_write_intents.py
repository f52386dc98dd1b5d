"""Write intents: what a create was about to do, written before it is done."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "write_intents",
        sa.Column("id", sa.Integer, sa.Identity()),
        sa.Column("instance_id", sa.Integer, nullable=False),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("entity", sa.String(128), nullable=False),
        sa.Column("scope_digest", sa.LargeBinary),
        sa.Column("body_digest", sa.LargeBinary, nullable=False),
        sa.Column("keyed", sa.Boolean, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("joined", sa.Boolean, nullable=False),
        sa.Column("sent_at", _TIME, nullable=False),
        sa.Column("leased_until", _TIME, nullable=False),
        sa.Column("unknown_since", _TIME),
        sa.Column("floor_id", sa.BigInteger),
        sa.Column("record_id", sa.BigInteger),
        sa.Column("sealed_answer", sa.LargeBinary),
        sa.Column("expires_at", _TIME),
        sa.PrimaryKeyConstraint("id", name="pk_write_intents"),
        sa.ForeignKeyConstraint(
            ["instance_id"],
            ["instances.id"],
            name="fk_write_intents_instance_id",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint("scope_digest", name="uq_write_intents_scope_digest"),
        sa.UniqueConstraint(
            "tenant", "entity", "record_id", name="uq_write_intents_tenant"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_write_intents_instance_id", "write_intents", ["instance_id"])
    op.create_index("ix_write_intents_expires_at", "write_intents", ["expires_at"])
