"""The tables; only this package may use them.

Migrations repeat these declarations on purpose, because a released migration never
changes; a test requires the two to be equal. Secrets are stored sealed (`sealed_…`, the
bytes of `KeyRing.seal`) or as a keyed digest (`…_digest`), never in clear text.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    true,
)

from bridge.store.column_types import UtcDateTime

MAX_INTEGER = 2**31 - 1
"""The largest `Integer`; PostgreSQL rejects comparing a column with a larger number."""

ROWS_PER_BATCH = "rows_per_batch"
"""In `info` of a table with long rows: how many to read or delete at once."""


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)


def _id(start: int) -> Column[int]:
    return Column("id", Integer, Identity(start=start), primary_key=True)


def _long_id() -> Column[int]:
    # SQLite assigns ids only to an `INTEGER` column, which holds 64 bits all the same.
    kind = BigInteger().with_variant(Integer, "sqlite")
    return Column("id", kind, Identity(), primary_key=True)


def _instance_id() -> Column[int]:
    owner = ForeignKey("instances.id", ondelete="CASCADE")
    return Column("instance_id", Integer, owner, primary_key=True)


def _owning_instance() -> Column[int]:
    owner = ForeignKey("instances.id", ondelete="CASCADE")
    return _required("instance_id", Integer, owner, index=True)


def _required(name: str, type_: Any, *args: Any, **kwargs: Any) -> Column[Any]:  # noqa: ANN401 - passes SQLAlchemy's own arguments on
    return Column(name, type_, *args, nullable=False, **kwargs)


key_checks = Table(
    "key_checks",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    _required("sealed_text", LargeBinary),
    _required("text_digest", LargeBinary),
)

organizations = Table(
    "organizations",
    metadata,
    _id(5501),
    _required("name", Text),
    _required("sealed_secret", LargeBinary),
    _required("secret_digest", LargeBinary, unique=True),
    _required("created_at", UtcDateTime),
    sqlite_autoincrement=True,
)

accounts = Table(
    "accounts",
    metadata,
    _id(41201),
    _required("organization_id", Integer, ForeignKey("organizations.id"), index=True),
    _required("name", Text),
    _required("created_at", UtcDateTime),
    Column("description", Text),
    Column("external_id", Text),
    _required("extended", Boolean, server_default=false()),
    sqlite_autoincrement=True,
)

extended_resources = Table(
    "extended_resources",
    metadata,
    _id(100001),
    _required(
        "account_id", Integer, ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    ),
    _required("element_key", String(64)),
    _required("method", String(16)),
    _required("document", Text),
    sqlite_autoincrement=True,
)

account_settings = Table(
    "account_settings",
    metadata,
    Column(
        "account_id",
        Integer,
        ForeignKey("accounts.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("name", String(128), primary_key=True),
    _required("value", Text),
)

users = Table(
    "users",
    metadata,
    _id(60301),
    _required("account_id", Integer, ForeignKey("accounts.id"), index=True),
    _required("email", Text),
    _required("folded_email", Text, unique=True),
    _required("first_name", Text),
    _required("last_name", Text),
    _required("admin", Boolean),
    _required("sealed_password_digest", LargeBinary),
    _required("sealed_secret", LargeBinary),
    _required("secret_digest", LargeBinary, unique=True),
    _required("created_at", UtcDateTime),
    Column("last_login_at", UtcDateTime),
    _required("active", Boolean, server_default=true()),
    sqlite_autoincrement=True,
)

sessions = Table(
    "sessions",
    metadata,
    Column("bearer_digest", LargeBinary, primary_key=True),
    _required("user_id", Integer, ForeignKey("users.id", ondelete="CASCADE")),
    _required("expires_at", UtcDateTime, index=True),
)

login_refusals = Table(
    "login_refusals",
    metadata,
    Column("email_digest", LargeBinary, primary_key=True),
    _required("count", Integer),
    _required("expires_at", UtcDateTime, index=True),
)

instances = Table(
    "instances",
    metadata,
    _id(900001),
    _required("account_id", Integer, ForeignKey("accounts.id")),
    _required("user_id", Integer, ForeignKey("users.id")),
    _required("element_key", String(64)),
    _required("name", Text),
    _required("folded_name", Text),
    _required("sealed_token", LargeBinary),
    _required("token_digest", LargeBinary, unique=True),
    _required("sealed_configuration", LargeBinary),
    _required("disabled", Boolean),
    _required("created_at", UtcDateTime),
    Column("zone_url", Text),
    Column("zone_ci", BigInteger),
    Column("zone_web_url", Text),
    Column("zone_database_type", Text),
    Column("traced_until", UtcDateTime),
    Index("ix_instances_account_id_id", "account_id", "id"),
    sqlite_autoincrement=True,
)

instance_tags = Table(
    "instance_tags",
    metadata,
    _instance_id(),
    Column("position", Integer, primary_key=True, autoincrement=False),
    _required("tag", Text, index=True),
)

entity_metadata = Table(
    "entity_metadata",
    metadata,
    _instance_id(),
    Column("entity", String(128), primary_key=True),
    Column("compressed_payload", LargeBinary),
    Column("content_hash", String(64)),
    Column("fetched_at", UtcDateTime),
    Column("claimed_until", UtcDateTime),
)

page_ends = Table(
    "page_ends",
    metadata,
    _instance_id(),
    Column("query_hash", LargeBinary, primary_key=True),
    Column("page_size", Integer, primary_key=True, autoincrement=False),
    Column("page", Integer, primary_key=True, autoincrement=False),
    _required("last_id", BigInteger),
    _required("expires_at", UtcDateTime, index=True),
)

list_totals = Table(
    "list_totals",
    metadata,
    _instance_id(),
    Column("query_hash", LargeBinary, primary_key=True),
    Column("total", Integer),
    _required("expires_at", UtcDateTime, index=True),
)

leases = Table(
    "leases",
    metadata,
    Column("key", Text, primary_key=True),
    _required("holder", Text),
    _required("expires_at", UtcDateTime, index=True),
)

write_intents = Table(
    "write_intents",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    _required("instance_id", Integer, ForeignKey("instances.id", ondelete="CASCADE")),
    _required("tenant", String(64)),
    _required("entity", String(128)),
    Column("scope_digest", LargeBinary, unique=True),
    _required("body_digest", LargeBinary),
    _required("keyed", Boolean),
    _required("state", String(16)),
    _required("holder", Text),
    _required("joined", Boolean),
    _required("sent_at", UtcDateTime),
    _required("leased_until", UtcDateTime),
    Column("unknown_since", UtcDateTime),
    Column("floor_id", BigInteger),
    Column("record_id", BigInteger),
    Column("sealed_answer", LargeBinary),
    Column("expires_at", UtcDateTime, index=True),
    UniqueConstraint("tenant", "entity", "record_id"),
    Index("ix_write_intents_instance_id", "instance_id"),
    sqlite_autoincrement=True,
)

vendor_ledgers = Table(
    "vendor_ledgers",
    metadata,
    Column("database", Text, primary_key=True),
    _required("version", BigInteger),
    _required("payload", Text),
)

vendor_hosts = Table(
    "vendor_hosts",
    metadata,
    Column("host", Text, primary_key=True),
    _required("failures", Integer),
    _required("pause_s", Float),
    _required("probing", Boolean),
    _required("left_until", UtcDateTime),
    _required("failed_at", UtcDateTime),
    Column("provider_message", Text),
    _required("expires_at", UtcDateTime, index=True),
)

workers = Table(
    "workers",
    metadata,
    Column("id", Text, primary_key=True),
    _required("version", Text),
    _required("started_at", UtcDateTime),
    _required("seen_at", UtcDateTime),
    _required("expires_at", UtcDateTime, index=True),
)

request_log = Table(
    "request_log",
    metadata,
    _long_id(),
    _required("request_id", String(64), index=True),
    _required("answered_at", UtcDateTime),
    Column("organization_id", Integer),
    Column("account_id", Integer),
    Column("user_id", Integer),
    Column("instance_id", Integer),
    Column("element_key", String(64)),
    _required("method", String(16)),
    _required("path", Text),
    _required("route", Text),
    _required("status", Integer),
    _required("duration_ms", Float),
    _required("vendor_calls", Integer),
    Column("remote_address", String(64)),
    _required("expires_at", UtcDateTime, index=True),
    Index("ix_request_log_account_id_answered_at", "account_id", "answered_at"),
    sqlite_autoincrement=True,
)

vendor_call_log = Table(
    "vendor_call_log",
    metadata,
    _long_id(),
    Column("request_id", String(64), index=True),
    Column("instance_id", Integer),
    _required("operation", String(64)),
    _required("entity", String(128)),
    _required("attempt", Integer),
    _required("outcome", String(32)),
    _required("started_at", UtcDateTime),
    _required("duration_ms", Float),
    _required("expires_at", UtcDateTime, index=True),
    Index("ix_vendor_call_log_instance_id_started_at", "instance_id", "started_at"),
    sqlite_autoincrement=True,
)

traces = Table(
    "traces",
    metadata,
    _long_id(),
    _required("request_id", String(64), index=True),
    _required("instance_id", Integer, index=True),
    _required("sealed_exchange", LargeBinary),
    _required("expires_at", UtcDateTime, index=True),
    sqlite_autoincrement=True,
)

walk_checkpoints = Table(
    "walk_checkpoints",
    metadata,
    Column("owner_id", String(128), primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    _owning_instance(),
    _required("sequence", Integer),
    Column("after_id", BigInteger),
    _required("done", Boolean),
    _required("expires_at", UtcDateTime, index=True),
)

result_chunks = Table(
    "result_chunks",
    metadata,
    Column("owner_id", String(128), primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    _owning_instance(),
    _required("row_count", Integer),
    _required("size_bytes", Integer),
    _required("created_at", UtcDateTime),
    _required("expires_at", UtcDateTime, index=True),
    # Last, so that SQLite reads the other columns without the pages of the data.
    _required("sealed_data", LargeBinary),
    info={ROWS_PER_BATCH: 10},
)
