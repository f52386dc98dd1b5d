"""Our writer says what zeep would say, for every entity of the description."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import resources
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from zeep import xsd

from bridge.backends.autotask_soap import wsdl
from bridge.backends.autotask_soap.encode import requests
from bridge.backends.autotask_soap.encode.values import vendor_times
from bridge.errors import InvalidRequestError
from bridge.interfaces import Credentials, Field, FieldType

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
NAMESPACE = f"{{{requests.NAMESPACE}}}"
MOMENT = datetime(2021, 6, 11, 20, 2, 45, tzinfo=UTC)
DECLARED_BOOLEANS = ("IsActive", "IsDeleted", "IsTemplateJob")
"""Of NotificationHistory: zeep leaves out a type that the description declares."""

KINDS = (
    (FieldType.STRING, "a & b <c> ]]> \r\n\t\"'", xsd.String, None),
    (FieldType.STRING, "", xsd.String, None),
    (FieldType.INTEGER, -5, xsd.Int, None),
    (FieldType.LONG, 2**40, xsd.Long, None),
    (FieldType.SHORT, 1, xsd.Short, None),
    (FieldType.BOOLEAN, True, xsd.Boolean, None),
    (FieldType.DOUBLE, 12.5, xsd.Double, None),
    (FieldType.DECIMAL, Decimal("175.0000"), xsd.Decimal, None),
    (FieldType.DATETIME, MOMENT, xsd.DateTime, "2021-06-11T16:02:45"),
    (FieldType.DATETIME, date(2021, 7, 30), xsd.DateTime, "2021-07-30T00:00:00"),
)


@pytest.fixture(scope="module")
def oracle():
    return wsdl._parse(DESCRIPTION.read_bytes())


def canonical(envelope):
    """Return canonical XML, prefixes made alike and `xsi:type` names spelt in full."""
    tree = etree.fromstring(envelope)
    for element in tree.iterfind(f".//*[@{XSI_TYPE}]"):
        prefix, _, name = element.get(XSI_TYPE).rpartition(":")
        element.set(XSI_TYPE, f"{{{element.nsmap[prefix or None]}}}{name}")
    for entity in tree.iterfind(".//{*}Entity"):
        if entity.get(XSI_TYPE) == f"{NAMESPACE}NotificationHistory":
            for name in DECLARED_BOOLEANS:
                entity.find(f"{{*}}{name}").attrib.pop(XSI_TYPE, None)
    return ET.canonicalize(etree.tostring(tree), rewrite_prefixes=True)


def header(credentials, *, writes):
    author = credentials.impersonate_resource_id if writes else None
    return {
        "AutotaskIntegrations": {
            "IntegrationCode": credentials.integration_code,
            "ImpersonateAsResourceID": author,
        }
    }


def entity_types(client):
    tree = etree.fromstring(DESCRIPTION.read_bytes().lstrip())
    path = "//s:complexType[s:complexContent/s:extension[@base='tns:Entity']]/@name"
    names = tree.xpath(path, namespaces={"s": "http://www.w3.org/2001/XMLSchema"})
    return [client.get_type(f"{NAMESPACE}{name}") for name in names]


def field_names(kind):
    inherited = ("Fields", "id", "UserDefinedFields")
    return [name for name, _element in kind.elements if name not in inherited]


def row_of(kind, *, offset):
    """Give each field of an entity a value, kinds by turns; ours and zeep's."""
    ours, theirs = {Field("5: PO & <No.>", FieldType.STRING, udf=True): "x & y"}, {}
    for position, name in enumerate(field_names(kind), start=offset):
        field_type, value, make, text = KINDS[position % len(KINDS)]
        if name in DECLARED_BOOLEANS and kind.qname.localname == "NotificationHistory":
            ours[Field(name, FieldType.BOOLEAN)] = theirs[name] = True
            continue
        ours[Field(name, field_type)] = value
        if text is not None:
            value = datetime.fromisoformat(text)
        theirs[name] = xsd.AnyObject(make(), value)
    udfs = {"UserDefinedField": [{"Name": "5: PO & <No.>", "Value": "x & y"}]}
    return ours, {**theirs, "UserDefinedFields": udfs}


@pytest.mark.parametrize("operation", ["create", "update"])
def test_writes_equal_zeeps_for_every_entity(oracle, operation):
    client, service = oracle
    kinds = entity_types(client)
    assert len(kinds) >= 128

    for number, kind in enumerate(kinds):
        name = kind.qname.localname
        ours, theirs = row_of(kind, offset=number)
        rows = [(entity_id, ours) for entity_id in (number, 2**31 + number)]
        written = requests.write_request(
            operation, name, rows, credentials=ANA, times=TIMES
        )
        envelope = client.create_message(
            service,
            operation,
            Entities={
                "Entity": [kind(id=entity_id, **theirs) for entity_id, _ in rows]
            },
            _soapheaders=header(ANA, writes=True),
        )
        assert canonical(written) == canonical(etree.tostring(envelope)), name


