"""The knobs, the clock, snapshots and seeding: steering the simulator over HTTP."""

import re
import socket
import time
from datetime import UTC, datetime, timedelta

import pytest
import requests
from waiting import wait_until

QUERY = '<field>id<expression op="Equals">4</expression></field>'
CONTACT = (
    "<id>0</id><Active>1</Active><AccountID>0</AccountID>"
    "<FirstName>{}</FirstName><LastName>Steered</LastName>"
)
BROKEN = requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError


def names(soap, first_name):
    where = f'<field>FirstName<expression op="Equals">{first_name}</expression></field>'
    return soap.query("Contact", where).ids


def test_all_knobs_are_shown_set_and_reset(steer):
    start = steer("GET", "knobs").json()

    turned = steer("POST", "knobs", {"reset_rate": 0.5, "recording": True}).json()

    assert turned == start | {"reset_rate": 0.5, "recording": True}
    assert steer("GET", "knobs").json() == turned
    assert steer("DELETE", "knobs").json() == start


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "JSON object"),
        ({"colour": 1}, "Unknown knobs: colour. There are latency_p50_ms, "),
        ({"reset_rate": 1.1}, "reset_rate must be from 0 to 1."),
        ({"reset_rate": True}, "reset_rate must be a number."),
        ({"timeout_s": -1}, "timeout_s must be from 0 to 600."),
        ({"recording": 1}, "recording must be true or false."),
        ({"reset_rate": 0.6, "fault_rate": 0.6}, "not be more than 1 together"),
    ],
)
def test_invalid_knobs_are_refused_with_the_reason_and_none_is_set(
    steer, document, says
):
    before = steer("GET", "knobs").json()

    refused = steer("POST", "knobs", document)

    assert refused.status_code == 400
    assert says in refused.json()["message"]
    assert steer("GET", "knobs").json() == before


def test_unreadable_bodies_other_methods_and_paths(steer, soap):
    url = f"{soap.url}/sandbox/knobs"

    assert soap.session.post(url, data="{").status_code == 400
    assert steer("PUT", "knobs", {}).status_code == 405
    assert steer("GET", "nothing").status_code == 404
    assert steer("GET", "knobs/more").status_code == 404


def test_pages_of_other_origins_may_not_steer(soap):
    url = f"{soap.url}/sandbox/reset"

    foreign = soap.session.post(url, headers={"Origin": "https://elsewhere.example"})
    own = soap.session.post(url, headers={"Origin": soap.url})

    assert (foreign.status_code, own.status_code) == (403, 200)


@pytest.mark.parametrize("knob", ["reset_rate", "truncate_rate"])
def test_connections_break(steer, soap, knob):
    steer("POST", "knobs", {knob: 1})

    with pytest.raises(BROKEN):
        soap.query("Contact", QUERY)


@pytest.mark.parametrize(
    ("knob", "status", "kind"),
    [
        ("unavailable_rate", 503, "text/html"),
        ("maintenance_rate", 200, "text/html"),
        ("fault_rate", 500, "text/xml; charset=utf-8"),
    ],
)
def test_responses_are_replaced(steer, soap, knob, status, kind):
    steer("POST", "knobs", {knob: 1})

    reply = soap.write("create", "Contact", CONTACT.format("Never"))

    assert (reply.http.status_code, reply.http.headers["Content-Type"]) == (
        status,
        kind,
    )
    steer("DELETE", "knobs")
    assert names(soap, "Never") == []
    assert steer("GET", "requests").json()["requests"][0]["fault"]


def test_a_rate_is_a_share_and_the_same_share_each_time(steer, soap):
    def outcomes():
        steer("DELETE", "knobs")
        steer("POST", "knobs", {"unavailable_rate": 0.3})
        return [soap.query("Contact", QUERY).http.status_code for _ in range(60)]

    first = outcomes()

    assert 8 <= first.count(503) <= 28
    assert outcomes() == first


def test_latency_follows_its_percentiles(steer, soap):
    steer("POST", "knobs", {"latency_p50_ms": 20, "latency_p99_ms": 60})

    for _ in range(20):
        soap.query("Contact", QUERY)

    waits = sorted(r["ms"] for r in steer("GET", "requests").json()["requests"])
    assert 10 < waits[10] < 450
    assert waits[-1] > waits[0] + 5


def test_a_timeout_sends_no_response_and_executes_nothing(steer, soap):
    steer("POST", "knobs", {"timeout_rate": 1, "timeout_s": 0.4})
    start = time.monotonic()

    with pytest.raises(BROKEN):
        soap.write("create", "Contact", CONTACT.format("Silent"))

    assert 0.4 <= time.monotonic() - start < 50
    steer("DELETE", "knobs")
    assert names(soap, "Silent") == []


def test_a_drip_comes_whole_but_late(steer, soap):
    whole = soap.query("Contact", QUERY).http.content
    steer("POST", "knobs", {"drip_rate": 1, "drip_s": 0.5})
    start = time.monotonic()

    dripped = soap.query("Contact", QUERY).http.content

    assert dripped == whole
    assert time.monotonic() - start >= 0.5


