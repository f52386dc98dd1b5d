"""Published exchanges replayed: responses have the samples' form in each member."""

import os
import re
from pathlib import Path

import pytest
from lxml import etree

SAMPLES = Path(__file__).parents[4] / "shared" / "reference" / "soap-samples"
BODY = "{http://schemas.xmlsoap.org/soap/envelope/}Body"
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"

# What the samples' tenant has and the data set has not.
TRANSLATED = {
    "Q7KD3MZT5W2XB8HVN4PYJ6RGLCA": "{code}",
    "api.sync@larkspur.example": "{username}",
    "Larkspur": "",
    ">29683601<": ">0<",
    ">29682901<": ">4<",
    "Newsletter": "{udf}",
    ">29682777<": ">29682774<",
}


def exchanges(name):
    if not SAMPLES.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail("the shared soap-samples are missing")
        pytest.skip("the shared soap-samples are not beside this checkout")
    text = (SAMPLES / name).read_text(encoding="utf-8")
    for request, response in re.findall(
        r">>> REQUEST\n(.*?)<<< RESPONSE\n(.*?)(?=>>> REQUEST|\Z)", text, re.DOTALL
    ):
        yield (
            request.partition("\n\n")[2].strip(),
            response.partition("\n\n")[2].strip(),
        )


def translated(request, soap):
    """Return a sample's request in terms of the data set."""
    for old, new in TRANSLATED.items():
        value = new.format(code=soap.code, username=soap.username, udf="x")
        request = request.replace(old, value)
    return request


def shape(text):
    """Return names and types in order, whatever repeats shown once, values dropped."""
    body = etree.fromstring(re.sub(r">\s+<", "><", text).encode()).find(BODY)

    def describe(element):
        children = [describe(child) for child in element]
        single = [c for n, c in enumerate(children) if c not in children[:n]]
        return (etree.QName(element).localname, element.get(XSI_TYPE), single)

    return describe(body)


@pytest.mark.parametrize(
    "name",
    [
        "01-getzoneinfo.http",
        "04-query-no-match.http",
        "07-create-errors.http",
        "10-delete.http",
        "14-threshold-and-version.http",
        "18-integration-code-invalid.http",
        "19-soap-fault-bad-id.http",
    ],
)
def test_the_response_has_the_samples_shape(fresh, name):
    for sample, expected in exchanges(name):
        request = translated(sample, fresh)
        if "AccountToDo" in request:
            todos = '<field>id<expression op="GreaterThan">0</expression></field>'
            (first, *_) = fresh.query("AccountToDo", todos).ids
            request = request.replace("29684810", str(first))

        reply = fresh.post(request.lstrip())

        assert shape(reply.http.text) == shape(expected)


@pytest.mark.parametrize("name", ["15-invoice-markup.http", "20-impersonation.http"])
def test_the_response_of_the_first_1_6_has_the_samples_shape(early, name):
    ((sample, expected),) = exchanges(name)
    request = translated(sample, early).replace(">318<", ">29684601<")

    reply = early.post(request)

    assert shape(reply.http.text) == shape(expected)


@pytest.mark.parametrize("name", ["11-getentityinfo.http", "12-getfieldinfo.http"])
def test_metadata_of_the_first_1_6_has_the_samples_shape(early, name):
    ((sample, expected),) = exchanges(name)

    reply = early.post(translated(sample, early))

    assert kinds(reply.http.text) >= kinds(expected)


def test_udf_metadata_of_the_first_1_6_has_the_samples_shape(early):
    ((sample, expected),) = exchanges("13-getudfinfo.http")

    reply = early.post(translated(sample, early))

    assert kinds(reply.http.text) >= kinds(expected)
    assert reply.find_all("PickListValue")
    assert reply.find_all("parentValue") == []


def kinds(text):
    """Return the different shapes of the infos in a response."""
    ((_, _, ((_, _, infos),)),) = shape(text)[2]
    return {repr(info) for info in infos}


def test_an_attachment_goes_through_the_samples_exchanges(early):
    attachment_id = ""
    for sample, expected in exchanges("16-attachments.http"):
        request = translated(sample, early).replace("6641", attachment_id)

        reply = early.post(request)

        attachment_id = "".join(reply.texts("CreateAttachmentResult")) or attachment_id
        assert shape(reply.http.text) == shape(expected)


def test_what_an_old_extended_resource_sends_to_1_5(soap):
    ((request, expected),) = exchanges("21-usage-1.5-blank-header.http")
    action = "http://autotask.net/ATWS/v1_5/getThresholdAndUsageInfo"

    reply = soap.old.post(
        request, headers={"Soapaction": action}, endpoint=soap.old.endpoint
    )

    number = re.compile(r"ExternalRequest: [0-9]+")
    assert number.sub("", reply.http.text) == number.sub(
        "", re.sub(r">\s+<", "><", expected)
    )
    assert reply.http.headers["Cache-Control"] == "private, max-age=0"


@pytest.mark.parametrize(
    ("name", "position"),
    [
        ("05-query-errors.http", 0),
        ("07-create-errors.http", 1),
        ("09-update-errors.http", 1),
    ],
)
def test_the_refusal_is_the_samples_to_the_letter(soap, name, position):
    request, expected = list(exchanges(name))[position]
    request = request.replace("Q7KD3MZT5W2XB8HVN4PYJ6RGLCA", soap.code)
    request = request.replace(">29682901<", ">4<")

    reply = soap.post(request)

    assert reply.http.text == re.sub(r">\s+<", "><", expected)


def test_fields_of_a_response_come_in_the_samples_order(soap):
    ((_, expected),) = exchanges("02-query-account.http")
    sample = etree.fromstring(expected.encode())
    order = [
        (etree.QName(child).localname, child.get(XSI_TYPE))
        for child in sample.find(".//{*}Entity")
    ]
    own = '<field>id<expression op="LessThan">29700000</expression></field>'

    for entity in soap.query("Account", own).find_all("Entity"):
        got = [(etree.QName(c).localname, c.get(XSI_TYPE)) for c in entity]
        common = [pair for pair in got if pair in order]
        assert common == [pair for pair in order if pair in common]
        assert len(common) > 10
