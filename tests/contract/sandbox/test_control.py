"""Control endpoints: refusals, and responses while all calls wait."""

import select
import socket
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

import pytest
from lxml import etree

QUERY = '<field>id<expression op="Equals">4</expression></field>'
USER = "api@bridge-demo.example"


def seed(**row):
    return {"rows": {"Account": [row]}}


@pytest.mark.parametrize(
    ("path", "document", "says"),
    [
        ("knobs", {"drip_s": "1"}, "drip_s must be a number."),
        ("faults", {"kind": "slow"}, "kind must be one of http503, "),
        ("faults", {"kind": "reset", "times": 60_000_000}, "times must be a whole"),
        ("faults", {"kind": "reset", "times": True}, "times must be a whole number"),
        ("faults", {"kind": "reset", "seconds": True}, "seconds must be a number."),
        ("faults", {"kind": "reset", "operation": 1}, "operation must be a text."),
        (
            "faults",
            {"kind": "reset", "operation": "select"},
            "operation must be one of GetAttachment, ",
        ),
        (
            "faults",
            {"kind": "reset", "operation": "x" * 201},
            "of up to 200 characters",
        ),
        ("faults", {"kind": "reset", "after_commit": 1}, "after_commit must be true"),
        ("faults", {"sort": "reset"}, "Unknown members: sort."),
        ("clock", {"at": "soon"}, "at must be a time like 2021-07-01T12:00:00Z."),
        ("clock", {"at": 5}, "at must be a time like"),
        ("clock", {"at": "9999-12-31T23:59:59"}, "at and advance_s must stay in the"),
        ("clock", {"at": "0001-01-01T00:00:00+23:00"}, "at and advance_s must stay"),
        ("clock", {"advance_s": 3e11}, "at and advance_s must stay in the years 1800"),
        ("clock", {"advance_s": 1e300}, "advance_s must be from -1e+12 to 1e+12."),
        ("clock", {"advance_s": 10**400}, "advance_s must be from"),
        ("clock", {"advance_s": "1"}, "advance_s must be a number."),
        ("clock", {"frozen": 1}, "frozen must be true or false."),
        ("clock", {"speed": 2}, "Unknown members: speed."),
        ("clock", [], "A JSON object is needed."),
        ("zones", {"username": USER, "zone": 5.0}, "zone must be a whole number"),
        ("zones", {"username": USER, "zone": True}, "zone must be a whole number"),
        ("zones", {"username": USER, "zone": 1000}, "from 1 to 999."),
        ("zones", {"username": 1, "zone": 2}, "username must be a text."),
        ("zones", {"username": "nobody", "zone": 2}, "username: there is no such"),
        ("zones", {"username": USER, "zome": 2}, "Unknown members: zome."),
        ("usage", {"calls": 10**400}, "calls must be a whole number from 0 to 1000"),
        ("usage", {"calls": -1}, "calls must be a whole number"),
        ("usage", {"calls": 1.5}, "calls must be a whole number"),
        ("usage", {"tenant": {}, "calls": 1}, "tenant must be a whole number"),
        ("usage", {"tenant": 1, "calls": 1}, "tenant: there is no such tenant."),
        ("seed", {"tenant": [1], "rows": {}}, "tenant must be a whole number"),
        ("seed", {"tenant": 30049.0, "rows": {}}, "tenant must be a whole number"),
        ("seed", {"tenant": 1, "rows": {}}, "tenant: there is no such tenant."),
        ("seed", {}, "rows must be an object."),
        ("seed", {"rows": []}, "rows must be an object."),
        ("seed", {"rows": {"Account": {}}}, "rows: Account must be a list of objects."),
        ("seed", {"rows": {"Account": [1]}}, "rows: Account must be a list of objects"),
        ("seed", {"rows": {"Nothing": []}}, "rows: there is no entity Nothing."),
        ("seed", seed(Colour="red"), "Account has no field Colour."),
        ("seed", seed(AccountType="red"), "Account: AccountType is no "),
        ("seed", seed(AccountName={"a": 1}), "Account: AccountName is no "),
        ("seed", seed(UserDefinedFields={"Colour": 1}), "Account has no UDF Colour."),
        ("seed", seed(UserDefinedFields="x"), "UserDefinedFields must be an object."),
        ("seed", seed(id="x"), "Account: id must be a whole number below 2^62."),
        ("seed", seed(id=None), "Account: id must be a whole number"),
        ("seed", seed(id=2**63 - 1), "Account: id must be a whole number"),
        ("snapshot", {"name": None}, "name must be a text."),
        ("snapshot", {"name": "../up"}, "name must be letters, digits, - and _"),
        ("snapshot", {}, "name must be a text."),
        ("restore", {"name": None}, "name must be a text."),
        ("restore", {"name": "nobody-took-it"}, "There is no snapshot nobody-took-it."),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_name(steer, soap, path, document, says):
    refused = steer("POST", path, document)

    assert refused.status_code == 400
    assert says in refused.json()["message"]
    assert soap.query("Contact", QUERY).code == 1


@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b"{", b"\xff", b'{"advance_s": NaN}', b'{"at": 1e999}', b""],
)
@pytest.mark.parametrize("path", ["knobs", "clock", "faults", "seed", "restore"])
def test_invalid_json_is_refused(soap, path, body):
    refused = soap.session.post(f"{soap.url}/sandbox/{path}", data=body)

    assert refused.status_code == 400
    assert refused.json()["message"]


