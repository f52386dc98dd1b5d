"""The first schema: tenants, instances, and what requests remember for each other."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_FIRST_IDS = {
    "organizations": 5501,
    "accounts": 41201,
    "users": 60301,
    "instances": 900001,
}
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create every table."""
    _create_key_checks()
    _create_tenants()
    _create_logins()
    _create_instances()
    _create_memories()
    if op.get_bind().dialect.name == "sqlite":
        _number_from(_FIRST_IDS)


def _create_key_checks() -> None:
    op.create_table(
        "key_checks",
        sa.Column("id", sa.Integer, autoincrement=False),
        _required("sealed_text", sa.LargeBinary),
        _required("text_digest", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_key_checks"),
    )


def _create_tenants() -> None:
    op.create_table(
        "organizations",
        _id("organizations"),
        _required("name", sa.Text),
        _required("sealed_secret", sa.LargeBinary),
        _required("secret_digest", sa.LargeBinary),
        _required("created_at", _TIME),
        sa.PrimaryKeyConstraint("id", name="pk_organizations"),
        sa.UniqueConstraint("secret_digest", name="uq_organizations_secret_digest"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "accounts",
        _id("accounts"),
        _required("organization_id", sa.Integer),
        _required("name", sa.Text),
        _required("created_at", _TIME),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        _reference("accounts", "organization_id", "organizations"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_accounts_organization_id", "accounts", ["organization_id"])
    op.create_table(
        "users",
        _id("users"),
        _required("account_id", sa.Integer),
        _required("email", sa.Text),
        _required("folded_email", sa.Text),
        _required("first_name", sa.Text),
        _required("last_name", sa.Text),
        _required("admin", sa.Boolean),
        _required("sealed_password_digest", sa.LargeBinary),
        _required("sealed_secret", sa.LargeBinary),
        _required("secret_digest", sa.LargeBinary),
        _required("created_at", _TIME),
        sa.Column("last_login_at", _TIME),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        _reference("users", "account_id", "accounts"),
        sa.UniqueConstraint("folded_email", name="uq_users_folded_email"),
        sa.UniqueConstraint("secret_digest", name="uq_users_secret_digest"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_users_account_id", "users", ["account_id"])


def _create_logins() -> None:
    op.create_table(
        "sessions",
        _required("bearer_digest", sa.LargeBinary),
        _required("user_id", sa.Integer),
        _required("expires_at", _TIME),
        sa.PrimaryKeyConstraint("bearer_digest", name="pk_sessions"),
        _reference("sessions", "user_id", "users", ondelete="CASCADE"),
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_table(
        "login_refusals",
        _required("email_digest", sa.LargeBinary),
        _required("count", sa.Integer),
        _required("expires_at", _TIME),
        sa.PrimaryKeyConstraint("email_digest", name="pk_login_refusals"),
    )
    op.create_index("ix_login_refusals_expires_at", "login_refusals", ["expires_at"])


def _create_instances() -> None:
    op.create_table(
        "instances",
        _id("instances"),
        _required("account_id", sa.Integer),
        _required("user_id", sa.Integer),
        _required("element_key", sa.String(64)),
        _required("name", sa.Text),
        _required("folded_name", sa.Text),
        _required("sealed_token", sa.LargeBinary),
        _required("token_digest", sa.LargeBinary),
        _required("sealed_configuration", sa.LargeBinary),
        _required("disabled", sa.Boolean),
        _required("created_at", _TIME),
        sa.Column("zone_url", sa.Text),
        sa.Column("zone_ci", sa.BigInteger),
        sa.Column("zone_web_url", sa.Text),
        sa.Column("zone_database_type", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_instances"),
        _reference("instances", "account_id", "accounts"),
        _reference("instances", "user_id", "users"),
        sa.UniqueConstraint("token_digest", name="uq_instances_token_digest"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_instances_account_id_id", "instances", ["account_id", "id"])
    op.create_table(
        "instance_tags",
        _required("instance_id", sa.Integer),
        _required("position", sa.Integer, autoincrement=False),
        _required("tag", sa.Text),
        sa.PrimaryKeyConstraint("instance_id", "position", name="pk_instance_tags"),
        _reference("instance_tags", "instance_id", "instances", ondelete="CASCADE"),
    )
    op.create_index("ix_instance_tags_tag", "instance_tags", ["tag"])


def _create_memories() -> None:
    op.create_table(
        "entity_metadata",
        _required("instance_id", sa.Integer),
        _required("entity", sa.String(128)),
        sa.Column("compressed_payload", sa.LargeBinary),
        sa.Column("content_hash", sa.String(64)),
        sa.Column("fetched_at", _TIME),
        sa.Column("claimed_until", _TIME),
        sa.PrimaryKeyConstraint("instance_id", "entity", name="pk_entity_metadata"),
        _reference("entity_metadata", "instance_id", "instances", ondelete="CASCADE"),
    )
    op.create_table(
        "page_ends",
        _required("instance_id", sa.Integer),
        _required("query_hash", sa.LargeBinary),
        _required("page_size", sa.Integer, autoincrement=False),
        _required("page", sa.Integer, autoincrement=False),
        _required("last_id", sa.BigInteger),
        _required("expires_at", _TIME),
        sa.PrimaryKeyConstraint(
            "instance_id", "query_hash", "page_size", "page", name="pk_page_ends"
        ),
        _reference("page_ends", "instance_id", "instances", ondelete="CASCADE"),
    )
    op.create_index("ix_page_ends_expires_at", "page_ends", ["expires_at"])
    op.create_table(
        "leases",
        _required("key", sa.Text),
        _required("holder", sa.Text),
        _required("expires_at", _TIME),
        sa.PrimaryKeyConstraint("key", name="pk_leases"),
    )
    op.create_index("ix_leases_expires_at", "leases", ["expires_at"])


def _number_from(first_ids: dict[str, int]) -> None:
    """Let SQLite count from where PostgreSQL's identity columns start."""
    counters = sa.table("sqlite_sequence", sa.column("name"), sa.column("seq"))
    for name, first_id in first_ids.items():
        op.execute(sa.insert(counters).values(name=name, seq=first_id - 1))


def _id(table: str) -> sa.Column[int]:
    return sa.Column("id", sa.Integer, sa.Identity(start=_FIRST_IDS[table]))


def _required(name: str, type_: Any, **kwargs: Any) -> sa.Column[Any]:  # noqa: ANN401 - passes SQLAlchemy's own arguments on
    return sa.Column(name, type_, nullable=False, **kwargs)


def _reference(
    table: str, column: str, target: str, *, ondelete: str | None = None
) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_{column}"
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=name, ondelete=ondelete
    )
