"""The settings: each with its default, bounds and description.

`docs/settings.md`, the settings file of `bridge config init` and the messages about
invalid values are generated from these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Literal, TypeAlias, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationInfo,
    field_validator,
)

from bridge.settings.addresses import is_host, is_public
from bridge.settings.names import variable
from bridge.settings.paths import make_absolute

_HOUR_S = 3600.0
_DAY_S = 24 * _HOUR_S
_YEAR_S = 365 * _DAY_S
_MAX_DAYS = 3650.0
_GIGABYTE = 1_000_000_000

_Operation: TypeAlias = Literal[
    "create",
    "update",
    "delete",
    "GetAttachment",
    "CreateAttachment",
    "DeleteAttachment",
    "GetInvoiceMarkup",
    "getZoneInfo",
]


SECRETS = ("keys", "integration_code", "database_url")
"""Fields that are never shown, and that can be read from a file of their own."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where values were set, by field; ignored when settings are compared."""

    by_field: Mapping[str, str] = field(default_factory=dict, compare=False)


class Settings(BaseModel):
    """The settings of an installation; units are in the names."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        validate_default=True,
        allow_inf_nan=False,
    )

    data_dir: Path = Field(
        default=Path("bridge-data"),
        description="Directory for databases, keys and files; created when missing.",
        examples=["/var/lib/bridge"],
    )
    integration_code: SecretStr = Field(
        default=SecretStr(""),
        description="Autotask integration code for instances that have none.",
    )
    public_url: str = Field(
        default="",
        description="Base URL of Bridge as callers reach it; empty: taken from the "
        "request.",
        examples=["https://crm.example.com"],
    )
    keys: SecretStr | None = Field(
        default=None,
        description="Key ring as JSON text; overrides `keys.json` in the data "
        "directory.",
    )
    trusted_proxies: tuple[str, ...] = Field(
        default=(),
        description="Addresses or networks of proxies whose `X-Forwarded-For`, "
        "`-Proto` and `-Host` headers are trusted.",
        examples=['["127.0.0.1", "10.0.0.0/8"]'],
    )
    strict_status: bool = Field(
        default=False,
        description="Respond with 429, 503 and 504 where the old service responded "
        "with 502.",
    )
    extended_operations: tuple[_Operation, ...] = Field(
        default=(),
        description="Autotask operations that resources added to the element may call "
        "besides those that read records and metadata: "
        f"{', '.join(f'`{name}`' for name in get_args(_Operation))}.",
        examples=['["create", "update"]'],
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="URL of the PostgreSQL database; empty: SQLite in the data "
        "directory.",
        examples=["postgresql+psycopg://bridge:secret@db.example.com/bridge"],
    )
    autotask_connect_timeout_s: float = Field(
        default=5.0,
        gt=0,
        le=_HOUR_S,
        description="Connect timeout for Autotask.",
    )
    autotask_read_timeout_s: float = Field(
        default=60.0,
        gt=0,
        le=_HOUR_S,
        description="Read timeout for Autotask responses.",
    )
    autotask_deadline_s: float = Field(
        default=110.0,
        gt=0,
        le=_HOUR_S,
        description="Timeout for one request of a caller, with all its Autotask calls "
        "and their retries.",
    )
    autotask_timezone: str = Field(
        default="America/New_York",
        description="Time zone of the times that Autotask sends and accepts.",
    )
    autotask_allowed_hosts: tuple[str, ...] = Field(
        default=(),
        description="Hosts allowed in server URLs besides `*.autotask.net`.",
        examples=['["psa.example.com", "http://10.0.0.5:8081"]'],
    )
    autotask_allow_loopback: bool = Field(
        default=False,
        description="Allow `http://` server URLs on this machine; `bridge demo` "
        "enables it.",
    )
    rate_limit_max_wait_s: float = Field(
        default=20.0,
        ge=0,
        le=_HOUR_S,
        description="Maximum time that an interactive call waits for a slot; all "
        "others wait until their deadline.",
    )
    rate_limit_slots: int = Field(
        default=3,
        ge=1,
        le=1000,
        description="Maximum concurrent Autotask calls for each tenant, integration "
        "code and entity.",
    )
    rate_limit_slots_per_instance: int = Field(
        default=9,
        ge=1,
        le=1000,
        description="Maximum concurrent Autotask calls of one instance.",
    )
    rate_limit_lease_s: float = Field(
        default=10.0,
        gt=0,
        le=_HOUR_S,
        description="Time after which the slots of a process that crashed on another "
        "machine are free again; less than `BRIDGE_RATE_LIMIT_MAX_WAIT_S`.",
    )
    metadata_cache_ttl_s: float = Field(
        default=3600.0,
        ge=0,
        le=_YEAR_S,
        description="Age at which cached field metadata is refreshed in the "
        "background; after 24 times as long, before the response.",
    )
    page_positions_ttl_s: float = Field(
        default=900.0,
        ge=0,
        le=_YEAR_S,
        description="Time to live of page positions, for paging by number.",
    )
    record_lock_lease_s: float = Field(
        default=120.0,
        gt=0,
        le=_DAY_S,
        description="Maximum time that an update holds the lock of its record, or a "
        "create prepares.",
    )
    idempotency_settle_s: float = Field(
        default=330.0,
        ge=0,
        le=_DAY_S,
        description="Time within which Autotask may still commit a create that it did "
        "not respond to.",
    )
    idempotency_retry_window_s: float = Field(
        default=600.0,
        ge=0,
        le=_YEAR_S,
        description="Time within which an identical create counts as a retry of one "
        "with an unknown outcome.",
    )
    idempotency_key_ttl_s: float = Field(
        default=86400.0,
        ge=0,
        le=_YEAR_S,
        description="Time to live of responses stored by `Idempotency-Key`.",
    )
    session_ttl_s: float = Field(
        default=86400.0,
        gt=0,
        le=_YEAR_S,
        description="Time to live of login tokens.",
    )
    worker_lease_s: float = Field(
        default=30.0,
        gt=0,
        le=_HOUR_S,
        description="Time without a heartbeat after which other workers take over a "
        "worker's jobs.",
    )
    shutdown_timeout_s: float = Field(
        default=30.0,
        ge=0,
        le=_HOUR_S,
        description="Maximum time that running requests and jobs may take after "
        "SIGTERM.",
    )
    http_max_body_bytes: int = Field(
        default=10_000_000,
        ge=1,
        le=_GIGABYTE,
        description="Maximum size of a request body.",
    )
    http_max_upload_bytes: int = Field(
        default=10_000_000,
        ge=1,
        le=_GIGABYTE,
        description="Maximum size of an uploaded attachment.",
    )
    http_max_header_bytes: int = Field(
        default=8190,
        ge=1024,
        le=65_536,
        description="Maximum length of a request header.",
    )
    http_max_headers: int = Field(
        default=100,
        ge=10,
        le=1000,
        description="Maximum number of headers of a request.",
    )
    http_request_timeout_s: float = Field(
        default=30.0,
        gt=0,
        le=_HOUR_S,
        description="Timeout for receiving the head of a request; four times as long "
        "for its body.",
    )
    http_keepalive_s: int = Field(
        default=60,
        ge=0,
        le=3600,
        description="Timeout of idle keep-alive connections.",
    )
    callback_allowed_networks: tuple[str, ...] = Field(
        default=(),
        description="Networks that requests to callback URLs may be sent to besides "
        "public addresses; `bridge demo` allows this machine.",
        examples=['["10.20.0.0/16", "fd12:3456::/32"]'],
    )
    callback_timeout_s: float = Field(
        default=30.0,
        gt=0,
        le=_HOUR_S,
        description="Timeout for one request to a callback URL.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info",
        description="Minimum level of log lines: `debug`, `info`, `warning` or "
        "`error`.",
    )
    log_format: Literal["auto", "json", "console"] = Field(
        default="auto",
        description="Format of log lines: `json` or `console`; `auto` is `console` on "
        "a terminal, else `json`.",
    )
    log_retention_days: float = Field(
        default=30.0,
        ge=0,
        le=_MAX_DAYS,
        description="Retention of the request log and the vendor call log.",
    )
    trace_retention_days: float = Field(
        default=3.0,
        ge=0,
        le=_MAX_DAYS,
        description="Retention of traces.",
    )
    trace_body_bytes: int = Field(
        default=65_536,
        ge=0,
        le=_GIGABYTE,
        description="Maximum size of each body in a trace; the rest is cut off.",
    )
    metrics_networks: tuple[str, ...] = Field(
        default=(),
        description="Networks that may read `/metrics` besides this machine.",
        examples=['["10.0.0.0/8"]'],
    )

    _places: Places = PrivateAttr(default_factory=Places)

    def with_places(self, places: Mapping[str, str]) -> Settings:
        """Return the same settings with the places where they were set."""
        copy = self.model_copy()
        copy._places = Places(places)  # noqa: SLF001 - one of this class
        return copy

    def place(self, name: str) -> str:
        """Return how errors name the place where a field was set."""
        return self._places.by_field.get(name) or variable(name)

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        try:
            return make_absolute(value.expanduser())
        except RuntimeError:
            raise ValueError("must begin with the name of a user after ~") from None

    @field_validator("keys", "database_url", mode="before")
    @classmethod
    def _not_empty(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("autotask_timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            return ZoneInfo(value.strip()).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("must be a zone name such as America/New_York") from None

    @field_validator("autotask_allowed_hosts")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(map(is_host, value)):
            raise ValueError(list_of("autotask_allowed_hosts"))
        return value

    @field_validator("rate_limit_lease_s")
    @classmethod
    def _less_than_max_wait(cls, value: float, info: ValidationInfo) -> float:
        wait_s = info.data.get("rate_limit_max_wait_s")
        # Otherwise callers time out before the slots of a crashed process are free.
        if wait_s is not None and value >= wait_s:
            longest = variable("rate_limit_max_wait_s")
            raise ValueError(f"must be less than {longest}, {wait_s:g}")
        return value

    @field_validator("trusted_proxies", "metrics_networks", "callback_allowed_networks")
    @classmethod
    def _networks(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        try:
            for text in value:
                ip_network(text)
        except ValueError:
            raise ValueError(list_of(info.field_name or "")) from None
        return value

    @field_validator("public_url")
    @classmethod
    def _public(cls, value: str) -> str:
        if value and not is_public(value):
            raise ValueError("must look like https://crm.example.com")
        return value.rstrip("/")


def list_of(field: str) -> str:
    """Return the message for an invalid list; in the environment it is JSON."""
    info = Settings.model_fields.get(field)
    example = info.examples[0] if info and info.examples else '["…"]'
    return f"must be a list such as {example}"
