"""Attachments on the wire: requests as zeep writes them, replies in any chunks."""

from __future__ import annotations

import base64
import io
import tracemalloc
from importlib import resources
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree
from zeep import xsd

from bridge.backends.autotask_soap import attachments, wsdl
from bridge.backends.autotask_soap.decode import attachment_reply
from bridge.backends.autotask_soap.decode.answers import FaultReplyError
from bridge.backends.autotask_soap.decode.attachment_reply import read_attachment
from bridge.backends.autotask_soap.encode.requests import NAMESPACE
from bridge.backends.autotask_soap.encode.values import vendor_times
from bridge.errors import (
    ProviderOutcomeUnknownError,
    ProviderProtocolError,
    ProviderRejectedError,
    ProviderUploadLimitError,
)
from bridge.interfaces import Credentials, Field, FieldType, Parent

DESCRIPTION = resources.files("bridge.wsdl_cache") / "atws-1.6.wsdl"
TIMES = vendor_times("America/New_York")
ANA = Credentials(
    "ana@example.com",
    "s3cret-pw",
    "https://ww3.autotask.net",
    integration_code="CODE & <1>",
    impersonate_resource_id=29682901,
)
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
MEMBERS = (
    ("ParentID", FieldType.LONG, 29683601, xsd.Int),
    ("ParentType", FieldType.INTEGER, 1, xsd.Int),
    ("Type", FieldType.STRING, "FILE_ATTACHMENT", xsd.String),
    ("Title", FieldType.STRING, "Plan & <b>", xsd.String),
    ("FullPath", FieldType.STRING, "Übersicht 日本.pdf", xsd.String),
    ("Publish", FieldType.INTEGER, 2, xsd.Int),
)
VALUES = {Field(name, kind): value for name, kind, value, _ in MEMBERS}
INFO = (
    "<Info><id>6641</id><UserDefinedFields />"
    '<ParentID xsi:type="xsd:int">29683601</ParentID>'
    '<Title xsi:type="xsd:string">Site &amp; survey</Title></Info>'
)


def envelope(inner: str) -> bytes:
    return (
        '\n<?xml version="1.0" encoding="utf-8"?>'
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"><soap:Header />'
        f"<soap:Body>{inner}</soap:Body></soap:Envelope>"
    ).encode()


def got(members: str) -> bytes:
    return envelope(
        f'<GetAttachmentResponse xmlns="{NAMESPACE}"><GetAttachmentResult>'
        f"{members}</GetAttachmentResult></GetAttachmentResponse>"
    )


def response_of(operation: str, result: str) -> str:
    return f'<{operation}Response xmlns="{NAMESPACE}">{result}</{operation}Response>'


def read(body: bytes, *, size: int = 0):
    step = size or len(body) or 1
    chunks = (body[start : start + step] for start in range(0, len(body), step))
    return read_attachment(chunks, lambda _name, text: text)


def canonical(document: bytes) -> str:
    """Return canonical XML, prefixes made alike and `xsi:type` names spelt in full."""
    tree = etree.fromstring(document)
    for element in tree.iterfind(f".//*[@{XSI_TYPE}]"):
        prefix, _, name = element.get(XSI_TYPE).rpartition(":")
        element.set(XSI_TYPE, f"{{{element.nsmap[prefix or None]}}}{name}")
    return ET.canonicalize(etree.tostring(tree), rewrite_prefixes=True)


@pytest.fixture(scope="module")
def oracle():
    return wsdl._parse(DESCRIPTION.read_bytes())


def zeeps(oracle, operation, *, writes, **members):
    client, service = oracle
    author = ANA.impersonate_resource_id if writes else None
    header = {
        "IntegrationCode": ANA.integration_code,
        "ImpersonateAsResourceID": author,
    }
    message = client.create_message(
        service,
        operation,
        **members,
        _soapheaders={"AutotaskIntegrations": header},
    )
    return canonical(etree.tostring(message))


