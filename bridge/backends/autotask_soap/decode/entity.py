"""Build an entity from its element."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from lxml import etree

from bridge.backends.autotask_soap.decode.field_types import (
    DECLARED_TYPES,
    UDF_MEMBER,
    RawEntity,
    ReadTime,
    read_value,
)
from bridge.backends.autotask_soap.decode.xml_feed import OPTIONS, XmlFeed
from bridge.errors import ProviderProtocolError
from bridge.interfaces import Entity

SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
XSD: Final = "http://www.w3.org/2001/XMLSchema"

_START: Final = f'<_ xmlns:xsi="{XSI}" xmlns:xsd="{XSD}">'.encode()
_TYPE: Final = f"{{{XSI}}}type"
_NIL: Final = f"{{{XSI}}}nil"


def local_name(element: etree._Element) -> str:
    """Return an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def is_nil(element: etree._Element) -> bool:
    """Whether an element is null by `xsi:nil`."""
    return (element.get(_NIL) or "").strip() in ("true", "1")


class EntityReader:
    """Reads the entities of one reply.

    Args:
        read_time: turns the text of a dateTime field into a value.
        prefixes: namespace prefixes that have one meaning in all entities.
    """

    def __init__(self, read_time: ReadTime, prefixes: Iterable[str | None]) -> None:
        self._read_time = read_time
        self._names: dict[str, str] = {}
        self._kinds: dict[str | None, str] = {}
        self._prefixes = {prefix or "" for prefix in prefixes}

    def forget_prefix(self, prefix: str) -> None:
        """Note that an entity declares `prefix` for itself."""
        self._prefixes.discard(prefix)
        # Kinds cached so far may depend on the former meaning of the prefix.
        self._kinds.clear()

    def read(self, element: etree._Element) -> RawEntity:
        """Return the entity of a complete element.

        Raises:
            ProviderProtocolError: a value is not of its type, or the id is missing.
        """
        entity: RawEntity = {}
        names, kinds = self._names, self._kinds
        for child in element:
            name = names.get(child.tag) or self._name(child)
            # An element with children is user-defined fields, or no value at all.
            if len(child):
                if name == UDF_MEMBER and (udfs := _read_udfs(child)):
                    entity[name] = udfs
                continue
            kind = kinds.get(child.get(_TYPE)) or self._kind(child, name)
            # Counting the attributes is cheaper than looking for `xsi:nil`.
            if kind is None or (len(child.attrib) > 1 and is_nil(child)):
                continue
            text = child.text or ""
            if kind == "string":
                entity[name] = text
                continue
            value = read_value(name, kind, text, self._read_time)
            if value is not None:
                entity[name] = value
        if not isinstance(entity.get("id"), int):
            raise ProviderProtocolError("Autotask sent an entity without an id.")
        return entity

    def _name(self, element: etree._Element) -> str:
        name = self._names[element.tag] = local_name(element)
        return name

    def _kind(self, element: etree._Element, name: str) -> str | None:
        """Return the local name of a field's XML Schema type, "" for any other type.

        None when it is nil without a type, or has no value of its own.
        """
        type_name = element.get(_TYPE)
        if type_name is None:
            return None if is_nil(element) else DECLARED_TYPES.get(name, "")
        prefix, _, local = type_name.strip().rpartition(":")
        kind = local if element.nsmap.get(prefix or None) == XSD else ""
        # Other prefixes are declared inside entities and may differ from one to the
        # next.
        if prefix in self._prefixes:
            self._kinds[type_name] = kind
        return kind


def _read_udfs(element: etree._Element) -> dict[str, str | None]:
    udfs: dict[str, str | None] = {}
    for udf in element:
        parts = {local_name(part): part.text or "" for part in udf if not is_nil(part)}
        if "Name" in parts:
            udfs[parts["Name"]] = parts.get("Value")
    return udfs


def split(raw: RawEntity) -> Entity:
    """Return an entity whose user-defined values are texts; `raw` is used up."""
    values: dict[str, Any] = raw
    udfs = values.pop(UDF_MEMBER, None)
    return Entity(values, udfs)


def parse_entity(data: bytes, read_time: ReadTime) -> RawEntity | None:
    """Return the entity that `data` is, None when it is not one entity by itself.

    It may use the prefixes `xsi` and `xsd`, and those that it declares itself.

    Raises:
        ProviderProtocolError: a value is not of its type, or the id is missing.
    """
    xml = XmlFeed(etree.XMLParser(**OPTIONS))
    try:
        xml.feed(_START + data + b"</_>")
        elements = list(xml.close())
    except ProviderProtocolError:
        return None
    if len(elements) != 1 or is_nil(elements[0]):
        return None
    # A declaration inside may redefine `xsd`; then no kind may be cached.
    prefixes = () if b"xmlns" in data else ("xsd",)
    return EntityReader(read_time, prefixes).read(elements[0])
