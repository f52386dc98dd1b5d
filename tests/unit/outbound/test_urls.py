"""Validation of the URLs and headers that callers configure."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import DeliveryRefusedError
from bridge.outbound.urls import MAX_URL_LENGTH, check_headers, parse_url


@pytest.mark.parametrize(
    ("url", "shown", "sent"),
    [
        ("https://rx.example/bulk?token=a", "https://rx.example", None),
        ("http://rx.example:8080", "http://rx.example:8080", "http://rx.example:8080/"),
        (
            " https://RX.example:443/x ",
            "https://rx.example",
            "https://rx.example:443/x",
        ),
        ("https://rx.example/a b", "https://rx.example", "https://rx.example/a%20b"),
        ("https://bücher.example/", "https://xn--bcher-kva.example", None),
        ("http://[2606:4700::1]:81/", "http://[2606:4700::1]:81", None),
        ("HTTPS://rx.example/", "https://rx.example", "https://rx.example/"),
        ("http://192.0.2.7/", "http://192.0.2.7", None),
    ],
)
def test_url_is_accepted(url, shown, sent):
    target = parse_url(url)

    assert str(target) == shown
    assert urlsplit(target.url).hostname == target.host
    assert sent in (None, target.url)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "not a URL"),
        ("rx.example/bulk", "not a URL"),
        ("/formulas/instances/1/executions", "not a URL"),
        ("https://", "not a URL"),
        ("ftp://rx.example/", "does not begin with https"),
        ("file:///etc/passwd", "does not begin with https"),
        ("httpx://rx.example/", "does not begin with https"),
        ("javascript:alert(1)", "does not begin with https"),
        ("https://ann:secret@rx.example/", "user name"),
        ("https://ann@rx.example/", "user name"),
        ("http://rx.example:25/", "port 25"),
        ("http://rx.example:6667/", "port 6667"),
        ("http://rx.example:99999/", "not a URL"),
        ("https://rx.example/\r\nX-Injected: 1", "control character"),
        ("https://rx.example/\x00", "control character"),
        ("https://[fe80::1%25eth0]/", "name or an address"),
        ("https://rx.exa mple/", ""),
        ("https://a:b:c/", "not a URL"),
        ("https://[::1/", "not a URL"),
        ("https://rx.example/" + "x" * MAX_URL_LENGTH, "longer"),
    ],
)
def test_url_is_refused_with_the_reason(url, reason):
    with pytest.raises(DeliveryRefusedError, match="callback URL") as refusal:
        parse_url(url)

    assert reason in refusal.value.message
    assert "secret" not in refusal.value.message
    assert not refusal.value.retryable


TEXTS = st.text(st.characters(exclude_categories=()))


@given(TEXTS | TEXTS.map("https://{}".format) | TEXTS.map("http://x/{}".format))
def test_any_text_is_a_url_or_is_refused(text):
    try:
        target = parse_url(text)
    except DeliveryRefusedError:
        return
    parts = urlsplit(target.url)
    assert (parts.scheme, parts.hostname) == (target.scheme, target.host)
    assert not {"@", "\\", "%"} & set(parts.netloc)


def test_path_and_query_are_not_shown():
    target = parse_url("https://rx.example/hook/s3cret?key=s3cret")

    assert "s3cret" not in f"{target} {target!r}"


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/json", "X-Api-Key": "a b\tc", "x_y": "é"},
        {"Authorization": "Basic YTpi"},
        {},
    ],
)
def test_headers_are_accepted(headers):
    check_headers(headers)


@given(st.dictionaries(TEXTS, TEXTS, max_size=3))
def test_any_headers_are_sendable_or_are_refused(headers):
    try:
        check_headers(headers)
    except DeliveryRefusedError:
        return
    for name, value in headers.items():
        assert name.encode("ascii")
        assert not set("\r\n\0") & set(value.encode("latin-1").decode("latin-1"))


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"Host": "other.example"}, "header Host"),
        ({"content-length": "3"}, "header content-length"),
        ({"Transfer-Encoding": "chunked"}, "header Transfer-Encoding"),
        ({"Elements-Webhook-Signature": "sha256=x"}, "Elements-Webhook-Signature"),
        ({"X-Key": "s3cret\r\nHost: x"}, "value of the header X-Key"),
        ({"X-Key": "s3cret\x00"}, "value of the header X-Key"),
        ({"X-Key": " s3cret"}, "value of the header X-Key"),
        ({"X-Key": "s3cret ł"}, "value of the header X-Key"),
        ({"X Key": "s3cret"}, "header name 'X Key'"),
        ({"X-Key\r\n": "s3cret"}, "header name"),
        ({"": "s3cret"}, "header name"),
        ({f"X-{number}": "1" for number in range(51)}, "too many"),
        ({"X-Key": "s3cret" * 4000}, "too many"),
    ],
)
def test_header_is_refused_without_its_value(headers, reason):
    with pytest.raises(DeliveryRefusedError) as refusal:
        check_headers(headers)

    assert reason in refusal.value.message
    assert "s3cret" not in refusal.value.message
