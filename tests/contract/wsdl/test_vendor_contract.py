"""Our description and the vendor's own say the same, whatever their spelling."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from lxml import etree

from bridge.sandbox.facts.loader import load_facts
from bridge.sandbox.soap.wsdl import render

NS = {
    "w": "http://schemas.xmlsoap.org/wsdl/",
    "soap": "http://schemas.xmlsoap.org/wsdl/soap/",
    "s": "http://www.w3.org/2001/XMLSchema",
}
XSD = f"{{{NS['s']}}}"


def all_of(node: etree._Element, path: str) -> Iterable[etree._Element]:
    return node.iterfind(path, NS)


def qname(node: etree._Element, attribute: str) -> str | None:
    value = node.get(attribute)
    if value is None:
        return None
    prefix, _, local = value.rpartition(":")
    return f"{{{node.nsmap[prefix or None]}}}{local}"


def element(node: etree._Element) -> tuple[object, ...]:
    inner = node.find("s:complexType", NS)
    assert not set(node.keys()) - {"name", "type", "minOccurs", "maxOccurs", "nillable"}
    return (
        node.get("name"),
        qname(node, "type"),
        node.get("minOccurs", "1"),
        node.get("maxOccurs", "1"),
        node.get("nillable", "false"),
        None if inner is None else complex_type(inner),
    )


def complex_type(node: etree._Element) -> dict[str, Any]:
    form: dict[str, Any] = {
        "abstract": node.get("abstract", "false"),
        "any_attribute": node.find("s:anyAttribute", NS) is not None,
        "base": None,
        "members": [],
    }
    content = node
    extension = node.find("s:complexContent/s:extension", NS)
    if extension is not None:
        form["base"] = qname(extension, "base")
        content = extension
    sequence = content.find("s:sequence", NS)
    if sequence is not None:
        assert all(child.tag == XSD + "element" for child in sequence)
        form["members"] = [element(child) for child in sequence]
    known = {"sequence", "anyAttribute", "complexContent"}
    assert {etree.QName(child).localname for child in node} <= known
    return form


def schema_form(schema: etree._Element) -> dict[str, Any]:
    kinds = {XSD + "element", XSD + "complexType", XSD + "simpleType"}
    assert {child.tag for child in schema} <= kinds
    return {
        "target": schema.get("targetNamespace"),
        "qualified": schema.get("elementFormDefault"),
        "elements": {e.get("name"): element(e) for e in all_of(schema, "s:element")},
        "types": {
            t.get("name"): complex_type(t) for t in all_of(schema, "s:complexType")
        },
        "enumerations": {
            t.get("name"): (
                qname(t.find("s:restriction", NS), "base"),
                [v.get("value") for v in all_of(t, ".//s:enumeration")],
            )
            for t in all_of(schema, "s:simpleType")
        },
    }


def direction(node: etree._Element | None) -> tuple[object, ...]:
    assert node is not None
    bodies = [body.get("use") for body in all_of(node, "soap:body")]
    headers = [
        (qname(h, "message"), h.get("part"), h.get("use"))
        for h in all_of(node, "soap:header")
    ]
    return node.get("name"), qname(node, "message"), bodies, headers


def operations(parent: etree._Element) -> dict[str | None, Any]:
    form = {}
    for node in all_of(parent, "w:operation"):
        soap = node.find("soap:operation", NS)
        form[node.get("name")] = (
            None if soap is None else (soap.get("soapAction"), soap.get("style")),
            direction(node.find("w:input", NS)),
            direction(node.find("w:output", NS)),
        )
    return form


def normal_form(document: bytes) -> dict[str, Any]:
    root = etree.fromstring(document)
    (schema,) = all_of(root, "w:types/s:schema")
    (port_type,) = all_of(root, "w:portType")
    (binding,) = all_of(root, "w:binding")
    (service,) = all_of(root, "w:service")
    (port,) = all_of(service, "w:port")
    (style,) = all_of(binding, "soap:binding")
    return {
        "target": root.get("targetNamespace"),
        "schema": schema_form(schema),
        "messages": {
            m.get("name"): [
                (p.get("name"), qname(p, "element")) for p in all_of(m, "w:part")
            ]
            for m in all_of(root, "w:message")
        },
        "port type": (port_type.get("name"), operations(port_type)),
        "binding": (
            binding.get("name"),
            qname(binding, "type"),
            dict(style.attrib),
            operations(binding),
        ),
        "order": [o.get("name") for o in all_of(binding, "w:operation")],
        "service": (service.get("name"), port.get("name"), qname(port, "binding")),
    }


@pytest.mark.parametrize(
    ("version", "generation", "entities"), [("1.6", "1.6.0", 128), ("1.5", "1.5", 124)]
)
def test_our_description_equals_the_vendors_in_contract(
    vendor_wsdl: Callable[[str], bytes], version: str, generation: str, entities: int
):
    theirs = normal_form(vendor_wsdl(version))

    ours = normal_form(render(load_facts(), version=version, generation=generation))

    derived = [t for t in ours["schema"]["types"].values() if t["base"]]
    assert len(derived) == entities
    assert len(ours["order"]) == 14
    for part, form in theirs.items():
        assert ours[part] == form, part


def test_the_comparison_sees_a_single_changed_occurrence(
    vendor_wsdl: Callable[[str], bytes],
):
    theirs = vendor_wsdl("1.6")
    changed = theirs.replace(
        b'minOccurs="1" maxOccurs="1" name="ReturnCode"',
        b'minOccurs="0" maxOccurs="1" name="ReturnCode"',
    )

    assert changed != theirs
    assert normal_form(changed) != normal_form(theirs)
