"""The description we ship is fresh, loads in zeep and compiles as a schema."""

from __future__ import annotations

from importlib.resources import files
from io import BytesIO
from pathlib import Path

import pytest
import zeep
from lxml import etree

from bridge.sandbox.facts.loader import load_facts
from bridge.sandbox.facts.model import GENERATIONS, entities_of
from bridge.sandbox.facts.service import OPERATIONS
from bridge.sandbox.soap.wsdl import main, namespace, render

NS = "http://autotask.net/ATWS/v1_6/"
XSD = "http://www.w3.org/2001/XMLSchema"
XSI = "http://www.w3.org/2001/XMLSchema-instance"


@pytest.fixture(scope="module")
def shipped() -> bytes:
    return (files("bridge.wsdl_cache") / "atws-1.6.wsdl").read_bytes()


@pytest.fixture(scope="module")
def schema(shipped: bytes) -> etree.XMLSchema:
    (root,) = etree.fromstring(shipped).iter(f"{{{XSD}}}schema")
    alone = etree.tostring(root)  # with the prefixes that its type names use
    return etree.XMLSchema(etree.fromstring(alone))


def body(text: str) -> etree._Element:
    return etree.fromstring(
        f'<root xmlns="{NS}" xmlns:xsi="{XSI}" xmlns:xsd="{XSD}">{text}</root>'
    )[0]


def test_shipped_description_is_a_fresh_render(shipped: bytes, tmp_path: Path):
    main([str(tmp_path / "fresh.wsdl")])

    fresh = (tmp_path / "fresh.wsdl").read_bytes()

    assert shipped == fresh, (
        "run: python -m bridge.sandbox.soap.wsdl (wsdl_cache/README.md)"
    )


def test_shipped_description_has_every_entity_of_every_release_but_1_5s_own_fields(
    shipped: bytes,
):
    (root,) = etree.fromstring(shipped).iter(f"{{{XSD}}}schema")
    types = {t.get("name"): t for t in root.iterfind(f"{{{XSD}}}complexType")}
    facts = load_facts()

    assert types.keys() >= facts.keys()
    for entity in facts.values():
        names = [e.get("name") for e in types[entity.name].iter(f"{{{XSD}}}element")]
        expected = [f.name for f in entity.fields_of("1.6.9+") if f.name != "id"]
        assert names == expected


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_release_describes_its_own_entities_and_members(generation: str):
    document = render(load_facts(), generation=generation)

    (root,) = etree.fromstring(document).iter(f"{{{XSD}}}schema")
    types = {t.get("name"): t for t in root.iterfind(f"{{{XSD}}}complexType")}
    derived = {
        name
        for name, t in types.items()
        if t.find(f".//{{{XSD}}}extension") is not None
    }
    info = [e.get("name") for e in types["EntityInfo"].iter(f"{{{XSD}}}element")]
    header = [
        e.get("name") for e in types["AutotaskIntegrations"].iter(f"{{{XSD}}}element")
    ]
    assert derived == {e.name for e in entities_of(load_facts(), generation)}
    assert ("UserAccessForCreate" in info) == (generation in {"1.6.9+", "1.6.11"})
    assert info.index("CanQuery") < info.index("HasUserDefinedFields")
    assert ("ImpersonateAsResourceID" in header) == (generation != "1.5")


def test_an_unknown_release_is_refused():
    with pytest.raises(ValueError, match=r"1\.7"):
        render(load_facts(), generation="1.7")


def test_the_address_is_the_requested_one():
    document = render(load_facts(), address="http://127.0.0.1:8081/a?b&c")

    location = etree.fromstring(document).xpath("string(//*[@location]/@location)")
    assert location == "http://127.0.0.1:8081/a?b&c"


def test_zeep_loads_every_operation(shipped: bytes):
    client = zeep.Client(wsdl=BytesIO(shipped))  # type: ignore[arg-type]

    binding = client.wsdl.services["ATWS"].ports["ATWSSoap"].binding
    assert set(binding.all()) == {o.port_name or o.name for o in OPERATIONS}
    account = client.type_factory("ns0").Account(id=0, AccountName="A & B")
    envelope = client.create_message(
        client.service,
        "create",
        Entities={"Entity": [account]},
        _soapheaders={"AutotaskIntegrations": {"IntegrationCode": "x"}},
    )
    assert b"A &amp; B" in etree.tostring(envelope)


def test_schema_accepts_a_typed_record_and_refuses_an_unknown_field(
    schema: etree.XMLSchema,
):
    record = (
        '<update><Entities><Entity xsi:type="Contact"><id>1</id>'
        "<UserDefinedFields><UserDefinedField><Name>A</Name></UserDefinedField>"
        '</UserDefinedFields><Active xsi:type="xsd:int">1</Active>{}</Entity>'
        "</Entities></update>"
    )

    assert schema.validate(body(record.format('<City xsi:type="xsd:string" />')))
    assert not schema.validate(body(record.format("<Town>Boston</Town>")))
    assert not schema.validate(body(record.format('<City xsi:type="xsd:int">x</City>')))


def test_schema_types_the_booleans_of_notification_history_itself(
    schema: etree.XMLSchema,
):
    record = (
        "<queryResponse><queryResult><ReturnCode>1</ReturnCode><EntityResults>"
        '<Entity xsi:type="NotificationHistory"><id>1</id><IsDeleted>false</IsDeleted>'
        "<IsActive>{}</IsActive><IsTemplateJob>true</IsTemplateJob></Entity>"
        "</EntityResults></queryResult></queryResponse>"
    )

    assert schema.validate(body(record.format("true")))
    assert not schema.validate(body(record.format("yes")))


def test_versions_have_namespaces_of_their_own():
    assert namespace("1.6") == NS
    assert namespace("1.5") == "http://autotask.net/ATWS/v1_5/"