@pytest.mark.parametrize("data", [b"%PDF-1.4\n", bytes(range(256)) * 400, None])
def test_an_upload_equals_zeeps(oracle, data):
    client, _ = oracle
    factory = client.type_factory(NAMESPACE)
    typed = {name: xsd.AnyObject(make(), value) for name, _, value, make in MEMBERS}
    info = factory.AttachmentInfo(id=0, **typed)

    request = attachments.create_request(
        VALUES, data and io.BytesIO(data), credentials=ANA, times=TIMES
    )

    attachment = factory.Attachment(Data=data, Info=info)
    theirs = zeeps(oracle, "CreateAttachment", writes=True, attachment=attachment)

    assert canonical(request.body) == theirs
    assert request.writes


@pytest.mark.parametrize(
    ("operation", "writes"), [("GetAttachment", False), ("DeleteAttachment", True)]
)
def test_calls_by_id_equal_zeeps(oracle, operation, writes):
    request = attachments.id_request(operation, 6641, ANA, writes=writes)

    theirs = zeeps(oracle, operation, writes=writes, attachmentId=6641)
    assert canonical(request.body) == theirs


def test_the_published_reply_is_read():
    found = read(got(f"<Data>JVBERi0xLjQK</Data>{INFO}"))

    assert found.data == b"%PDF-1.4\n"
    assert found.info == {
        "id": 6641,
        "ParentID": 29683601,
        "Title": "Site & survey",
    }


@settings(max_examples=60)
@given(st.binary(max_size=400), st.integers(1, 80), st.sampled_from(["", "\r\n", " "]))
@example(b"", 1, "")
@example(b"a", 3, "\n")
def test_any_bytes_come_back_from_any_chunks(data, size, blank):
    text = base64.b64encode(data).decode()
    lines = blank.join(text[i : i + 19] for i in range(0, len(text), 19))

    found = read(got(f"<Data>{lines}</Data>{INFO}"), size=size)

    assert found.data == data
    assert found.info["id"] == 6641


@settings(max_examples=60)
@given(st.text(max_size=60), st.binary(min_size=1, max_size=300))
def test_what_is_written_is_what_a_schema_reader_reads(title, data):
    values = {**VALUES, Field("Title", FieldType.STRING): title}

    request = attachments.create_request(
        values, io.BytesIO(data), credentials=ANA, times=TIMES
    )

    tree = etree.fromstring(request.body)
    allowed = "".join(
        c for c in title if c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff")
    )
    assert (tree.findtext(".//{*}Title") or "") == allowed
    assert base64.b64decode(tree.findtext(".//{*}Data")) == data


def test_a_link_has_no_data_and_an_empty_file_has_none_of_it():
    assert read(got(INFO)).data is None
    assert read(got(f"<Data />{INFO}")).data == b""
    nil = '<Data xsi:nil="true" />'
    assert read(got(nil + INFO)).data is None


@pytest.mark.parametrize(
    "body",
    [
        got(""),
        envelope(response_of("GetAttachment", "")),
        envelope(
            response_of("GetAttachment", '<GetAttachmentResult xsi:nil="true" />')
        ),
    ],
)
def test_a_reply_without_an_attachment_is_none(body):
    assert read(body) is None


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (got(f"<Data>JVBERi0xLjQK</Data>{INFO}")[:-30], "cut off"),
        (got(f"<Data>JVBERi0xLjQ</Data>{INFO}"), "not base64"),
        (got(f"<Data>JV!Ri0xLjQK</Data>{INFO}"), "not base64"),
        (got(f"<Data>JQ==JVBE</Data>{INFO}"), "not base64"),
        (got(f"<Data>{'JQ==' * 9}</Data>{INFO}"), "not base64"),
        (got("<Info><Title>x</Title></Info>"), "without an id"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + got(INFO).lstrip()[39:], "DTD"),
        (b"<!DOCTYPE html><html></html>", "HTML"),
        (b"<other/>", "no SOAP reply"),
        (envelope(""), "no attachment"),
        (envelope(response_of("query", "<queryResult />")), "no attachment"),
        (b"", "cut off"),
    ],
)
def test_reply_without_attachment_is_an_error(body, says):
    with pytest.raises(ProviderProtocolError, match=says):
        read(body)


