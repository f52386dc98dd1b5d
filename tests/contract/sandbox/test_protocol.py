"""Envelope, login, tracking identifier, malformed input, faults on demand, control."""

import gzip
import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import requests

HOME = '<field>id<expression op="Equals">0</expression></field>'
SPACE = "http://autotask.net/ATWS/v1_6/"
CONTACT = (
    "<id>0</id><Active>1</Active><AccountID>0</AccountID>"
    "<FirstName>{}</FirstName><LastName>Thread</LastName>"
)


def test_zone_lookup_needs_no_login_but_refuses_a_wrong_one(soap):
    body = f'<getZoneInfo xmlns="{SPACE}"><UserName>{{}}</UserName></getZoneInfo>'
    known = body.format(soap.username.upper())

    found = soap.post(soap.envelope(known, code=""), auth=None)
    unknown = soap.post(soap.envelope(body.format("nobody@x.example")), auth=None)
    wrong = soap.post(soap.envelope(known), auth=(soap.username, "wrong"))

    assert f"<URL>{soap.endpoint}</URL><ErrorCode>0</ErrorCode>" in found.http.text
    assert found.texts("WebUrl") == [f"{soap.url}/"]
    assert int(found.texts("CI")[0]) > 0
    assert (
        "<getZoneInfoResult><URL /><ErrorCode>-1</ErrorCode><DataBaseType /><CI>0</CI>"
        "<WebUrl /></getZoneInfoResult>" in unknown.http.text
    )
    assert wrong.http.status_code == 401


@pytest.mark.parametrize(
    "auth", [None, ("nobody", "x"), ("api@bridge-demo.example", "x")]
)
def test_a_wrong_or_missing_login_is_a_web_page(soap, auth):
    reply = soap.call("getThresholdAndUsageInfo", auth=auth)

    assert reply.http.status_code == 401
    assert reply.http.headers["Content-Type"] == "text/html"
    assert reply.http.headers["WWW-Authenticate"] == 'Basic Realm="127.0.0.1"'
    assert "<title>401 - Unauthorized: Access is denied" in reply.http.text


@pytest.mark.parametrize("header", ["Basic", "Basic !!!", "Bearer abc", "Basic YWJj"])
def test_odd_authorization_headers_are_refused(soap, header):
    reply = soap.call("query", auth=None, headers={"Authorization": header})

    assert reply.http.status_code == 401


@pytest.mark.parametrize("code", ["", "  ", "WRONG", "FOUNDRYST3WX8PLQ6VJDGE9ZUBN"])
def test_a_bad_tracking_identifier(soap, code):
    business = soap.query("Account", HOME, code=code)
    plain = soap.call("GetEntityInfo", code=code)

    assert business.errors == ["IntegrationCode is invalid."]
    assert "<EntityResultType /><Errors>" in business.http.text
    assert (plain.http.status_code, plain.fault) == (500, "IntegrationCode is invalid.")


def test_blanks_around_the_identifier_do_not_matter_but_its_namespace_does(soap):
    good = soap.envelope(f'<GetWsdlVersion xmlns="{SPACE}"/>', code=f" {soap.code}\n")
    foreign = good.replace(
        f'Integrations xmlns="{SPACE}"', 'Integrations xmlns="urn:x"'
    )

    assert soap.post(good).texts("GetWsdlVersionResult") == ["1.6.11"]
    assert soap.post(foreign).fault == "IntegrationCode is invalid."


def test_prefixes_soapaction_and_path_case_are_free(soap):
    body = f'<ns1:query xmlns:ns1="{SPACE}"><ns1:sXML><![CDATA[<queryxml version="1.0">'
    body += "<entity>account</entity><query><field>Id<expression op='equals'>0"
    body += "</expression></field></query></queryxml>]]></ns1:sXML></ns1:query>"
    text = soap.envelope(body)

    for headers in ({}, {"SOAPAction": f'"{SPACE}query"'}, {"Soapaction": "anything"}):
        endpoint = f"{soap.url}/atSERVICES/1.6/ATWS.asmx"
        assert soap.post(text, headers=headers, endpoint=endpoint).ids == [0]


