"""Operations called by name: what is written, and whole numbers in the answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from bridge.backends.autotask_soap import calls
from bridge.backends.autotask_soap.descriptions import bundled
from bridge.backends.autotask_soap.encode.envelopes import Node
from bridge.backends.autotask_soap.encode.requests import NAMESPACE, standalone
from bridge.errors import InvalidRequestError

XSD = "{http://www.w3.org/2001/XMLSchema}"
WHOLE = {"s:byte", "s:short", "s:int", "s:long"}


def declared_whole():
    """Yield parent and name of every element that the description calls whole."""
    root = etree.fromstring(bundled())
    schema = next(root.iter(f"{XSD}schema"))
    kinds = {
        kind.get("name"): kind for kind in schema.iterchildren(f"{XSD}complexType")
    }
    entities = {
        kind.get("name")
        for kind in kinds.values()
        if kind.find(f".//{XSD}extension[@base='tns:Entity']") is not None
    }
    waiting = [
        (element.get("name"), element)
        for element in schema.iterchildren(f"{XSD}element")
        if element.get("name").endswith("Response")
    ]
    seen = set()
    while waiting:
        parent, kind = waiting.pop()
        for member in kind.iter(f"{XSD}element"):
            name, of = member.get("name"), member.get("type") or ""
            if of in WHOLE:
                yield parent, name
            target = kinds.get(of.removeprefix("tns:"))
            if target is None or (name, of) in seen:
                continue
            seen.add((name, of))
            waiting.append((name, target))
            if target.get("name") in entities:
                waiting.append((name, kinds["Entity"]))


PAIRS = sorted({pair for pair in declared_whole() if pair[1] is not None})


def reply(inner):
    root = etree.fromstring(
        f'<r xmlns="{NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        f' xmlns:xsd="http://www.w3.org/2001/XMLSchema">{inner}</r>'
    )
    return root[0][0]


def test_the_description_declares_integers():
    assert ("queryResult", "ReturnCode") in PAIRS
    assert ("EntityReturnInfo", "EntityId") in PAIRS
    assert ("Entity", "id") in PAIRS


@pytest.mark.parametrize(("parent", "name"), PAIRS)
def test_declared_integers_become_numbers(parent, name):
    result = reply(f"<any><{parent}><{name}>-7</{name}><b>7</b></{parent}></any>")

    [answer] = calls.as_json("any", result).values()

    assert answer == {parent: {name: -7, "b": "7"}}


@pytest.mark.parametrize(
    ("element", "value"),
    [
        ('<a xsi:type="xsd:int">07</a>', 7),
        ('<a xsi:type="xsd:string">7</a>', "7"),
        ('<id xsi:type="xsd:string">7</id>', "7"),
        ('<a xsi:type="xsd:int">x</a>', "x"),
        ('<a xsi:type="xsd:int"/>', ""),
        ("<a>7</a>", "7"),
        ("<ReturnCode>7</ReturnCode>", "7"),
    ],
)
def test_nothing_is_guessed_from_a_text(element, value):
    result = reply(f"<queryResponse><Entity>{element}</Entity></queryResponse>")

    [answer] = calls.as_json("query", result).values()

    assert [*answer["Entity"].values()] == [value]


def test_json_has_the_names_of_the_reply():
    result = reply("<GetEntityInfoResponse><Result/></GetEntityInfoResponse>")

    assert calls.as_json("getEntityInfo", result) == {
        "GetEntityInfoResponse": {"Result": ""}
    }
    assert calls.as_json("DeleteAttachment", None) == {"DeleteAttachmentResponse": {}}
    assert calls.refusals(None) == []


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]), min_size=1))
def test_no_value_breaks_out_of_a_structure(value):
    contact = Node("Entity", "Contact", (Node("LastName", "xsd:string", value),))

    body = calls.write_body("create", {"Entities": (contact,), "note": value})

    root = etree.fromstring(standalone(body))
    assert [etree.QName(element).localname for element in root.iter()] == [
        "create",
        "Entities",
        "Entity",
        "LastName",
        "note",
    ]
    assert {root[0][0][0].text, root[1].text} == {value}
    assert [*root[0][0].attrib.values()] == ["Contact"]


@pytest.mark.parametrize(
    "node", [Node("a b", "", ""), Node("a", 'x"y', ""), Node("a", "xsd:<", "")]
)
def test_an_invalid_name_is_refused(node):
    with pytest.raises(InvalidRequestError):
        calls.write_body("create", {"Entities": (node,)})
