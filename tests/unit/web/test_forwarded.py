"""Whom a forwarded header is believed, and how far."""

from __future__ import annotations

import pytest

from bridge.web.forwarded import HIDDEN, ForwardedCallers

PROXY = "10.0.0.1"
TRUSTED = ("10.0.0.0/24", "fd00::/8")


def passed(remote, trusted=TRUSTED, **claims):
    """Return the environment as the application behind gets it."""
    seen = {}

    def app(environ, _start_response):
        seen.update(environ)
        return []

    environ = {
        "REMOTE_ADDR": remote,
        "wsgi.url_scheme": "http",
        "HTTP_HOST": "bridge:8080",
        **{f"HTTP_X_FORWARDED_{name.upper()}": text for name, text in claims.items()},
    }
    ForwardedCallers(app, trusted)(environ, lambda *_: None)
    return seen


def test_a_trusted_proxy_is_believed():
    seen = passed(PROXY, proto="https", host="crm.example.com", **{"for": "192.0.2.7"})

    assert seen["REMOTE_ADDR"] == "192.0.2.7"
    assert seen["wsgi.url_scheme"] == "https"
    assert seen["HTTP_HOST"] == "crm.example.com"
    assert HIDDEN not in seen


@pytest.mark.parametrize("trusted", [(), TRUSTED])
def test_anybody_else_is_not(trusted):
    claims = {"for": "192.0.2.7", "proto": "https", "host": "evil.example"}

    seen = passed("192.0.2.66", trusted, **claims)

    assert seen["REMOTE_ADDR"] == "192.0.2.66"
    assert seen["wsgi.url_scheme"] == "http"
    assert seen["HTTP_HOST"] == "bridge:8080"
    assert not any(name.startswith("HTTP_X_FORWARDED") for name in seen)
    assert seen[HIDDEN]


@pytest.mark.parametrize(
    ("claim", "caller"),
    [
        ("6.6.6.6, 192.0.2.7", "192.0.2.7"),
        ("6.6.6.6, 192.0.2.7, 10.0.0.2", "192.0.2.7"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("192.0.2.7:4711", "192.0.2.7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("2001:db8::7", "2001:db8::7"),
        ("6.6.6.6, unknown", PROXY),
        ("", PROXY),
        ("6.6.6.6, , 10.0.0.2", "10.0.0.2"),
    ],
)
def test_the_caller_is_the_last_that_no_trusted_proxy_vouches_for(claim, caller):
    assert passed(PROXY, **{"for": claim})["REMOTE_ADDR"] == caller


def test_a_proxy_over_ipv6_and_over_mapped_ipv4_is_the_same_proxy():
    for remote in ("fd00::1", f"::ffff:{PROXY}"):
        assert passed(remote, **{"for": "192.0.2.7"})["REMOTE_ADDR"] == "192.0.2.7"


def test_an_odd_scheme_is_not_taken_over():
    assert passed(PROXY, proto="javascript")["wsgi.url_scheme"] == "http"


def test_a_direct_call_passes_as_it_is():
    seen = passed("192.0.2.7")

    assert HIDDEN not in seen
    assert seen["REMOTE_ADDR"] == "192.0.2.7"
