"""Settings: an invalid value is refused with its variable and the valid form."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bridge.errors import ConfigurationError
from bridge.settings import Settings, read_settings
from bridge.settings.names import RENAMED

REFUSED = [
    ("LOG_RETENTION_DAYS", "3000000", "less than or equal to 3650"),
    ("LOG_RETENTION_DAYS", "1e12", "less than or equal to 3650"),
    ("TRACE_RETENTION_DAYS", "-1", "greater than or equal to 0"),
    ("SHUTDOWN_TIMEOUT_S", "inf", "finite number"),
    ("SHUTDOWN_TIMEOUT_S", "nan", "finite number"),
    ("AUTOTASK_TIMEZONE", "Mars/X", "America/New_York"),
    ("AUTOTASK_TIMEZONE", "", "America/New_York"),
    ("AUTOTASK_TIMEZONE", "../../etc/passwd", "America/New_York"),
    ("AUTOTASK_TIMEZONE", "America", "America/New_York"),
    ("HTTP_MAX_BODY_BYTES", "-5", "greater than or equal to 1"),
    ("HTTP_MAX_BODY_BYTES", "10 MB", "a whole number from 1 to 1000000000."),
    ("RATE_LIMIT_SLOTS", "abc", "must be a whole number from 1 to 1000."),
    ("RATE_LIMIT_SLOTS", "2.5", "must be a whole number from 1 to 1000."),
    ("AUTOTASK_READ_TIMEOUT_S", "soon", "a number above 0 and up to 3600."),
    ("LOG_RETENTION_DAYS", "", "must be a number from 0 to 3650."),
    ("AUTOTASK_CONNECT_TIMEOUT_S", "-1", "greater than 0"),
    ("AUTOTASK_CONNECT_TIMEOUT_S", "nan", "finite number"),
    ("AUTOTASK_READ_TIMEOUT_S", "0", "greater than 0"),
    ("AUTOTASK_DEADLINE_S", "1e300", "less than or equal to 3600"),
    ("STRICT_STATUS", "perhaps", "must be true or false."),
    ("AUTOTASK_ALLOWED_HOSTS", "abc", '["psa.example.com", "http://10.0.0.5:8081"]'),
    ("AUTOTASK_ALLOWED_HOSTS", '"abc"', "JSON list"),
    ("AUTOTASK_ALLOWED_HOSTS", '["a b"]', "JSON list"),
    ("AUTOTASK_ALLOWED_HOSTS", '["https://x.example/path"]', "JSON list"),
    ("AUTOTASK_ALLOWED_HOSTS", '["x.example:port"]', "JSON list"),
    ("AUTOTASK_ALLOWED_HOSTS", '["user@x.example"]', "JSON list"),
    ("TRUSTED_PROXIES", "127.0.0.1", '["127.0.0.1", "10.0.0.0/8"]'),
    ("TRUSTED_PROXIES", '["proxy"]', '["127.0.0.1", "10.0.0.0/8"]'),
    ("METRICS_NETWORKS", '["10.0.0.1/8"]', '["10.0.0.0/8"]'),
    ("PUBLIC_URL", "crm.example.com", "https://crm.example.com"),
    ("PUBLIC_URL", "https://[crm", "https://crm.example.com"),
    ("LOG_LEVEL", "loud", "'debug'"),
    ("DATA_DIR", "~nobody-here/data", "name of a user"),
]


@pytest.mark.parametrize(("name", "value", "form"), REFUSED)
def test_an_invalid_value_is_refused(monkeypatch, name, value, form):
    monkeypatch.setenv(f"BRIDGE_{name}", value)

    with pytest.raises(ConfigurationError) as caught:
        read_settings()

    text = str(caught.value)
    assert text.startswith(f"BRIDGE_{name} must ")
    assert form in text
    assert len(text) < 300


def test_a_list_without_end_is_refused(monkeypatch):
    monkeypatch.setenv("BRIDGE_AUTOTASK_ALLOWED_HOSTS", "[" * 100_000)

    with pytest.raises(ConfigurationError, match="nested too deep"):
        read_settings()


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        (
            "AUTOTASK_ALLOWED_HOSTS",
            '["psa.example.com", "x:8443", "http://127.0.0.1:1"]',
            ("psa.example.com", "x:8443", "http://127.0.0.1:1"),
        ),
        ("AUTOTASK_ALLOWED_HOSTS", '["http://[::1]:8081"]', ("http://[::1]:8081",)),
        (
            "TRUSTED_PROXIES",
            '["127.0.0.1", "::1", "10.0.0.0/8"]',
            ("127.0.0.1", "::1", "10.0.0.0/8"),
        ),
        ("AUTOTASK_TIMEZONE", "Europe/Copenhagen", "Europe/Copenhagen"),
        ("LOG_RETENTION_DAYS", "3650", 3650.0),
        ("SHUTDOWN_TIMEOUT_S", "0", 0.0),
        (
            "PUBLIC_URL",
            "https://crm.example.com/bridge/",
            "https://crm.example.com/bridge",
        ),
    ],
)
def test_a_valid_value_is_read_from_the_environment(monkeypatch, name, value, read):
    monkeypatch.setenv(f"BRIDGE_{name}", value)

    assert getattr(read_settings(), name.lower()) == read


def test_every_number_has_bounds():
    """A number without them overflows somewhere, or waits for ever."""
    numbers = {
        name: {type(bound).__name__ for bound in info.metadata}
        for name, info in Settings.model_fields.items()
        if info.annotation in (int, float)
    }

    assert numbers
    for name, bounds in numbers.items():
        assert bounds & {"Ge", "Gt"}, name
        assert "Le" in bounds, name


@pytest.mark.campaign
@pytest.mark.parametrize("command", [["doctor"], ["serve", "--port", "0"], ["worker"]])
def test_doctor_and_serving_refuse_alike(tmp_path, command):
    ended = subprocess.run(
        [sys.executable, "-m", "bridge", *command],
        capture_output=True,
        text=True,
        timeout=120,
        env={
            **os.environ,
            "BRIDGE_DATA_DIR": str(tmp_path / "data"),
            "BRIDGE_AUTOTASK_TIMEZONE": "Mars/X",
        },
        check=False,
    )

    said = ended.stdout + ended.stderr
    assert ended.returncode == 1
    assert (
        "BRIDGE_AUTOTASK_TIMEZONE must be a zone name such as America/New_York" in said
    )
    assert "Traceback" not in said
    assert len(ended.stderr.splitlines()) == 1
    assert not (tmp_path / "data").exists()


def test_slots_of_a_crashed_process_are_free_before_callers_time_out():
    settings = Settings()

    assert settings.rate_limit_lease_s < settings.rate_limit_max_wait_s


def test_lease_that_outlasts_the_wait_is_refused(monkeypatch):
    monkeypatch.setenv("BRIDGE_RATE_LIMIT_MAX_WAIT_S", "12")
    monkeypatch.setenv("BRIDGE_RATE_LIMIT_LEASE_S", "12")

    with pytest.raises(
        ConfigurationError,
        match="BRIDGE_RATE_LIMIT_LEASE_S must be less than "
        "BRIDGE_RATE_LIMIT_MAX_WAIT_S, 12",
    ):
        read_settings()


def test_each_old_variable_is_still_read(monkeypatch):
    given = {
        "timezone": "Europe/Copenhagen",
        "allowed_hosts": '["psa.example.com"]',
        "allow_loopback": "true",
        "governor_lease_s": "7",
        "max_header_bytes": "4096",
    }
    for old in RENAMED:
        monkeypatch.setenv(f"BRIDGE_{old.upper()}", given.get(old, "33"))

    settings = read_settings()

    for old, new in RENAMED.items():
        assert getattr(settings, new) != getattr(Settings(), new), old
    assert settings.autotask_allowed_hosts == ("psa.example.com",)


def test_the_new_variable_wins_over_the_old(monkeypatch):
    monkeypatch.setenv("BRIDGE_GOVERNOR_LANES", "5")
    monkeypatch.setenv("BRIDGE_RATE_LIMIT_SLOTS", "7")

    assert read_settings().rate_limit_slots == 7


def test_a_refusal_names_the_new_variable_and_the_old_one_that_was_set(monkeypatch):
    monkeypatch.setenv("BRIDGE_GOVERNOR_LANES", "0")

    with pytest.raises(ConfigurationError) as caught:
        read_settings()

    assert str(caught.value).startswith(
        "BRIDGE_RATE_LIMIT_SLOTS (set as BRIDGE_GOVERNOR_LANES) must be greater than"
    )


def test_old_variables_are_named_once(tmp_path):
    """The processes of a command share one warning."""
    ended = subprocess.run(
        [sys.executable, "-m", "bridge", "db", "version"],
        capture_output=True,
        text=True,
        timeout=120,
        env={
            **os.environ,
            "BRIDGE_DATA_DIR": str(tmp_path / "data"),
            "BRIDGE_GOVERNOR_LANES": "5",
            "BRIDGE_DRAIN_S": "5",
            "BRIDGE_SHUTDOWN_TIMEOUT_S": "6",
        },
        check=False,
    )

    assert ended.stderr.splitlines()[0] == (
        "BRIDGE_GOVERNOR_LANES is now BRIDGE_RATE_LIMIT_SLOTS; the old name is still "
        "read. BRIDGE_DRAIN_S is ignored because BRIDGE_SHUTDOWN_TIMEOUT_S is set."
    )
