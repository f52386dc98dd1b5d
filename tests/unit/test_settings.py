"""What settings refuse of each other."""

from __future__ import annotations

import pytest

from bridge.errors import ConfigurationError
from bridge.settings import Settings, read_settings


def test_lanes_of_the_dead_are_free_before_callers_give_up():
    settings = Settings()

    assert settings.governor_lease_s < settings.governor_wait_s


def test_lease_that_outlasts_the_wait_is_refused(monkeypatch):
    monkeypatch.setenv("BRIDGE_GOVERNOR_WAIT_S", "12")
    monkeypatch.setenv("BRIDGE_GOVERNOR_LEASE_S", "12")

    with pytest.raises(
        ConfigurationError,
        match=r"BRIDGE_GOVERNOR_LEASE_S: .*less than BRIDGE_GOVERNOR_WAIT_S, 12",
    ):
        read_settings()
