"""Malformed input: each gets a response like the vendor's, and soon."""

import random
import re
import time
from copy import deepcopy

import pytest
from lxml import etree

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
EXCEPTION = "System.Web.Services.Protocols.SoapException: "
OTHER_FAULTS = re.compile(
    r"IntegrationCode is invalid\.\Z|SOAP header .* was not understood\.\Z"
)
CRASH = "---> System.Exception"
"""How a fault ends whose cause was not foreseen."""

PAGES = {400, 401, 404, 405, 411, 413, 415}
CALLS = {
    "query": "<sXML>&lt;queryxml&gt;&lt;entity&gt;Contact&lt;/entity&gt;&lt;query&gt;"
    "&lt;condition operator='OR'&gt;&lt;field&gt;LastName&lt;expression op='Like'&gt;"
    "%a%&lt;/expression&gt;&lt;/field&gt;&lt;/condition&gt;&lt;field&gt;CreateDate"
    "&lt;expression op='GreaterThan'&gt;2019-03-10T02:30:00&lt;/expression&gt;"
    "&lt;/field&gt;&lt;/query&gt;&lt;/queryxml&gt;</sXML>",
    "create": '<Entities><Entity xsi:type="Contact"><id>0</id><UserDefinedFields>'
    "<UserDefinedField><Name>x</Name><Value>1</Value></UserDefinedField>"
    '</UserDefinedFields><Active xsi:type="xsd:int">1</Active><AccountID>0</AccountID>'
    "<FirstName>A</FirstName><LastName>B</LastName></Entity></Entities>",
    "update": '<Entities><Entity xsi:type="Account"><id>29683561</id><AccountName>'
    "A</AccountName><Phone>1</Phone><OwnerResourceID>4</OwnerResourceID><AccountType>"
    '1</AccountType><AssetValue xsi:type="xsd:double">1.5</AssetValue></Entity>'
    "</Entities>",
    "delete": '<Entities><Entity xsi:type="AccountToDo"><id>29686001</id></Entity>'
    "</Entities>",
    "getZoneInfo": "<UserName>api@bridge-demo.example</UserName>",
    "GetFieldInfo": "<psObjectType>Ticket</psObjectType>",
    "getUDFInfo": "<psTable>Account</psTable>",
    "GetInvoiceMarkup": "<InvoiceId>29684601</InvoiceId><Format>html</Format>",
    "GetAttachment": "<attachmentId>1</attachmentId>",
    "CreateAttachment": "<attachment><Data>QUJD</Data><Info><id>0</id><ParentID>0"
    "</ParentID><ParentType>1</ParentType><Type>FILE_ATTACHMENT</Type><Title>T</Title>"
    "<FullPath>t.txt</FullPath><Publish>1</Publish></Info></attachment>",
    "DeleteAttachment": "<attachmentId>1</attachmentId>",
    "getThresholdAndUsageInfo": "",
}
NASTY = [
    b"<", b">", b"&", b"]]>", b"<![CDATA[", b"\x00", b"\xff\xfe", b"&#0;", b"&#x1F;",
    b"&lol;", b"<!DOCTYPE a>", b"<!--", b"<?pi ?>", b" xmlns=''", b' xsi:nil="true"',
    b"999999999999999999999999", b"-1", b"NaN", b"1e400", b"0x10", b"%s%n", b"'; --",
    b"\xf0\x9f\x98\x80", b"a" * 5000, b"<a>" * 300, b"\xed\xa0\x80", b"null", b"  ",
    "Ünï".encode(), b"2019-13-45T99:99:99", b"xsd:unknown", b"soap:", b"</soap:Body>",
]  # fmt: skip
TYPES = ["text/xml; charset=utf-16", "text/xml", "text/xml; charset=x", "TEXT/XML"]
XSI = "http://www.w3.org/2001/XMLSchema-instance"
NAMES = ["op", "operator", "udf", f"{{{XSI}}}type", f"{{{XSI}}}nil", f"{{{SOAP}}}role"]
TEXTS = [
    *("", " ", "\t\n", "-1", "0", "1.5", "true", "NaN", "9" * 30, "1e400", "é", "😀"),
    *("Account", "tns:Account", "xsd:int", "xsd:dateTime", "a:b:c", "{urn:x}y"),
    *("2019-03-10T02:30:00", "0001-01-01", "9999-12-31T23:59:59+14:00", "NULL", "%"),
    *("x" * 900, "<queryxml><entity>Account</entity><query><field>id</field></query>"),
    "<queryxml><entity>Account</entity><query><field>id</field></query></queryxml>",
    "<queryxml><entity>Ticket</entity><query><field udf='1'>x</field></query></a>",
]


def mutated(chance, data):
    """Return a body with one to four things wrong with it."""
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(data) + 1)
        end = min(len(data), start + chance.choice([0, 1, 1, 5, 40, 400]))
        piece = chance.choice(
            [
                b"",
                chance.choice(NASTY),
                data[start:end] * 2,
                bytes(chance.randrange(256) for _ in range(3)),
                data[start:end][::-1],
                data[chance.randrange(len(data) + 1) :][:30],
            ]
        )
        data = data[:start] + piece + data[end:]
    return data


def bent(chance, data):
    """Return a body that is still XML, with one to four elements out of shape."""
    root = etree.fromstring(data)
    for _ in range(chance.randint(1, 4)):
        element = chance.choice(list(root.iter("*"))[1:])
        match chance.randrange(6):
            case 0:
                element.text = chance.choice(TEXTS)
            case 1:
                element.tag = chance.choice(["{urn:x}y", "z", "{urn:x}ü"])
            case 2:
                element.set(chance.choice(NAMES), chance.choice(TEXTS))
            case 3:
                element.append(deepcopy(element))
            case 4:
                element.addnext(deepcopy(element))
            case _:
                element.attrib.clear()
                element[:] = []
    return etree.tostring(root)