def test_an_origin_that_cannot_be_read_is_refused(soap):
    headers = {"Origin": "http://[::1"}

    reply = soap.session.post(f"{soap.url}/sandbox/reset", headers=headers)

    assert reply.status_code == 400
    assert "message" in reply.json()


@pytest.mark.campaign
def test_a_database_failure_is_explained(own_sandbox, tmp_path):
    with own_sandbox("--data", "kept.sqlite") as soap:
        with sqlite3.connect(tmp_path / "kept.sqlite") as spoiler:
            spoiler.execute('DROP TABLE "30049 Survey"')

        url = f"{soap.url}/sandbox/seed"
        failed = soap.session.post(url, json={"rows": {"Survey": [{"id": 1}]}})

    assert failed.status_code == 500
    assert failed.json()["message"].startswith("The data file cannot be used: no such")


def test_nothing_is_done_of_a_clock_order_that_fails(steer):
    order = {"at": "2021-07-01T12:00:00Z", "advance_s": 9e11, "frozen": True}

    assert steer("POST", "clock", order).status_code == 400

    shown = steer("GET", "clock").json()
    assert shown["frozen"] is False
    assert datetime.fromisoformat(shown["now"]).year > 2021


def test_the_ends_of_the_calendar_can_be_worked_at(steer, fresh):
    for at in ("1800-01-01T00:00:00Z", "9000-12-31T23:59:59Z"):
        steer("POST", "clock", {"at": at}).raise_for_status()
        made = fresh.write(
            "create",
            "Contact",
            "<id>0</id><Active>1</Active><AccountID>0</AccountID>"
            "<FirstName>F</FirstName><LastName>L</LastName>",
        )
        assert made.code == 1
    steer("POST", "reset").raise_for_status()  # others rely on what has no such date


@pytest.mark.parametrize("at", ["2021-07-01T12:00:00Z", "1999-12-31T23:59:59-05:00"])
def test_the_date_header_of_every_response_follows_the_clock(steer, soap, at):
    steer("POST", "clock", {"at": at, "frozen": True}).raise_for_status()
    expected = format_datetime(datetime.fromisoformat(at).astimezone(UTC), usegmt=True)

    answers = [
        soap.query("Account", QUERY).http,
        soap.call("GetRich").http,
        soap.call("GetWsdlVersion", auth=("nobody", "x")).http,
        soap.session.get(f"{soap.endpoint}?wsdl"),
        steer("GET", "clock"),
        steer("GET", "nowhere"),
    ]

    for answer in answers:
        assert answer.raw.headers.getlist("Date") == [expected]


def test_the_date_header_goes_on_with_the_clock(steer, soap):
    def shown():
        return parsedate_to_datetime(soap.query("Account", QUERY).http.headers["Date"])

    before = shown()
    steer("POST", "clock", {"advance_s": 86_400}).raise_for_status()

    assert shown() - before >= timedelta(days=1)


