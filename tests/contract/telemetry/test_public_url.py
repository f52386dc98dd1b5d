"""Absolute URLs are the operator's, or what a trusted proxy says."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from bridge import composition
from bridge.app import create_app
from bridge.settings import Settings
from bridge.web.http import request_context

CLAIMS = {
    "X-Forwarded-For": "192.0.2.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "crm.example.com",
}


def url(tmp_path, headers, **settings):
    made = Settings(data_dir=tmp_path, **settings)
    database = composition.open_database(made)
    database.upgrade()
    database.close()
    app = create_app(made)
    app.add_url_rule("/where", view_func=request_context.public_url)
    return app.test_client().get("/where", headers=headers).text


def test_the_setting_wins(tmp_path):
    found = url(tmp_path, CLAIMS, public_url="https://bridge.example/under/")

    assert found == "https://bridge.example/under"


def test_the_header_of_a_trusted_proxy_is_used_next(tmp_path):
    found = url(tmp_path, CLAIMS, trusted_proxies=("127.0.0.1",))

    assert found == "https://crm.example.com"


def test_without_both_it_is_what_the_caller_called(tmp_path):
    assert url(tmp_path, CLAIMS) == "http://localhost"


@pytest.mark.parametrize(
    "settings",
    [
        {"public_url": "crm.example.com"},
        {"public_url": "ftp://crm.example.com"},
        {"public_url": "https://crm.example.com/?a=1"},
        {"public_url": "https://me:pw@crm.example.com"},
        {"trusted_proxies": ("nginx",)},
        {"trusted_proxies": ("10.0.0.1/24",)},
        {"metrics_networks": ("everybody",)},
        {"log_level": "loud"},
    ],
)
def test_settings_that_mean_nothing_are_refused(tmp_path, settings):
    with pytest.raises(ValidationError):
        Settings(data_dir=tmp_path, **settings)