def assert_kind(reply, seconds):
    """The response is a web page, a fault, or an ordinary one; and it came soon."""
    http = reply.http
    assert seconds < 50
    assert b"Traceback" not in http.content
    if http.status_code in PAGES:
        assert http.headers["Content-Type"].startswith("text/html")
        return
    assert http.status_code in {200, 500}, http.text
    assert http.headers["Content-Type"] == "text/xml; charset=utf-8"
    body = reply.tree.find(f"{{{SOAP}}}Body")
    if http.status_code == 200:
        assert etree.QName(body[0]).localname.endswith("Response")
        return
    assert body[0].tag == f"{{{SOAP}}}Fault"
    assert reply.fault.startswith(EXCEPTION) or OTHER_FAULTS.match(reply.fault)
    assert not reply.fault.endswith(CRASH), http.request.body


def attack(soap, seed, rounds):
    chance = random.Random(seed)
    for _ in range(rounds):
        caller = chance.choice([soap, soap.old])
        operation = chance.choice(list(CALLS))
        body = f'<{operation} xmlns="{caller.namespace}">{CALLS[operation]}'
        spoil = chance.choice([mutated, bent])
        data = spoil(chance, caller.envelope(f"{body}</{operation}>").encode())
        headers = {"SOAPAction": chance.choice(["", '"x"', caller.namespace])}
        if chance.random() < 0.1:
            headers["Content-Type"] = chance.choice(TYPES)
        started = time.monotonic()
        reply = caller.post(data, headers=headers)
        assert_kind(reply, time.monotonic() - started)
    home = '<field>id<expression op="Equals">0</expression></field>'
    assert soap.query("Account", home).ids == [0]


@pytest.mark.parametrize("seed", range(5))
def test_mutated_requests(fresh, seed):
    attack(fresh, seed, rounds=60)


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(100, 120))
def test_many_mutated_requests(fresh, seed):
    attack(fresh, seed, rounds=250)


@pytest.mark.parametrize("version", ["1.5", "1.6"])
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not xml",
        b"{}",
        b'<?xml version="1.0" encoding="utf-8"?><!DOCTYPE a SYSTEM "http://x/"><a/>',
        b"<a>" * 200_000,
        b"<s:Envelope xmlns:s='" + SOAP.encode() + b"'><s:Header/></s:Envelope>",
        b"<s:Envelope xmlns:s='" + SOAP.encode() + b"'><s:Body/></s:Envelope>",
        "<a>é</a>".encode("iso-8859-1"),
        '<?xml version="1.0" encoding="utf-16"?><a>é</a>'.encode(),
    ],
)
def test_bodies_that_are_no_calls(soap, version, data):
    caller = soap if version == "1.6" else soap.old
    started = time.monotonic()

    reply = caller.post(data)

    assert_kind(reply, time.monotonic() - started)
    assert reply.http.status_code == 500


def test_soap_1_2_is_refused_by_label_and_by_envelope(soap):
    text = soap.envelope(f'<GetWsdlVersion xmlns="{soap.namespace}"/>')
    newer = text.replace(SOAP, "http://www.w3.org/2003/05/soap-envelope")
    labelled = {"Content-Type": "application/soap+xml; charset=utf-8"}

    by_label, by_envelope = soap.post(newer, headers=labelled), soap.post(newer)

    assert by_label.http.status_code == 415
    assert by_envelope.http.status_code == 500
    assert "<faultcode>soap:VersionMismatch</faultcode>" in by_envelope.http.text
    assert "was unexpected. Expecting http://schemas.xmlsoap.org/" in by_envelope.fault


def test_fifty_megabytes(soap):
    def parts():
        for _ in range(50):
            yield b" " * 1_000_000

    for data in (b" " * 50_000_000, parts()):
        reply = soap.session.post(
            soap.endpoint,
            data,
            auth=(soap.username, soap.password),
            headers={"Content-Type": "text/xml"},
        )
        assert reply.status_code == 413
        assert reply.headers["Content-Type"] == "text/html"


@pytest.mark.parametrize("depth", [200, 3_000, 300_000])
def test_deep_nesting(soap, depth):
    inside = soap.call("query", "<a>" * depth + "</a>" * depth)
    document = "<condition>" * depth + "</condition>" * depth
    in_query = soap.query("Account", document)

    for reply in (inside, in_query):
        assert_kind(reply, 0)
    assert in_query.code in {0, -1}


@pytest.mark.parametrize(
    "entity",
    [
        "",
        '<Entity xsi:nil="true"/>',
        '<Entity xsi:type="Entity"><id>1</id></Entity>',
        '<Entity xsi:type="xsd:string">x</Entity>',
        '<Entity xsi:type="a:b:c"><id>0</id></Entity>',
        '<Entity xsi:type=""><id>0</id></Entity>',
        '<Entity xsi:type="Account"><id>0</id><id>1</id></Entity>',
        '<Entity xsi:type="Account"><Phone><b/></Phone></Entity>',
        '<Entity xsi:type="Account"><id>99999999999999999999</id></Entity>',
        '<Entity xsi:type="Task"><UserDefinedFields>x<a/></UserDefinedFields></Entity>',
    ],
)
@pytest.mark.parametrize("operation", ["create", "update", "delete"])
def test_odd_batches(soap, operation, entity):
    assert_kind(soap.call(operation, f"<Entities>{entity}</Entities>"), 0)
