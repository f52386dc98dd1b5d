"""What a trace shows of requests and replies: every secret field of every entity."""

from __future__ import annotations

import tomllib
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from bridge.backends.autotask_soap.encode import queryxml, requests
from bridge.backends.autotask_soap.encode.values import vendor_times
from bridge.backends.autotask_soap.masking import mask_xml
from bridge.ceql.ast import And, Operator, Predicate
from bridge.interfaces import Credentials, Field, FieldType
from bridge.telemetry.redaction import MASK

TIMES = vendor_times("America/New_York")
SECRET = "hush-9f2c"
ANA = Credentials(
    "ana@example.com", "pw", "https://ww3.autotask.net", integration_code="CODE"
)
WORDS = ("password", "secret", "token")


def _secret_fields():
    """Yield entity and name of each field that is called a secret in the facts."""
    for file in sorted(resources.files("bridge.sandbox.facts").iterdir(), key=str):
        if file.name.endswith(".toml"):
            entity = tomllib.loads(file.read_text("utf-8"))
            for name in entity.get("fields", {}):
                if any(word in name.lower() for word in WORDS):
                    yield entity["name"], name


SECRET_FIELDS = list(_secret_fields())


def write(entity, field, value):
    return requests.write_request(
        "create",
        entity,
        [(0, {Field("UserName", FieldType.STRING): "ann", field: value})],
        credentials=ANA,
        times=TIMES,
    ).decode()


def test_the_facts_have_the_secrets_that_the_vendor_publishes():
    assert {
        ("ClientPortalUser", "Password"),
        ("Resource", "Password"),
        ("AccountWebhook", "SecretKey"),
        ("IntegrationVendorWidget", "Secret"),
    } <= set(SECRET_FIELDS)


@pytest.mark.parametrize(("entity", "name"), SECRET_FIELDS)
@pytest.mark.parametrize("value", [SECRET, "x", 12345678, True])
def test_a_secret_field_of_a_write_is_masked_and_nothing_else(entity, name, value):
    field = Field(name, FieldType.STRING)

    sent = write(entity, field, value)
    shown = mask_xml(sent)

    text = str(value).lower() if value is True else str(value)
    assert f">{text}</{name}>" in sent
    assert "CODE" in sent
    assert f">{MASK}</{name}>" in shown
    assert f">{text}<" not in shown
    assert "CODE" not in shown
    assert ">ann</UserName>" in shown
    etree.fromstring(shown.encode())


def test_a_secret_user_defined_field_is_masked_and_a_cleared_one_is_shown():
    field = Field("Portal Password", FieldType.STRING, udf=True)

    filled = write("Account", field, SECRET)
    cleared = write("Account", field, None)

    assert f"<Value>{MASK}</Value>" in mask_xml(filled)
    assert "<Value></Value>" in mask_xml(cleared)


@pytest.mark.parametrize("operator", [Operator.EQUAL, Operator.LIKE, Operator.NOT_IN])
def test_a_condition_on_a_secret_field_is_masked(operator):
    field, city = (Field(name, FieldType.STRING) for name in ("Password", "City"))
    where = And(
        (
            Predicate(field, operator, (SECRET, f"x{SECRET}"), 1),
            Predicate(city, Operator.EQUAL, ("Troy",), 1),
        )
    )

    document = queryxml.render("Resource", where, after=None, times=TIMES)
    sent = requests.query_request(document, ANA).decode()
    shown = mask_xml(sent)

    assert SECRET in sent
    assert SECRET not in shown
    assert MASK in shown
    assert "Troy" in shown


@pytest.mark.parametrize(
    "text",
    [
        '<r><Password xsi:type="xsd:string">hush-9f2c</Password><b>kept</b></r>',
        "<t:Password><![CDATA[hush-9f2c]]></t:Password><b>kept</b>",
        "<SecretKey\n a='1'><x>hush-9f2c</x>hush-9f2c</SecretKey  ><b>kept</b>",
        "<Password><Password>a</Password>hush-9f2c</Password><b>kept</b>",
        (
            "<UserDefinedField><Name>My Secret</Name><Value>hush-9f2c</Value>"
            "</UserDefinedField><UserDefinedField><Name>City</Name><Value>kept</Value>"
        ),
        (
            "<sXML>&lt;field&gt;Password&lt;expression op='equals'&gt;hush-9f2c"
            "&lt;/expression&gt;&lt;/field&gt;kept</sXML>"
        ),
        (
            "<sXML><![CDATA[<field>Password<expression op='e'>hush-9f2c</expression>]]>"
            "</sXML><b>kept</b>"
        ),
        "<!-- <Password>hush-9f2c</Password> --><b>kept</b>",
        "<b>kept</b><!-- > <Password a='>'>hush-9f2c",
        "<Password><!-- </Password> -->hush-9f2c</Password><b>kept</b>",
        (
            "<sXML>&#60;field&#62;Password&#x3c;expression op='e'&#x3e;hush-9f2c"
            "&#60;/expression&#62;&#60;/field&#62;kept</sXML>"
        ),
        "<b>kept</b><Password>hush-9f2c",
        "<b>kept</b><Password>hush-9f2c</Pass",
    ],
)
def test_secrets_of_replies_and_broken_texts_are_masked(text):
    shown = mask_xml(text)

    assert SECRET not in shown
    assert MASK in shown
    assert "kept" in shown


@given(st.text("<>/ab&;![]CDATA- Password\"'", max_size=60))
def test_a_text_without_secret_names_is_unchanged(text):
    if "assword" not in text:
        assert mask_xml(text) == text
