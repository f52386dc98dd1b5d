"""Names of settings: fields, keys of the settings file, environment variables.

For example the field `rate_limit_slots` is the key `rate_limit.slots` in the file and
the variable `BRIDGE_RATE_LIMIT_SLOTS`.
"""

from __future__ import annotations

PREFIX = "BRIDGE_"
CONFIG = "BRIDGE_CONFIG"
"""The variable with the path of the settings file; empty: no file is read."""

OTHER_PREFIXES = ("BRIDGE_SANDBOX_", "BRIDGE_TEST_")
"""Prefixes of variables that are read, but are not settings."""

TABLES = (
    "database",
    "autotask",
    "rate_limit",
    "metadata_cache",
    "page_positions",
    "record_lock",
    "idempotency",
    "session",
    "worker",
    "shutdown",
    "http",
    "callback",
    "log",
    "trace",
    "metrics",
)
"""Tables of the settings file; other fields are above the first table."""

RENAMED = {
    "governor_wait_s": "rate_limit_max_wait_s",
    "governor_lanes": "rate_limit_slots",
    "governor_instance_lanes": "rate_limit_slots_per_instance",
    "governor_lease_s": "rate_limit_lease_s",
    "metadata_lifetime_s": "metadata_cache_ttl_s",
    "page_memory_s": "page_positions_ttl_s",
    "write_lease_s": "record_lock_lease_s",
    "write_settle_s": "idempotency_settle_s",
    "join_window_s": "idempotency_retry_window_s",
    "key_lifetime_s": "idempotency_key_ttl_s",
    "session_lifetime_s": "session_ttl_s",
    "drain_s": "shutdown_timeout_s",
    "stall_s": "http_request_timeout_s",
    "keepalive_s": "http_keepalive_s",
    "max_body_bytes": "http_max_body_bytes",
    "max_upload_bytes": "http_max_upload_bytes",
    "max_header_bytes": "http_max_header_bytes",
    "max_headers": "http_max_headers",
    "connect_timeout_s": "autotask_connect_timeout_s",
    "read_timeout_s": "autotask_read_timeout_s",
    "request_deadline_s": "autotask_deadline_s",
    "timezone": "autotask_timezone",
    "allowed_hosts": "autotask_allowed_hosts",
    "allow_loopback": "autotask_allow_loopback",
}
"""Fields by the names they had up to release 0.2."""


def variable(field: str) -> str:
    """Return the environment variable of a field."""
    return f"{PREFIX}{field.upper()}"


def table_of(field: str) -> str:
    """Return the table of the settings file that has a field; "" for none."""
    for table in TABLES:
        if field.startswith(f"{table}_"):
            return table
    return ""


def key_path(field: str) -> str:
    """Return the key of a field in the settings file: `rate_limit.slots`."""
    table = table_of(field)
    return f"{table}.{field.removeprefix(f'{table}_')}" if table else field
