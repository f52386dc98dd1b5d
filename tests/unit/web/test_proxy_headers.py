"""Whom a forwarded header is believed, and how far."""

from __future__ import annotations

import pytest

from bridge.web.http.proxy_headers import UNKNOWN_CALLER, ProxyHeadersMiddleware

PROXY = "10.0.0.1"
TRUSTED = ("10.0.0.0/24", "fd00::/8")


def passed(remote, trusted=TRUSTED, headers=(), **claims):
    """Return the environment as the application behind gets it."""
    seen = {}

    def app(environ, _start_response):
        seen.update(environ)
        return []

    environ = {
        "REMOTE_ADDR": remote,
        "wsgi.url_scheme": "http",
        "HTTP_HOST": "bridge:8080",
        **{f"HTTP_{name.upper().replace('-', '_')}": "x" for name in headers},
        **{f"HTTP_X_FORWARDED_{name.upper()}": text for name, text in claims.items()},
    }
    ProxyHeadersMiddleware(app, trusted)(environ, lambda *_: None)
    return seen


def test_headers_of_a_trusted_proxy_are_applied():
    seen = passed(PROXY, proto="https", host="crm.example.com", **{"for": "192.0.2.7"})

    assert seen["REMOTE_ADDR"] == "192.0.2.7"
    assert seen["wsgi.url_scheme"] == "https"
    assert seen["HTTP_HOST"] == "crm.example.com"
    assert UNKNOWN_CALLER not in seen


@pytest.mark.parametrize("trusted", [(), TRUSTED])
def test_headers_of_any_other_peer_are_ignored(trusted):
    claims = {"for": "192.0.2.7", "proto": "https", "host": "evil.example"}

    seen = passed("192.0.2.66", trusted, **claims)

    assert seen["REMOTE_ADDR"] == "192.0.2.66"
    assert seen["wsgi.url_scheme"] == "http"
    assert seen["HTTP_HOST"] == "bridge:8080"
    assert not any(name.startswith("HTTP_X_FORWARDED") for name in seen)
    assert seen[UNKNOWN_CALLER]


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
def test_the_caller_is_the_last_address_that_is_not_a_trusted_proxy(claim, caller):
    assert passed(PROXY, **{"for": claim})["REMOTE_ADDR"] == caller


def test_a_proxy_over_ipv6_and_over_mapped_ipv4_is_the_same_proxy():
    for remote in ("fd00::1", f"::ffff:{PROXY}"):
        assert passed(remote, **{"for": "192.0.2.7"})["REMOTE_ADDR"] == "192.0.2.7"


def test_an_unknown_scheme_is_ignored():
    assert passed(PROXY, proto="javascript")["wsgi.url_scheme"] == "http"


def test_a_direct_call_passes_as_it_is():
    seen = passed("192.0.2.7")

    assert UNKNOWN_CALLER not in seen
    assert seen["REMOTE_ADDR"] == "192.0.2.7"


@pytest.mark.parametrize(
    "header",
    [
        "Via",
        "Forwarded",
        "Forwarded-For",
        "X-Forwarded",
        "X-Forwarded-Ssl",
        "X-Forwarded-Server",
        "X-Original-Forwarded-For",
        "X-Vercel-Forwarded-For",
        "X-Real-IP",
        "X-Client-IP",
        "Client-IP",
        "X-ClientIP",
        "X-Cluster-Client-IP",
        "True-Client-IP",
        "Fastly-Client-IP",
        "Fly-Client-IP",
        "CF-Connecting-IP",
        "CF-Connecting-IPv6",
        "CF-Ray",
        "CDN-Loop",
        "Proxy-Client-IP",
        "WL-Proxy-Client-IP",
        "X-ProxyUser-Ip",
        "Proxy-Connection",
        "X-Remote-Addr",
        "X-Nf-Client-Connection-Ip",
        "X-Envoy-External-Address",
        "X-ARR-LOG-ID",
        "X-Azure-SocketIP",
        "X-Amzn-Trace-Id",
        "X-Amz-Cf-Id",
        "X-AppEngine-User-IP",
        "X-Original-URL",
        "Tailscale-User-Login",
    ],
)
def test_a_header_that_proxies_write_hides_the_caller(header):
    assert passed("127.0.0.1", headers=[header])[UNKNOWN_CALLER]
    # A trusted proxy that does not name the caller does not help.
    assert passed(PROXY, headers=[header])[UNKNOWN_CALLER]
    assert passed(PROXY, headers=[header], proto="https")[UNKNOWN_CALLER]
    assert UNKNOWN_CALLER not in passed(PROXY, headers=[header], **{"for": "192.0.2.7"})


@pytest.mark.parametrize("claim", ["127.0.0.1", "::1", "6.6.6.6, 127.0.0.8"])
def test_a_caller_of_this_machine_is_not_known_behind_a_trusted_proxy(claim):
    assert passed(PROXY, **{"for": claim})[UNKNOWN_CALLER]


@pytest.mark.parametrize(
    "header",
    [
        "Accept",
        "Authorization",
        "Connection",
        "Cookie",
        "Elements-Version",
        "Idempotency-Key",
        "Origin",
        "Referer",
        "User-Agent",
        "X-Client-Version",
        "X-HTTP-Method-Override",
        "X-Prometheus-Scrape-Timeout-Seconds",
        "X-Request-Id",
        "X-Requested-With",
        "X-User-Name",
    ],
)
def test_a_header_that_callers_send_does_not_hide_the_caller(header):
    assert UNKNOWN_CALLER not in passed("127.0.0.1", headers=[header])
