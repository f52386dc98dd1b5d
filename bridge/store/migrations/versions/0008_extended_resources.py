"""Resources that accounts added to an element."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create the table, and the column that tells who has any."""
    extended = sa.Column(
        "extended", sa.Boolean, nullable=False, server_default=sa.false()
    )
    op.add_column("accounts", extended)
    op.create_table(
        "extended_resources",
        sa.Column("id", sa.Integer, sa.Identity(start=100001)),
        sa.Column("account_id", sa.Integer, nullable=False),
        sa.Column("element_key", sa.String(64), nullable=False),
        sa.Column("method", sa.String(16), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_extended_resources"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name="fk_extended_resources_account_id_accounts",
            ondelete="CASCADE",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_extended_resources_account_id", "extended_resources", ["account_id"]
    )