@pytest.mark.parametrize(
    ("operation", "space"),
    [
        ("queri", SPACE),
        ("query", "http://autotask.net/ATWS/v1_5/"),
        ("getAttachment", SPACE),
    ],
)
def test_unknown_operations(soap, operation, space):
    reply = soap.post(soap.envelope(f'<{operation} xmlns="{space}"/>'))

    assert reply.http.status_code == 500
    assert reply.fault == (
        "System.Web.Services.Protocols.SoapException: Server did not recognize the "
        f"value of HTTP Header SOAPAction: {space}{operation}."
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not xml",
        b"{}",
        b"\x00\xff\xfe",
        b"<a/>",
        b"<a>" * 5000,
        b'<!DOCTYPE a [<!ENTITY b "cccc">]><a>&b;</a>',
        b'<?xml version="1.0" encoding="utf-8"?><a>\xff</a>',
        b'<?xml version="1.0" encoding="klingon"?><a/>',
        b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body/></s:Envelope>',
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"/>',
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body/></s:Envelope>',
    ],
)
def test_malformed_bodies_are_faults(soap, data):
    reply = soap.post(data)

    assert reply.http.status_code == 500
    assert reply.http.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert reply.fault.startswith("System.Web.Services.Protocols.SoapException: ")


def test_other_content_types_sizes_methods_and_paths(soap):
    soap12 = {"Content-Type": "application/soap+xml; charset=utf-8"}

    assert soap.call("GetWsdlVersion", headers=soap12).http.status_code == 415
    assert soap.post(b" " * 32_000_001).http.status_code == 413
    assert soap.session.get(soap.endpoint).status_code == 405
    assert soap.session.get(f"{soap.url}/elsewhere").status_code == 404
    assert soap.session.post(f"{soap.url}/ATServices/9.9/atws.asmx").status_code == 404


def test_utf_16_is_read(soap):
    text = soap.envelope(f'<GetWsdlVersion xmlns="{SPACE}"/>')
    data = text.replace("utf-8", "utf-16").encode("utf-16")

    assert soap.post(data).texts("GetWsdlVersionResult") == ["1.6.11"]


def test_ws_addressing_is_not_understood(soap):
    text = soap.envelope(f'<GetWsdlVersion xmlns="{SPACE}"/>').replace(
        "<soap:Header>",
        '<soap:Header><w:Action xmlns:w="urn:w" soap:mustUnderstand="1">x</w:Action>',
    )

    assert soap.post(text).fault == "SOAP header Action was not understood."


def test_large_responses_are_compressed_on_request(soap):
    inner = "<psObjectType>Account</psObjectType>"
    small = soap.call("GetWsdlVersion", headers={"Accept-Encoding": "gzip"})
    plain = soap.call("GetFieldInfo", inner, headers={"Accept-Encoding": "identity"})
    packed = soap.call(
        "GetFieldInfo", inner, headers={"Accept-Encoding": "gzip"}, stream=True
    )
    raw = packed.http.raw.read(decode_content=False)

    assert "Content-Encoding" not in small.http.headers
    assert gzip.decompress(raw) == plain.http.content
    assert len(raw) < len(plain.http.content) / 4


def test_the_description_has_the_address_of_the_request(soap):
    path = f"{soap.url}/atservices/1.6/ATWS.wsdl"
    named = soap.session.get(path, headers={"Host": "sandbox.example:81"})
    hostile = soap.session.get(path, headers={"Host": 'x"<y>'})
    refused = soap.session.get(path, auth=(soap.username, "wrong"))

    assert 'location="http://sandbox.example:81/ATServices/1.6/atws.asmx"' in named.text
    assert hostile.status_code == 400
    assert refused.status_code == 401


def test_tenants_are_apart(soap, other_soap):
    (mine,) = soap.write("create", "Contact", CONTACT.format("Mine")).ids
    named = '<field>FirstName<expression op="Equals">Mine</expression></field>'

    assert mine in soap.query("Contact", named).ids
    assert other_soap.query("Contact", named).ids == []
    assert (
        soap.query("Account", HOME).entities
        != other_soap.query("Account", HOME).entities
    )
    tenants = soap.session.get(f"{soap.url}/sandbox/tenants").json()
    other = next(t["ci"] for t in tenants if soap.username not in t["usernames"])
    assert (
        soap.row("Account", 0, other).content
        in other_soap.query("Account", HOME).http.content
    )


def test_eight_writers_at_once(soap):
    def work(number):
        client = type(soap)(soap.url, soap.username, soap.password, soap.code)
        with client.session:
            return [
                client.write("create", "Contact", CONTACT.format(f"T{number}")).ids[0]
                for _ in range(15)
            ]

    with ThreadPoolExecutor(8) as pool:
        ids = [record_id for made in pool.map(work, range(8)) for record_id in made]

    assert len(set(ids)) == 120
    for record_id in ids:
        assert soap.row("Contact", record_id).status_code == 200


