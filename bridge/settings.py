"""Settings: one row each; the only reader of the environment.

Every setting is an environment variable, `BRIDGE_` and its name in capitals.
"""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from bridge.errors import ConfigurationError


class Settings(BaseSettings):
    """What an operator can set; units are in the names."""

    model_config = SettingsConfigDict(
        env_prefix="BRIDGE_", extra="ignore", frozen=True, validate_default=True
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
        description="API tracking identifier for instances that bring none.",
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(),
        description="Hosts allowed as server URL besides `*.autotask.net`, as JSON.",
    )
    allow_loopback: bool = Field(
        default=False,
        description="Allow `http://` server URLs on this machine; `demo` sets it.",
    )
    timezone: str = Field(
        default="America/New_York", description="The zone of the vendor's times."
    )
    connect_timeout_s: float = Field(
        default=5.0, description="Connecting to the vendor."
    )
    read_timeout_s: float = Field(default=60.0, description="Silence of the vendor.")
    request_deadline_s: float = Field(
        default=110.0, description="One call of a caller, retries included."
    )
    governor_wait_s: float = Field(
        default=20.0,
        description="How long a call waits for its turn at the vendor; bulk longer.",
    )
    governor_lanes: int = Field(
        default=3,
        ge=1,
        description="Calls at a time for each tenant, tracking identifier and entity.",
    )
    governor_instance_lanes: int = Field(
        default=9,
        ge=1,
        description="Calls at a time of one instance, over all entities.",
    )
    governor_lease_s: float = Field(
        default=10.0,
        gt=0,
        description="How long a process of another machine that died keeps the calls "
        "it was making; less than `BRIDGE_GOVERNOR_WAIT_S`.",
    )
    metadata_lifetime_s: float = Field(
        default=3600.0,
        description="Age at which cached field metadata is fetched again.",
    )
    page_memory_s: float = Field(
        default=900.0, description="How long the end of a page is remembered."
    )
    write_lease_s: float = Field(
        default=120.0,
        description="How long an update may hold its record, or a create prepare.",
    )
    write_settle_s: float = Field(
        default=330.0,
        description="How long an unanswered create may still happen at the vendor.",
    )
    join_window_s: float = Field(
        default=600.0,
        description="How long an equal create counts as a retry of an unanswered one.",
    )
    key_lifetime_s: float = Field(
        default=86400.0,
        description="How long the answer to an `Idempotency-Key` is given again.",
    )
    session_lifetime_s: float = Field(
        default=86400.0, description="How long a login token is valid."
    )
    worker_lease_s: float = Field(
        default=30.0,
        gt=0,
        description="Silence after which others take over a worker's work.",
    )
    drain_s: float = Field(
        default=30.0,
        ge=0,
        description="How long calls and jobs may still take when we are stopped.",
    )
    strict_status: bool = Field(
        default=False,
        description="Answer 429, 503 and 504 where the old service answered 502.",
    )
    max_body_bytes: int = Field(
        default=10_000_000, description="Largest request body that is read."
    )
    max_upload_bytes: int = Field(
        default=10_000_000,
        ge=1,
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
        description="How long a caller may take to send a request's head; "
        "four times that for its body.",
    )
    keepalive_s: int = Field(
        default=60, ge=0, description="How long an idle connection is kept."
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
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="`debug`, `info`, `warning` or `error`."
    )
    log_format: Literal["auto", "json", "console"] = Field(
        default="auto",
        description="`json` or `console`; `auto` is `console` on a terminal.",
    )
    log_retention_days: float = Field(
        default=30.0, ge=0, description="How long requests and vendor calls are kept."
    )
    trace_retention_days: float = Field(
        default=3.0, ge=0, description="How long traces are kept."
    )
    trace_body_bytes: int = Field(
        default=65_536, ge=0, description="How much of each body a trace keeps."
    )
    metrics_networks: tuple[str, ...] = Field(
        default=(),
        description="Networks that may read `/metrics` besides this machine, as JSON.",
    )

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

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
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            ip_network(text)
        return value

    @field_validator("public_url")
    @classmethod
    def _public(cls, value: str) -> str:
        url = urlsplit(value)
        if value and (
            url.scheme not in {"http", "https"}
            or not url.hostname
            or url.query
            or url.fragment
            or url.username
        ):
            raise ValueError("must look like https://crm.example.com")
        return value.rstrip("/")


def read_settings() -> Settings:
    """Return the settings of this process's environment.

    Raises:
        ConfigurationError: a value cannot be used; names the variable, never its value.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = "_".join(str(part) for part in first["loc"][:1]).upper()
        raise ConfigurationError(f"BRIDGE_{name}: {first['msg']}.") from None
    except SettingsError as error:
        raise ConfigurationError(f"The environment cannot be read: {error}.") from None


def describe_settings() -> str:
    """Return the table of settings as Markdown, for the README."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, info in Settings.model_fields.items():
        default = info.default
        if isinstance(default, SecretStr):
            default = default.get_secret_value()
        shown = "" if default in (None, "", ()) else f"`{default}`"
        rows.append(f"| `BRIDGE_{name.upper()}` | {shown} | {info.description} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(describe_settings())  # noqa: T201 - the README's table, on request
