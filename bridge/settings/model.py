"""What can be set, one row each."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Literal, TypeAlias, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bridge.settings.addresses import is_host, is_public

_HOUR_S = 3600.0
_DAY_S = 24 * _HOUR_S
_YEAR_S = 365 * _DAY_S
_LONGEST_DAYS = 3650.0
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


class Settings(BaseSettings):
    """What an operator can set; units are in the names."""

    model_config = SettingsConfigDict(
        env_prefix="BRIDGE_",
        extra="ignore",
        frozen=True,
        validate_default=True,
        allow_inf_nan=False,
    )

    data_dir: Path = Field(
        default=Path("bridge-data"),
        description="Databases, keys and files; made when missing.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="`postgresql+psycopg://…`; else SQLite in the data directory.",
    )
    keys: SecretStr | None = Field(
        default=None,
        description="The key ring as JSON text; wins over `keys.json`.",
    )
    integration_code: SecretStr = Field(
        default=SecretStr(""),
        description="API integration code for instances that bring none.",
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(),
        description="Hosts allowed as server URL besides `*.autotask.net`, as JSON.",
        examples=['["psa.example.com", "http://10.0.0.5:8081"]'],
    )
    allow_loopback: bool = Field(
        default=False,
        description="Allow `http://` server URLs on this machine; `demo` sets it.",
    )
    timezone: str = Field(
        default="America/New_York", description="The zone of the vendor's times."
    )
    connect_timeout_s: float = Field(
        default=5.0, gt=0, le=_HOUR_S, description="Connecting to the vendor."
    )
    read_timeout_s: float = Field(
        default=60.0, gt=0, le=_HOUR_S, description="Silence of the vendor."
    )
    request_deadline_s: float = Field(
        default=110.0,
        gt=0,
        le=_HOUR_S,
        description="One call of a caller, retries included.",
    )
    governor_wait_s: float = Field(
        default=20.0,
        ge=0,
        le=_HOUR_S,
        description="How long a call waits for its turn at the vendor; bulk longer.",
    )
    governor_lanes: int = Field(
        default=3,
        ge=1,
        le=1000,
        description="Calls at a time for each tenant, integration code and entity.",
    )
    governor_instance_lanes: int = Field(
        default=9,
        ge=1,
        le=1000,
        description="Calls at a time of one instance, over all entities.",
    )
    governor_lease_s: float = Field(
        default=10.0,
        gt=0,
        le=_HOUR_S,
        description="How long a process of another machine that died keeps the calls "
        "it was making; less than `BRIDGE_GOVERNOR_WAIT_S`.",
    )
    metadata_lifetime_s: float = Field(
        default=3600.0,
        ge=0,
        le=_YEAR_S,
        description="Age at which cached field metadata is renewed, behind the answer; "
        "before it at 24 times that age.",
    )
    page_memory_s: float = Field(
        default=900.0,
        ge=0,
        le=_YEAR_S,
        description="How long the end of a page is remembered.",
    )
    write_lease_s: float = Field(
        default=120.0,
        gt=0,
        le=_DAY_S,
        description="How long an update may hold its record, or a create prepare.",
    )
    write_settle_s: float = Field(
        default=330.0,
        ge=0,
        le=_DAY_S,
        description="How long an unanswered create may still happen at the vendor.",
    )
    join_window_s: float = Field(
        default=600.0,
        ge=0,
        le=_YEAR_S,
        description="How long an equal create counts as a retry of an unanswered one.",
    )
    key_lifetime_s: float = Field(
        default=86400.0,
        ge=0,
        le=_YEAR_S,
        description="How long the answer to an `Idempotency-Key` is given again.",
    )
    session_lifetime_s: float = Field(
        default=86400.0,
        gt=0,
        le=_YEAR_S,
        description="How long a login token is valid.",
    )
    worker_lease_s: float = Field(
        default=30.0,
        gt=0,
        le=_HOUR_S,
        description="Silence after which others take over a worker's work.",
    )
    drain_s: float = Field(
        default=30.0,
        ge=0,
        le=_HOUR_S,
        description="How long calls and jobs may still take when we are stopped.",
    )
    strict_status: bool = Field(
        default=False,
        description="Answer 429, 503 and 504 where the old service answered 502.",
    )
    extended_operations: tuple[_Operation, ...] = Field(
        default=(),
        description="Operations of Autotask that resources added to the element may "
        "call besides those that read records and metadata, as JSON: "
        f"{', '.join(f'`{name}`' for name in get_args(_Operation))}.",
        examples=['["create", "update"]'],
    )
    max_body_bytes: int = Field(
        default=10_000_000,
        ge=1,
        le=_GIGABYTE,
        description="Largest request body that is read.",
    )
    max_upload_bytes: int = Field(
        default=10_000_000,
        ge=1,
        le=_GIGABYTE,
        description="Largest file that is taken as an attachment.",
    )
    max_header_bytes: int = Field(
        default=8190, ge=1024, le=65_536, description="Longest header of a request."
    )
    max_headers: int = Field(
        default=100, ge=10, le=1000, description="Most headers of a request."
    )
    stall_s: float = Field(
        default=30.0,
        gt=0,
        le=_HOUR_S,
        description="How long a caller may take to send a request's head; "
        "four times that for its body.",
    )
    keepalive_s: int = Field(
        default=60, ge=0, le=3600, description="How long an idle connection is kept."
    )
    public_url: str = Field(
        default="",
        description="Where callers reach the bridge, `https://crm.example.com`; "
        "else taken from the request.",
    )
    trusted_proxies: tuple[str, ...] = Field(
        default=(),
        description="Addresses or networks whose `X-Forwarded-For`, `-Proto` and "
        "`-Host` are believed, as JSON.",
        examples=['["127.0.0.1", "10.0.0.0/8"]'],
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="`debug`, `info`, `warning` or `error`."
    )
    log_format: Literal["auto", "json", "console"] = Field(
        default="auto",
        description="`json` or `console`; `auto` is `console` on a terminal.",
    )
    log_retention_days: float = Field(
        default=30.0,
        ge=0,
        le=_LONGEST_DAYS,
        description="How long requests and vendor calls are kept.",
    )
    trace_retention_days: float = Field(
        default=3.0, ge=0, le=_LONGEST_DAYS, description="How long traces are kept."
    )
    trace_body_bytes: int = Field(
        default=65_536,
        ge=0,
        le=_GIGABYTE,
        description="How much of each body a trace keeps.",
    )
    metrics_networks: tuple[str, ...] = Field(
        default=(),
        description="Networks that may read `/metrics` besides this machine, as JSON.",
        examples=['["10.0.0.0/8"]'],
    )

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            return ZoneInfo(value.strip()).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("must be a zone name such as America/New_York") from None

    @field_validator("allowed_hosts")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(map(is_host, value)):
            raise ValueError(list_of("allowed_hosts"))
        return value

    @field_validator("governor_lease_s")
    @classmethod
    def _outlived(cls, value: float, info: ValidationInfo) -> float:
        wait_s = info.data.get("governor_wait_s")
        # Else a caller would give up before a dead process's calls are free again.
        if wait_s is not None and value >= wait_s:
            raise ValueError(f"must be less than BRIDGE_GOVERNOR_WAIT_S, {wait_s:g}")
        return value

    @field_validator("trusted_proxies", "metrics_networks")
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


def variable(field: str) -> str:
    """Return the environment variable that sets a field."""
    return f"BRIDGE_{field.upper()}"


def list_of(field: str) -> str:
    """Return what a list has to look like in the environment."""
    info = Settings.model_fields.get(field)
    example = info.examples[0] if info and info.examples else '["…"]'
    return f"must be a JSON list such as {example}"
