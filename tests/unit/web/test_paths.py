"""Paths: brought to one form, then sorted by the credentials they need."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.server.wire import encode_target
from bridge.services.access import Secrets
from bridge.web.http.paths import PathMiddleware, normalise
from bridge.web.http.route_auth import BASE, AuthRule, auth_rule

OPEN = Secrets(user="u", organization="o")
WITH_ELEMENT = Secrets(user="u", element="e")


@pytest.mark.parametrize(
    ("sent", "routed"),
    [
        ("/a/b", "/a/b"),
        ("/a//b/", "/a/b"),
        ("//a///b//", "/a/b"),
        ("", "/"),
        ("/", "/"),
        ("/a%20b", "/a b"),
        ("/a/%2F", "/a/%2F"),
        ("/a/x%2fy", "/a/x%2Fy"),
        ("/50%/a", "/50%/a"),
        ("/%C3%A9", "/\xc3\xa9"),
        ("/J%F6rg", "/J\xc3\xb6rg"),
        ("/%80%2F", "/\xe2\x82\xac%2F"),
        ("/%C3%A9t%E9", "/\xc3\xa9t\xc3\xa9"),
        ("/%ED%A0%80", "/\xc3\xad\xc2\xa0\xe2\x82\xac"),
    ],
)
def test_paths_are_normalised(sent, routed):
    assert normalise(sent) == routed


@pytest.mark.parametrize(
    "environ",
    [
        {"RAW_URI": "/a//b/?c=//d/", "PATH_INFO": "/wrong"},
        {"REQUEST_URI": "http://host:8080/a//b?c", "PATH_INFO": "/wrong"},
        {"PATH_INFO": "/a//b/"},
        {"RAW_URI": "/mounted/a/b", "SCRIPT_NAME": "/mounted", "PATH_INFO": "//a/b"},
    ],
)
def test_the_path_is_found_in_any_variable_of_the_server(environ):
    def app(seen, _start_response):
        return [seen["PATH_INFO"].encode()]

    assert PathMiddleware(app)(environ, lambda *_: None) == [b"/a/b"]


@given(st.text(st.sampled_from("/ab%2Ff.")))
def test_normalising_makes_no_segments_and_is_stable_in_slashes(path):
    routed = normalise(path)

    assert "//" not in routed
    assert len(routed.strip("/").split("/")) <= max(
        1, len([segment for segment in path.split("/") if segment])
    )


@pytest.mark.parametrize(
    ("method", "path", "secrets", "family"),
    [
        ("POST", "/authentication", OPEN, AuthRule.ANONYMOUS),
        ("GET", "/instances", WITH_ELEMENT, AuthRule.PLATFORM),
        ("POST", "/instances", OPEN, AuthRule.PLATFORM),
        ("PUT", "/instances", OPEN, AuthRule.TOKEN),
        ("PATCH", "/instances", WITH_ELEMENT, AuthRule.TOKEN),
        ("DELETE", "/instances", WITH_ELEMENT, AuthRule.TOKEN),
        ("DELETE", "/instances/5", WITH_ELEMENT, AuthRule.PLATFORM),
        ("PUT", "/instances/enabled", OPEN, AuthRule.TOKEN),
        ("PUT", "/instances/5/enabled", OPEN, AuthRule.PLATFORM),
        ("GET", "/elements/autotaskcrm/instances", WITH_ELEMENT, AuthRule.PLATFORM),
        ("GET", "/hubs", OPEN, AuthRule.CATALOGUE),
        ("GET", "/hubs/crm/elements", OPEN, AuthRule.CATALOGUE),
        ("GET", "/elements/50/metadata", OPEN, AuthRule.CATALOGUE),
        ("GET", "/elements/50/instances", OPEN, AuthRule.PLATFORM),
        ("POST", "/elements/50/resources", OPEN, AuthRule.PLATFORM),
        ("GET", "/openapi.json", OPEN, AuthRule.ANONYMOUS),
        ("GET", "/hubs/crm/accounts", OPEN, AuthRule.HUB),
        ("GET", "/hubs/crm/instances", OPEN, AuthRule.HUB),
        ("GET", "/hubs/crm/no/such/path", OPEN, AuthRule.HUB),
        ("GET", "/accounts", OPEN, AuthRule.PLATFORM),
        ("GET", "/accounts", WITH_ELEMENT, AuthRule.HUB),
        ("GET", "/accounts/7", OPEN, AuthRule.PLATFORM),
        ("GET", "/accounts/7", WITH_ELEMENT, AuthRule.HUB),
        ("GET", "/accounts/settings", WITH_ELEMENT, AuthRule.PLATFORM),
        ("GET", "/accounts/7/users", WITH_ELEMENT, AuthRule.PLATFORM),
        ("GET", "/accounts/7/contacts", WITH_ELEMENT, AuthRule.HUB),
        ("GET", "/users/7", OPEN, AuthRule.PLATFORM),
        ("GET", "/users/7/roles", OPEN, AuthRule.PLATFORM),
        ("PUT", "/users/7/roles/reader", OPEN, AuthRule.PLATFORM),
        ("GET", "/users/7/roles", WITH_ELEMENT, AuthRule.HUB),
        ("GET", "/users/7/contacts", OPEN, AuthRule.HUB),
        ("GET", "/contacts/7/roles", OPEN, AuthRule.HUB),
        ("GET", "/hubs/crm/users/7/roles", OPEN, AuthRule.HUB),
        ("GET", "/users", WITH_ELEMENT, AuthRule.HUB),
        ("GET", "/contacts", OPEN, AuthRule.HUB),
        ("GET", "/ping", OPEN, AuthRule.HUB),
        ("GET", "/nonsense", OPEN, AuthRule.HUB),
    ],
)
def test_auth_rule_of_a_path(method, path, secrets, family):
    assert auth_rule(method, BASE + path, secrets) is family


@given(st.binary(max_size=60))
def test_encoded_targets_hold_printable_ascii_and_controls_only(target):
    line = encode_target(b"GET /" + target + b" HTTP/1.1")

    assert line.startswith(b"GET /")
    assert line.endswith(b" HTTP/1.1")
    encoded = line[len(b"GET ") : -len(b" HTTP/1.1")]
    assert all(byte < 0x80 and byte not in b" #" for byte in encoded)


def test_a_line_without_a_target_stays_as_it_is():
    assert encode_target(b"GET") == b"GET"
    assert encode_target(b"GET /") == b"GET /"