def test_fault_has_code_and_text():
    fault = (
        "<soap:Fault><faultcode>soap:Server</faultcode><faultstring>No &amp; no."
        "</faultstring><detail><a><b>x</b></a></detail></soap:Fault>"
    )

    with pytest.raises(FaultReplyError) as caught:
        read(envelope(fault))

    assert (caught.value.code, caught.value.text) == ("soap:Server", "No & no.")


def test_a_file_above_the_limit_is_refused(monkeypatch):
    monkeypatch.setattr(attachment_reply, "MAX_BYTES", 1000)

    with pytest.raises(ProviderProtocolError, match="larger than 1000 bytes"):
        read(got(f"<Data>{base64.b64encode(bytes(1001)).decode()}</Data>{INFO}"))


def test_a_large_file_is_in_memory_about_once():
    data = bytes(3_000_000)
    body = got(f"<Data>{base64.b64encode(data).decode()}</Data>{INFO}")
    tracemalloc.start()
    try:
        read(body, size=65_536)
        _, read_peak = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        attachments.create_request(
            VALUES, io.BytesIO(data), credentials=ANA, times=TIMES
        )
        _, written_peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert read_peak < 1.5 * len(data)
    assert written_peak < 1.5 * len(data) * 4 / 3


def create(backend):
    return backend.create_attachment(Parent("Account", 0), VALUES, io.BytesIO(b"abc"))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("bytes of attachments in five minutes", ProviderUploadLimitError),
        ("The attachment exceeds the maximum size.", ProviderRejectedError),
        ("Value does not exist for the required field X.", ProviderRejectedError),
        ("something else went wrong", ProviderOutcomeUnknownError),
    ],
)
def test_refusal_has_the_vendors_text_and_is_not_retried(backend, vendor, text, error):
    vendor.script = [vendor.fault(f"System.Exception: {text}")]

    with pytest.raises(error) as caught:
        create(backend)

    assert text in caught.value.provider_message
    assert vendor.operations == ["CreateAttachment"]


def test_upload_without_response_is_not_retried(backend, vendor):
    vendor.script = [vendor.hang_up]

    with pytest.raises(ProviderOutcomeUnknownError, match="look for the record"):
        create(backend)


def test_a_new_attachment_has_the_id_of_the_reply(backend, vendor):
    result = "<CreateAttachmentResult>6641</CreateAttachmentResult>"
    vendor.script = [vendor.soap(response_of("CreateAttachment", result))]

    assert create(backend) == 6641
    assert "<Data>YWJj</Data>" in vendor.sent_text()


@pytest.mark.parametrize(
    ("result", "error"),
    [
        ("<CreateAttachmentResult>0</CreateAttachmentResult>", ProviderRejectedError),
        ("<CreateAttachmentResult />", ProviderOutcomeUnknownError),
        ("", ProviderOutcomeUnknownError),
    ],
)
def test_an_upload_without_an_id(backend, vendor, result, error):
    vendor.script = [vendor.soap(response_of("CreateAttachment", result))]

    with pytest.raises(error):
        create(backend)


@pytest.mark.parametrize("result", ["", "<DeleteAttachmentResult />"])
def test_an_empty_reply_to_a_delete_is_success(backend, vendor, result):
    vendor.script = [vendor.soap(response_of("DeleteAttachment", result))]

    backend.delete_attachment(None, 6641)

    assert vendor.operations == ["DeleteAttachment"]


def test_a_message_about_a_delete_is_a_refusal(backend, vendor):
    result = "<DeleteAttachmentResult>No such thing.</DeleteAttachmentResult>"
    vendor.script = [vendor.soap(response_of("DeleteAttachment", result))]

    with pytest.raises(ProviderRejectedError, match="No such thing"):
        backend.delete_attachment(None, 6641)


def test_download_is_retried_after_a_broken_connection(backend, vendor):
    vendor.script = [
        vendor.hang_up,
        vendor.soap(
            got(INFO).decode().partition("<soap:Body>")[2].split("</soap:B")[0]
        ),
    ]

    assert backend.attachment(None, 6641).info["Title"] == "Site & survey"