def test_queries_equal_zeeps(oracle):
    client, service = oracle
    document = "<queryxml><entity>A</entity>&amp;lt; \r\n</queryxml>"

    envelope = client.create_message(
        service, "query", sXML=document, _soapheaders=header(ANA, writes=False)
    )

    written = requests.query_request(document, ANA)
    assert canonical(written) == canonical(etree.tostring(envelope))


def test_the_author_is_named_on_writes_alone_and_nothing_is_named_empty():
    bare = Credentials("u", "p", "https://ww3.autotask.net", integration_code="  ")
    field = Field("Name", FieldType.STRING)

    query = requests.query_request("<queryxml/>", ANA)
    write = requests.write_request(
        "create", "Account", [(0, {field: "x"})], credentials=ANA, times=TIMES
    )

    assert b"Impersonate" not in query
    assert b"<ImpersonateAsResourceID>29682901<" in write
    assert b"Header" not in requests.query_request("<queryxml/>", bare)


def test_nulls_are_left_out_but_a_null_udf_is_emptied():
    values = {
        Field("id", FieldType.LONG): 9,
        Field("Fax", FieldType.STRING): None,
        Field("City", FieldType.STRING): "",
        Field("Seats", FieldType.STRING, udf=True): None,
    }

    written = requests.write_request(
        "update", "Account", [(7, values)], credentials=ANA, times=TIMES
    ).decode()

    assert (
        '<Entity xsi:type="Account"><id>7</id><UserDefinedFields><UserDefinedField>'
        "<Name>Seats</Name><Value></Value></UserDefinedField></UserDefinedFields>"
        '<City xsi:type="xsd:string"></City></Entity>'
    ) in written


@settings(deadline=None)
@given(st.permutations(range(6)), st.permutations(range(6)), st.data())
def test_members_stand_in_the_vendors_order_whatever_the_order_of_the_values(
    given_order, places, data
):
    values = {
        Field(f"F{place}", FieldType.INTEGER, place=place): place for place in places
    }
    newer = {Field("New1", FieldType.STRING): "1", Field("New2", FieldType.STRING): "2"}
    udfs = {Field(f"U{n}", FieldType.STRING, udf=True): "u" for n in given_order}
    items = [*newer.items(), *udfs.items(), *values.items()]
    cut = data.draw(st.integers(0, len(items)))

    written = requests.write_members(dict(items[cut:] + items[:cut]), TIMES)

    tree = etree.fromstring(f"<_ xmlns:xsi='a' xmlns:xsd='b'>{written}</_>")
    names = [element.tag for element in tree]
    assert names[:7] == ["UserDefinedFields", *(f"F{place}" for place in range(6))]
    # Those without a place stay in the order in which they were given.
    rotated = [field.name for field, _ in items[cut:] + items[:cut]]
    assert names[7:] == [name for name in rotated if name.startswith("New")]
    assert [element.findtext("Name") for element in tree[0]] == [
        name for name in rotated if name.startswith("U")
    ]


@settings(deadline=None)
@given(st.text(), st.text(), st.text())
def test_no_text_breaks_out_of_its_element(text, udf_name, code):
    hostile = Credentials("u", "p", "x", integration_code=code)
    values = {
        Field("Name", FieldType.STRING): text,
        Field(udf_name, FieldType.STRING, udf=True): text,
    }

    written = requests.write_request(
        "create", "Account", [(0, values)], credentials=hostile, times=TIMES
    )

    tree = etree.fromstring(written)
    tags = [etree.QName(element).localname for element in tree.iter()]
    assert [tag for tag in tags if tag not in ("Header", "AutotaskIntegrations")] == [
        "Envelope",
        *(["IntegrationCode"] if "IntegrationCode" in tags else []),
        "Body",
        "create",
        "Entities",
        "Entity",
        "id",
        "UserDefinedFields",
        "UserDefinedField",
        "Name",
        "Value",
        "Name",
    ]


@pytest.mark.parametrize("name", ["", "a b", 'A"', "x><y", "ns:x", "é"])
def test_names_that_are_no_element_names_are_refused(name):
    field = Field(name, FieldType.STRING)

    with pytest.raises(InvalidRequestError):
        requests.write_request(
            "create", "Account", [(0, {field: "x"})], credentials=ANA, times=TIMES
        )
    with pytest.raises(InvalidRequestError):
        requests.write_request("create", name, [], credentials=ANA, times=TIMES)