def test_a_commit_comes_after_the_client_gave_up(steer, soap):
    steer("POST", "knobs", {"late_commit_rate": 1, "late_commit_s": 6})
    with soap.session.__class__() as impatient, pytest.raises(requests.Timeout):
        impatient.post(
            soap.endpoint,
            soap.envelope(
                '<create xmlns="http://autotask.net/ATWS/v1_6/"><Entities>'
                f'<Entity xsi:type="Contact">{CONTACT.format("Late")}</Entity>'
                "</Entities></create>"
            ),
            headers={"Content-Type": "text/xml"},
            auth=(soap.username, soap.password),
            timeout=(60, 2),
        )
    gave_up = time.monotonic()
    steer("DELETE", "knobs")

    assert names(soap, "Late") == []
    made = wait_until(lambda: names(soap, "Late"))

    assert len(made) == 1
    assert time.monotonic() - gave_up >= 1


def test_one_shot_faults_know_the_new_kinds(steer, soap):
    steer("POST", "faults", {"kind": "timeout", "seconds": 0.2, "after_commit": True})

    with pytest.raises(BROKEN):
        soap.write("create", "Contact", CONTACT.format("Lost"))

    assert len(names(soap, "Lost")) == 1


def test_dates_stand_still_on_an_edit(steer, soap):
    def stamps():
        return re.findall(r'dateTime">([^<]+)', soap.fields("Contact", made))

    (made,) = soap.write("create", "Contact", CONTACT.format("Still")).ids
    before = stamps()
    edit = CONTACT.replace("<id>0", f"<id>{made}").format("Changed")
    steer("POST", "knobs", {"dates_stand_still": True})

    soap.write("update", "Contact", edit)

    assert "Changed" in soap.fields("Contact", made)
    assert stamps() == before
    steer("DELETE", "knobs")
    soap.write("update", "Contact", edit)
    assert stamps() != before


def test_the_clock_is_frozen_moved_and_let_go(steer, soap):
    shown = steer(
        "POST", "clock", {"at": "2021-07-01T12:00:00Z", "frozen": True}
    ).json()
    assert shown == {"now": "2021-07-01T12:00:00+00:00", "frozen": True}
    steer("POST", "clock", {"advance_s": 90})

    made = soap.write("create", "Contact", CONTACT.format("Timed")).ids
    stamp = '<CreateDate xsi:type="xsd:dateTime">2021-07-01T08:01:30</CreateDate>'
    assert stamp in soap.fields("Contact", made[0])

    assert steer("POST", "clock", {"frozen": False}).json()["frozen"] is False
    moved = datetime.fromisoformat(steer("GET", "clock").json()["now"])
    assert timedelta(0) < moved - datetime(2021, 7, 1, 12, 1, 30, tzinfo=UTC)
    real = datetime.fromisoformat(steer("DELETE", "clock").json()["now"])
    assert abs(real - datetime.now(UTC)) < timedelta(minutes=5)


def test_seeding_passes_all_rules(steer, soap):
    rows = {
        "Account": [
            {
                "id": 4_000_000_000,
                "AccountName": "Seeded \x0b",
                "AccountType": 5,
                "CreateDate": "2001-02-03T04:05:06",
                "UserDefinedFields": {"Door Code": "x"},
            },
            {"AccountName": "Numbered"},
        ]
    }

    made = steer("POST", "seed", {"rows": rows}).json()["ids"]["Account"]

    assert made == [4_000_000_000, 4_000_000_001]
    assert "Seeded \x0b" in soap.fields("Account", made[0])
    rows = {"Account": [{"id": made[0], "AccountName": "Again"}]}
    assert steer("POST", "seed", {"rows": rows}).json()["ids"]["Account"] == made[:1]
    assert "Again" in soap.fields("Account", made[0])
    steer("POST", "reset").raise_for_status()


def test_exchanges_are_recorded_while_the_knob_is_on(steer, soap):
    soap.query("Contact", QUERY)
    assert steer("GET", "exchanges").json() == {"exchanges": []}
    steer("POST", "knobs", {"recording": True})

    reply = soap.query("Contact", QUERY)

    (kept,) = steer("GET", "exchanges").json()["exchanges"]
    assert kept["operation"] == "query"
    assert "&lt;entity&gt;Contact" in kept["request"]
    assert kept["reply"] == reply.http.text
    assert soap.password not in str(kept)


def test_clients_that_disconnect_do_not_affect_others(steer, soap):
    steer("POST", "knobs", {"drip_rate": 1, "drip_s": 0.2})
    host, _, port = soap.url.removeprefix("http://").partition(":")
    request = (
        b"POST /ATServices/1.6/atws.asmx HTTP/1.1\r\nHost: x\r\n"
        b"Content-Type: text/xml\r\nContent-Length: 4\r\n\r\n<x/>"
    )
    for _ in range(5):
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(request)
    wait_until(lambda: steer("GET", "requests").json()["total"] >= 5)
    steer("DELETE", "knobs")

    assert soap.query("Contact", QUERY).code == 1
