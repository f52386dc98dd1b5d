"""Users who are not active any more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the column; whoever is there is active."""
    active = sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true())
    op.add_column("users", active)