def test_usage_counts_every_call_but_the_zone_lookup(soap):
    def used():
        (text,) = soap.call("getThresholdAndUsageInfo").texts("Message")
        head, _, number = text.removesuffix(";").rpartition(" ")
        assert head == (
            "ThresholdOfExternalRequest: 100000000; TimeframeOfLimitation: 60; "
            "numberOfExternalRequest:"
        )
        return int(number)

    before = used()
    soap.call("getZoneInfo", "<UserName>x</UserName>")
    soap.query("Account", HOME)

    assert used() == before + 2


def test_requests_are_counted_by_operation_and_entity(fresh):
    fresh.query("account", HOME)
    fresh.query("Account", HOME)
    fresh.call("GetFieldInfo", "<psObjectType>contact</psObjectType>")
    fresh.call("GetEntityInfo")

    url = f"{fresh.url}/sandbox/requests"
    report = fresh.session.get(url).json()

    assert report["total"] == 4
    assert report["counts"] == {
        "query": {"Account": 2},
        "GetFieldInfo": {"Contact": 1},
        "GetEntityInfo": {"": 1},
    }
    last = report["requests"][-1]
    assert last["ms"] >= 0
    assert {**last, "ms": 0} == {
        "operation": "GetEntityInfo",
        "entity": "",
        "user": fresh.username,
        "status": 200,
        "ms": 0,
        "fault": "",
    }
    assert fresh.session.delete(url).json()["total"] == 0


@pytest.fixture
def break_next(soap):
    url = f"{soap.url}/sandbox/faults"

    def add(kind, **more):
        soap.session.post(url, json={"kind": kind, **more}).raise_for_status()

    yield add
    assert soap.session.delete(url).json() == {"waiting": 0}


def test_pages_faults_and_delays_on_demand(soap, break_next):
    break_next("http503", operation="query")
    break_next("html200")
    break_next("fault", operation="create")
    break_next("delay", operation="update", seconds=0.2)

    assert soap.call("GetWsdlVersion").http.headers["Content-Type"] == "text/html"
    assert soap.query("Account", HOME).http.status_code == 503
    assert soap.query("Account", HOME).ids == [0]
    assert soap.write("create", "Contact", CONTACT.format("F")).http.status_code == 500
    assert soap.write("update", "Contact").http.elapsed.total_seconds() >= 0.2


@pytest.mark.parametrize("after_commit", [True, False])
def test_a_hang_up_before_or_after_the_commit(soap, break_next, after_commit):
    name = f"Hang{after_commit}"
    break_next("reset", operation="create", after_commit=after_commit)

    with pytest.raises(requests.ConnectionError):
        soap.write("create", "Contact", CONTACT.format(name))

    named = f'<field>FirstName<expression op="Equals">{name}</expression></field>'
    assert len(soap.query("Contact", named).ids) == int(after_commit)


def test_half_a_response(soap, break_next):
    break_next("truncate", times=2)

    for _ in range(2):
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            soap.query("Account", HOME)
    assert soap.query("Account", HOME).ids == [0]


@pytest.mark.parametrize(
    "document", [[], {}, {"kind": "x"}, {"kind": "reset", "times": 0}, {"king": 1}]
)
def test_faults_that_make_no_sense_are_refused(soap, document):
    reply = soap.session.post(f"{soap.url}/sandbox/faults", json=document)

    assert reply.status_code == 400
    assert reply.json()["message"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("rows/Nothing/1", 404),
        ("rows/Account/-5", 404),
        ("rows/Account/x", 400),
        ("rows/Account/99999999999999999999", 400),
        ("x", 404),
    ],
)
def test_control_paths_that_lead_nowhere(soap, path, status):
    assert soap.session.get(f"{soap.url}/sandbox/{path}").status_code == status


def test_a_chunked_body_is_read(soap):
    text = soap.envelope(f'<GetWsdlVersion xmlns="{SPACE}"/>').encode()
    headers = {"Content-Type": "text/xml"}

    reply = soap.session.post(
        soap.endpoint,
        data=iter([text[:100], text[100:]]),
        headers=headers,
        auth=(soap.username, soap.password),
    )

    assert b"<GetWsdlVersionResult>1.6.11<" in reply.content


def test_an_idle_connection_does_no_harm(soap):
    where = urlsplit(soap.url)
    with socket.create_connection((where.hostname, where.port)) as silent:
        assert soap.call("GetWsdlVersion").http.status_code == 200
        silent.sendall(b"POST /ATServices/1.6/atws.asmx HTTP/1.1\r\nContent-Le")
        assert soap.call("GetWsdlVersion").http.status_code == 200
