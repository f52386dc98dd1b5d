"""What an account says of itself, and its settings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the columns, create the table."""
    op.add_column("accounts", sa.Column("description", sa.Text))
    op.add_column("accounts", sa.Column("external_id", sa.Text))
    op.create_table(
        "account_settings",
        sa.Column("account_id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "name", name="pk_account_settings"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name="fk_account_settings_account_id_accounts",
            ondelete="CASCADE",
        ),
    )