def test_a_reset_puts_the_clock_back_and_leaves_the_knobs(steer):
    steer("POST", "clock", {"at": "2021-07-01T12:00:00Z", "frozen": True})
    steer("POST", "knobs", {"drip_s": 7})

    steer("POST", "reset").raise_for_status()

    shown = steer("GET", "clock").json()
    away = datetime.fromisoformat(shown["now"]) - datetime.now(UTC)
    assert shown["frozen"] is False
    assert abs(away) < timedelta(minutes=5)
    assert steer("GET", "knobs").json()["drip_s"] == 7


def test_a_refused_login_on_demand(steer, soap):
    steer("POST", "faults", {"kind": "http401", "operation": "query"})

    refused = soap.query("Contact", QUERY).http
    wrong = soap.call("query", auth=(soap.username, "wrong")).http

    assert refused.status_code == wrong.status_code == 401
    assert refused.content == wrong.content
    challenge = refused.headers["WWW-Authenticate"]
    assert challenge == wrong.headers["WWW-Authenticate"] == 'Basic Realm="127.0.0.1"'
    assert soap.query("Contact", QUERY).code == 1


def test_many_times_the_same_fault_cost_nothing(steer, soap):
    fault = {"kind": "http503", "times": 1_000_000}
    for _ in range(3):
        steer("POST", "faults", fault).raise_for_status()

    assert soap.query("Contact", QUERY).http.status_code == 503
    assert steer("GET", "faults").json() == {"waiting": 2_999_999}


def test_operations_that_are_none_are_counted_as_one(steer, soap):
    for number in range(5):
        soap.call(f"invented{number}")

    report = steer("GET", "requests").json()
    assert report["counts"] == {"(unknown)": {"": 5}}
    assert {entry["operation"] for entry in report["requests"]} == {"(unknown)"}


def hang(soap, count):
    """Send so many calls without reading a response; return their connections."""
    host, _, port = soap.url.removeprefix("http://").partition(":")
    body = soap.envelope(f'<query xmlns="{soap.namespace}"/>').encode()
    head = (
        f"POST /ATServices/1.6/atws.asmx HTTP/1.1\r\nHost: {host}\r\n"
        f"Content-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    connections = []
    for _ in range(count):
        connections.append(socket.create_connection((host, int(port)), timeout=120))
        connections[-1].sendall(head + body)
    return connections


@pytest.mark.campaign
def test_control_endpoints_respond_while_all_calls_wait(own_sandbox):
    with own_sandbox("--limits", "generous") as soap:
        knobs, requests_ = (f"{soap.url}/sandbox/{x}" for x in ("knobs", "requests"))
        soap.session.post(knobs, json={"timeout_rate": 1}).raise_for_status()
        connections = hang(soap, 170)
        # Only those without a slot get a response.
        answered, _, _ = select.select(connections, [], [], 120)
        busy = answered[0].recv(40)
        began = time.monotonic()

        loose = soap.session.delete(knobs)
        took = time.monotonic() - began
        turned_away = soap.query("Account", QUERY).http
        counted = soap.session.get(requests_).json()["requests"]
        for connection in connections:
            connection.close()

        assert busy.startswith(b"HTTP/1.1 503 ")
        assert loose.json()["timeout_rate"] == 0
        assert took < 60  # those that hang do so for two minutes
        assert turned_away.status_code == 503
        assert "Too many calls at once." in turned_away.text
        assert {entry["fault"] for entry in counted} == {"busy"}
        deadline = time.monotonic() + 60
        while (reply := soap.query("Account", QUERY).http).status_code == 503:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert etree.fromstring(reply.content) is not None


def test_a_fault_finds_its_operation_in_any_case(steer, soap):
    fault = {"kind": "http401", "operation": "getentityinfo"}
    steer("POST", "faults", fault).raise_for_status()

    codes = [
        soap.call(operation).http.status_code
        for operation in ("GetWsdlVersion", "GetEntityInfo", "GetEntityInfo")
    ]

    assert codes == [200, 401, 200]
