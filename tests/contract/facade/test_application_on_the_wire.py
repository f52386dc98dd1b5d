"""The application behind the server, in a running demo, spoken to byte by byte."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

import pytest

ACCOUNTS = b"/elements/api-v2/hubs/crm/accounts"


@pytest.fixture
def talk(api, dial):
    """Send one request with the demo's secrets; return the responses."""
    wire = dial(urlsplit(api.base_url).port)

    def send(method, target, *headers, body=b""):
        head = [
            method + b" " + target + b" HTTP/1.1",
            b"Host: bridge",
            b"Connection: close",
            b"Authorization: " + api.secrets.encode(),
            *headers,
        ]
        return wire.talk(b"\r\n".join(head) + b"\r\n\r\n" + body)

    return send


def test_a_list_has_its_headers_in_the_case_and_order_old_clients_cut(talk):
    [answer] = talk(b"GET", ACCOUNTS + b"?pageSize=2")

    assert answer.status == 200
    assert re.search(rb"Elements-Returned-Count: 2\r\nServer: \w+$", answer.head)
    assert answer.header(b"Content-Type") == b"application/json;charset=UTF-8"
    token = answer.header(b"Elements-Next-Page-Token")
    assert re.fullmatch(rb"[A-Za-z0-9_-]+", token)

    [following] = talk(b"GET", ACCOUNTS + b"?pageSize=2&page=2&nextPage=" + token)

    assert following.json()[0]["id"] > answer.json()[-1]["id"]


@pytest.mark.parametrize(
    "where",
    [
        b"where=accountName like '%'",
        b"where=id >= 0 and accountName != 'x'",
        "where=accountName != 'Größe'".encode(),
    ],
)
def test_an_unencoded_where_is_understood(talk, where):
    [answer] = talk(b"GET", ACCOUNTS + b"?pageSize=1&" + where)

    assert answer.status == 200, answer.body
    assert len(answer.json()) == 1


def test_all_forms_of_a_path_get_the_same_response(talk):
    bodies = {
        talk(b"GET", prefix + b"/accounts?pageSize=3")[0].body
        for prefix in (
            b"/elements/api-v2/hubs/crm",
            b"/elements/api-v2/hubs/nonsense",
            b"//elements/api-v2//hubs/crm/",
            b"/elements/api-v2",
        )
    }

    assert len(bodies) == 1
    assert len(json.loads(bodies.pop())) == 3


def test_a_chunked_body_creates_a_record(talk):
    body = b'{"accountName":"Chunk","accountType":1,"phone":"1","ownerResourceID":4}'
    chunked = b"%X\r\n%s\r\n0\r\n\r\n" % (len(body), body)

    [answer] = talk(b"POST", ACCOUNTS, b"Transfer-Encoding: chunked", body=chunked)

    assert answer.status == 200, answer.body
    assert answer.json()["accountName"] == "Chunk"


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ([b"Content-Length: 99000000"], b"x" * 1_000_000, 413),
        ([b"Transfer-Encoding: chunked"], b"2\r\n{}xx0\r\n\r\n", 400),
        ([b"Transfer-Encoding: chunked"], b"zz\r\n", 400),
        ([b"Content-Length: 50"], b"{}", 400),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_with_the_envelope(
    talk, headers, body, status
):
    [answer] = talk(b"POST", ACCOUNTS, *headers, body=body)

    assert answer.status == status
    assert answer.json()["requestId"] == answer.header(b"Elements-Request-Id").decode()


def test_a_post_with_an_override_changes_the_record_and_creates_nothing(talk):
    def lines(body):
        return b"Content-Length: %d" % len(body), b"Idempotency-Key: one-key-for-two"

    new = b'{"accountName":"Wired","accountType":1,"phone":"1","ownerResourceID":4}'
    [made] = talk(b"POST", ACCOUNTS, b"Content-Length: %d" % len(new), body=new)
    account = ACCOUNTS + b"/%d" % made.json()["id"]
    for phone in (b"1", b"2"):
        body = b'{"phone":"555-000%s"}' % phone
        [answer] = talk(
            b"POST",
            account,
            b"X-HTTP-Method-Override: PATCH",
            *lines(body),
            body=body,
        )
        # A key is for creates: the second body would be refused under it.
        assert answer.status == 200, answer.body
        assert answer.json()["phone"].encode() == b"555-000" + phone

    [answer] = talk(b"POST", account, *lines(b"{}"), body=b"{}")
    assert answer.status == 405


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (ACCOUNTS, 413),
        (b"/elements/api-v2/hubs/crm/accounts/1/attachments?fileName=a.txt", 413),
        (b"/elements/j_spring_security_check", 413),
        (b"/elements/api-v2/instances?x=1", 413),
        (b"/elements/api-v2/nonsense/at/all", 404),
    ],
)
def test_an_oversize_chunk_is_refused_by_its_announced_size(talk, target, status):
    form = b"Content-Type: application/x-www-form-urlencoded"
    sent = b"2\r\n{}\r\nFFFFFFFF\r\nand no more"

    # One response, even if the body is not read.
    [answer] = talk(b"POST", target, form, b"Transfer-Encoding: chunked", body=sent)

    assert answer.status == status
    assert "requestId" in answer.json()


@pytest.mark.parametrize(
    ("target", "status"),
    [(ACCOUNTS + b"/999999", 404), (b"/nonsense", 404), (ACCOUNTS + b"?page=x", 400)],
)
def test_a_refusal_of_head_has_headers_and_no_body(talk, target, status):
    [answer] = talk(b"HEAD", target)

    assert answer.status == status
    assert answer.header(b"Elements-Request-Id")
    assert answer.body == b""
