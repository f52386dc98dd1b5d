"""Every way the vendor can fail, as the caller meets it."""

import time
import uuid
from urllib.parse import quote

import pytest

CONTACT = {"accountID": 0, "active": 1, "firstName": "Noor"}
SLOW = [
    "http503",
    "reset",
    *(
        pytest.param(kind, marks=pytest.mark.campaign)
        for kind in ("html200", "truncate")
    ),
]
"""Kinds where each attempt pauses before the next."""

KINDS = ["http503", "html200", "reset", "truncate", "fault"]


@pytest.fixture(autouse=True)
def no_faults_left(api, vendor):
    """Begin with a vendor in order, and with a breaker that has noticed it."""
    vendor.control("DELETE", "faults")
    deadline = time.monotonic() + 120
    while api.get("/hubs/crm/ping").status != 200:
        assert time.monotonic() < deadline
        # Each process looks anew when what it knows is a quarter of a second old.
        time.sleep(0.2)
    time.sleep(0.3)
    vendor.forget()
    yield
    vendor.control("DELETE", "faults")


def provoke(vendor, kind, operation, *, times=1, after_commit=False):
    answer = vendor.control(
        "POST",
        "faults",
        {
            "kind": kind,
            "operation": operation,
            "times": times,
            "after_commit": after_commit,
        },
    )
    assert answer.status < 300, answer.body


def count(api, name):
    where = quote(f"lastName = '{name}'")
    answer = api.get(f"/hubs/crm/contacts?where={where}")
    assert answer.status == 200
    return len(answer.json())


@pytest.mark.parametrize("kind", ["http503", "html200", "reset", "truncate"])
def test_a_read_recovers_from_a_passing_failure(api, vendor, kind):
    provoke(vendor, kind, "query")

    answer = api.get("/hubs/crm/accounts?pageSize=2")

    assert answer.status == 200
    assert len(answer.json()) == 2


@pytest.mark.parametrize("kind", SLOW)
def test_a_read_that_fails_again_and_again_says_so(api, vendor, kind):
    provoke(vendor, kind, "query", times=20)

    answer = api.get("/hubs/crm/accounts?pageSize=2")

    assert answer.status == 502
    assert sorted(answer.json())[:1] == ["message"]
    assert answer.json()["requestId"] == answer.headers["elements-request-id"]
    assert "Traceback" not in answer.body.decode()


@pytest.mark.parametrize("after_commit", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_write_without_an_answer_is_not_repeated_and_says_what_to_check(
    api, vendor, kind, after_commit
):
    name = f"Once {uuid.uuid4().hex[:10]}"
    api.get("/hubs/crm/contacts?where=lastName='warm'")
    vendor.forget()
    provoke(vendor, kind, "create", after_commit=after_commit)

    answer = api.call("POST", "/hubs/crm/contacts", {**CONTACT, "lastName": name})

    assert answer.status == 502, answer.body
    assert vendor.calls()["create"] == 1
    done = after_commit or kind == "truncate"  # a reply is cut after the work is done
    assert count(api, name) == int(done)
    assert "may" in answer.json()["message"]


@pytest.mark.parametrize("kind", SLOW)
def test_a_record_that_cannot_be_read_back_is_still_answered_as_created(
    api, vendor, kind
):
    name = f"Blind {uuid.uuid4().hex[:10]}"
    api.get("/hubs/crm/contacts?where=lastName='warm'")
    provoke(vendor, kind, "query", times=20)

    answer = api.call("POST", "/hubs/crm/contacts", {**CONTACT, "lastName": name})

    vendor.control("DELETE", "faults")
    assert answer.status == 200, answer.body
    assert answer.json()["lastName"] == name
    assert "not read back" in answer.headers["elements-error"]
    assert api.get(f"/hubs/crm/contacts/{answer.json()['id']}").status == 200
    assert count(api, name) == 1


def test_a_soap_fault_reaches_the_caller_in_the_vendors_text(api, vendor):
    provoke(vendor, "fault", "query", times=20)

    answer = api.get("/hubs/crm/accounts?pageSize=2")

    assert answer.status == 502
    assert (
        "System.Web.Services.Protocols.SoapException"
        in (answer.json()["providerMessage"])
    )


@pytest.fixture
def broken(api, demo):
    """Make an instance whose configuration is changed without asking the vendor."""
    made = []

    def broken(key, value):
        configuration = {
            "crm.autotask.username": demo["username"],
            "crm.autotask.password": demo["password"],
            "crm.autotask.server.url": demo["sandboxUrl"],
        }
        body = {
            "name": "Broken later",
            "element": {"key": "autotaskcrm"},
            "configuration": configuration,
        }
        instance = api.call(
            "POST", "/instances", body, authorization=api.platform
        ).json()
        made.append(instance["id"])
        changed = api.call(
            "PATCH",
            f"/instances/{instance['id']}?reAuthenticate=false",
            {"configuration": {key: value}},
            authorization=api.platform,
        )
        assert changed.status == 200
        return f"User {demo['userSecret']}, Element {instance['token']}"

    yield broken
    for instance_id in made:
        api.call("DELETE", f"/instances/{instance_id}", authorization=api.platform)


@pytest.mark.parametrize(
    ("key", "value", "fragment"),
    [
        ("crm.autotask.password", "Ch4nged-elsewhere", "password"),
        ("crm.autotask.integration.code", "Z" * 27, "integration code"),
    ],
)
def test_credentials_that_stopped_working_are_401_with_the_cure(
    api, broken, key, value, fragment
):
    authorization = broken(key, value)

    for path in ("/ping", "/hubs/crm/accounts", "/hubs/crm/accounts/0"):
        answer = api.get(path, authorization=authorization)
        assert answer.status == 401, answer.body
        assert fragment in answer.json()["message"].lower()
        assert value not in answer.body.decode()


def test_characters_that_xml_forbids_are_left_out_of_what_is_stored(api):
    answer = api.call(
        "POST",
        "/hubs/crm/contacts",
        {**CONTACT, "lastName": "A\u000bB\u001f\ufffe", "note": "line\r\nline"},
    )

    assert answer.status == 200, answer.body
    assert answer.json()["lastName"] == "AB"
    assert answer.json()["note"] in ("line\r\nline", "line\nline")


@pytest.mark.parametrize(
    "text",
    [
        "<b>&amp;</b>",
        "]]>",
        "a\"b'c",
        "😀 ÅÄÖ 漢字",
        " leading and trailing ",
        "\\",
        "%_",
    ],
)
def test_any_text_is_stored_as_it_was_sent(api, text):
    answer = api.call(
        "POST", "/hubs/crm/contacts", {**CONTACT, "lastName": "Text", "title": text}
    )

    assert answer.status == 200, answer.body
    assert answer.json()["title"] == text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"null", 400),
        (b"[]", 400),
        (b"{", 400),
        (b'"x"', 400),
        (b"\xff\xfe{}", 400),
        (b'{"lastName": NaN}', 400),
        (b"[" * 10_000, 400),
    ],
)
def test_garbage_in_a_body_is_the_callers_mistake(api, vendor, body, status):
    api.get("/hubs/crm/contacts?where=lastName='warm'")
    vendor.forget()

    answer = api.call("POST", "/hubs/crm/contacts", body)

    assert answer.status == status
    assert answer.json()["message"]
    assert vendor.calls() == {}
