"""The service description, rendered from the declared facts.

`python -m bridge.sandbox.soap.wsdl [FILE]` writes the description of 1.6.9, the one
shipped in `wsdl_cache/`. Nothing is copied from the vendor's own file; a test holds
this one equal to it in contract.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from lxml import etree

from bridge.sandbox.facts.loader import load_facts
from bridge.sandbox.facts.model import GENERATIONS, EntityFacts, entities_of
from bridge.sandbox.facts.service import (
    COMMON_TYPES,
    ENTITY,
    ENUMERATIONS,
    HEADER,
    HEADER_MEMBERS,
    LISTS,
    OPERATIONS,
    Member,
    Operation,
    required,
)

_WSDL = "http://schemas.xmlsoap.org/wsdl/"
_SOAP = "http://schemas.xmlsoap.org/wsdl/soap/"
_XSD = "http://www.w3.org/2001/XMLSchema"
_TRANSPORT = "http://schemas.xmlsoap.org/soap/http"
_PORT = "ATWSSoap"


def namespace(version: str) -> str:
    """Return the target namespace of a version, `1.5` or `1.6`."""
    return f"http://autotask.net/ATWS/v{version.replace('.', '_')}/"


def render(
    facts: Mapping[str, EntityFacts],
    *,
    version: str = "1.6",
    generation: str = "1.6.9+",
    address: str | None = None,
) -> bytes:
    """Return a service description as UTF-8 XML, the same for the same arguments.

    Args:
        facts: All entities; those the generation lacks are left out.
        version: `1.5` or `1.6`; decides the namespace.
        generation: Which release's members to describe, see `facts.model.GENERATIONS`.
        address: Of the port; by default the zone-neutral one of the version.
    """
    if generation not in GENERATIONS:
        raise ValueError(f"There is no generation {generation}")
    if address is None:
        address = f"https://webservices.autotask.net/ATServices/{version}/atws.asmx"
    target = namespace(version)
    definitions = etree.Element(
        etree.QName(_WSDL, "definitions"),
        {"targetNamespace": target},
        {"wsdl": _WSDL, "soap": _SOAP, "s": _XSD, "tns": target},
    )
    definitions.append(_element(_WSDL, "types", _schema(facts, target, generation)))
    definitions.extend(_messages())
    definitions.append(_port_type())
    definitions.append(_binding(target))
    definitions.append(_service(address))
    return etree.tostring(
        definitions, encoding="utf-8", xml_declaration=True, pretty_print=True
    )


def _schema(
    facts: Mapping[str, EntityFacts], target: str, generation: str
) -> etree._Element:
    schema = _element(
        _XSD, "schema", elementFormDefault="qualified", targetNamespace=target
    )
    for operation in OPERATIONS:
        result = Member(
            f"{operation.name}Result", operation.result, operation.result_occurs
        )
        schema.append(_wrapper(operation.name, operation.arguments))
        schema.append(_wrapper(f"{operation.name}Response", (result,)))
    schema.append(_element(_XSD, "element", name=HEADER, type=f"tns:{HEADER}"))
    schema.append(_header_type(generation))
    entity = _complex_type("Entity", ENTITY, generation)
    entity.set("abstract", "true")
    schema.append(entity)
    for name, members in COMMON_TYPES.items():
        schema.append(_complex_type(name, members, generation))
    for name in LISTS:
        item = Member(name, f"tns:{name}", "0..n")
        schema.append(_complex_type(f"ArrayOf{name}", (item,), generation))
    for name, values in ENUMERATIONS.items():
        schema.append(_enumeration(name, values))
    for facts_of_one in entities_of(facts, generation):
        schema.append(_entity_type(facts_of_one, generation))
    return schema


def _wrapper(name: str, members: tuple[Member, ...]) -> etree._Element:
    complex_type = _element(_XSD, "complexType")
    if members:
        complex_type.append(_sequence(members, GENERATIONS[-1]))
    return _element(_XSD, "element", complex_type, name=name)


def _header_type(generation: str) -> etree._Element:
    header = _complex_type(HEADER, HEADER_MEMBERS, generation)
    header.append(_element(_XSD, "anyAttribute"))
    return header


def _entity_type(entity: EntityFacts, generation: str) -> etree._Element:
    members = [
        # Only the required booleans of NotificationHistory are typed by the schema.
        Member(field.name) if field.wire_type else required(field.name, field.type)
        for field in entity.fields_of(generation)
        if field.name != "id"
    ]
    extension = _element(
        _XSD, "extension", _sequence(members, generation), base="tns:Entity"
    )
    content = _element(_XSD, "complexContent", extension, mixed="false")
    return _element(_XSD, "complexType", content, name=entity.name)


def _complex_type(
    name: str, members: tuple[Member, ...], generation: str
) -> etree._Element:
    return _element(_XSD, "complexType", _sequence(members, generation), name=name)


def _enumeration(name: str, values: tuple[str, ...]) -> etree._Element:
    items = (_element(_XSD, "enumeration", value=value) for value in values)
    restriction = _element(_XSD, "restriction", *items, base="s:string")
    return _element(_XSD, "simpleType", restriction, name=name)


def _sequence(members: Iterable[Member], generation: str) -> etree._Element:
    released = GENERATIONS[: GENERATIONS.index(generation) + 1]
    return _element(
        _XSD,
        "sequence",
        *(_member(member) for member in members if member.since in released),
    )


def _member(member: Member) -> etree._Element:
    low, high = member.occurs.split("..")
    element = _element(
        _XSD,
        "element",
        minOccurs=low,
        maxOccurs="unbounded" if high == "n" else high,
        name=member.name,
    )
    if high == "n":
        element.set("nillable", "true")
    if member.type:
        own = member.type.startswith("tns:")
        element.set("type", member.type if own else f"s:{member.type}")
    return element


def _messages() -> Iterable[etree._Element]:
    for operation in OPERATIONS:
        name = operation.name
        yield _message(f"{name}SoapIn", "parameters", name)
        yield _message(f"{name}SoapOut", "parameters", f"{name}Response")
        if operation.has_header:
            yield _message(f"{name}{HEADER}", HEADER, HEADER)


def _message(name: str, part: str, element: str) -> etree._Element:
    content = _element(_WSDL, "part", name=part, element=f"tns:{element}")
    return _element(_WSDL, "message", content, name=name)


def _port_type() -> etree._Element:
    port_type = _element(_WSDL, "portType", name=_PORT)
    for operation in OPERATIONS:
        request = _element(
            _WSDL, "input", message=f"tns:{operation.name}SoapIn", **_name(operation)
        )
        reply = _element(
            _WSDL, "output", message=f"tns:{operation.name}SoapOut", **_name(operation)
        )
        name = operation.port_name or operation.name
        port_type.append(_element(_WSDL, "operation", request, reply, name=name))
    return port_type


def _binding(target: str) -> etree._Element:
    style = _element(_SOAP, "binding", transport=_TRANSPORT, style="document")
    operations = (_binding_operation(operation, target) for operation in OPERATIONS)
    return _element(
        _WSDL, "binding", style, *operations, name=_PORT, type=f"tns:{_PORT}"
    )


def _binding_operation(operation: Operation, target: str) -> etree._Element:
    action = f"{target}{operation.name}"
    body = {"use": "literal"}
    request = _element(
        _WSDL, "input", _element(_SOAP, "body", **body), **_name(operation)
    )
    if operation.has_header:
        message = f"tns:{operation.name}{HEADER}"
        request.append(_element(_SOAP, "header", message=message, part=HEADER, **body))
    return _element(
        _WSDL,
        "operation",
        _element(_SOAP, "operation", soapAction=action, style="document"),
        request,
        _element(_WSDL, "output", _element(_SOAP, "body", **body), **_name(operation)),
        name=operation.port_name or operation.name,
    )


def _name(operation: Operation) -> dict[str, str]:
    # Only where the name differs from that of the operation.
    return {"name": operation.name} if operation.port_name else {}


def _service(address: str) -> etree._Element:
    location = _element(_SOAP, "address", location=address)
    port = _element(_WSDL, "port", location, name=_PORT, binding=f"tns:{_PORT}")
    return _element(_WSDL, "service", port, name="ATWS")


def _element(
    space: str, tag: str, *children: etree._Element, **attributes: str
) -> etree._Element:
    element = etree.Element(etree.QName(space, tag), attributes)
    element.extend(children)
    return element


def main(arguments: Sequence[str]) -> None:
    """Write the shipped description to the named file, or to standard output."""
    document = render(load_facts())
    if arguments:
        Path(arguments[0]).write_bytes(document)
    else:
        sys.stdout.buffer.write(document)


if __name__ == "__main__":
    main(sys.argv[1:])
