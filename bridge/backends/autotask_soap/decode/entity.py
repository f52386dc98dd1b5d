"""Build one entity from the parser's events between `<Entity>` and `</Entity>`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

from bridge.backends.autotask_soap.decode.field_types import (
    DECLARED_TYPES,
    ReadTime,
    read_value,
)
from bridge.errors import ProviderProtocolError
from bridge.interfaces import UDF_MEMBER, Entity

XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
XSD: Final = "http://www.w3.org/2001/XMLSchema"

_TYPE: Final = f"{XSI} type"
_NIL: Final = f"{XSI} nil"
_ONE_ATTRIBUTE: Final = 2


class Scopes:
    """The namespace prefixes in force, as expat reports them."""

    def __init__(self) -> None:
        self._uris: dict[str | None, list[str | None]] = {}
        self._kinds: dict[str, str] = {}

    def open(self, prefix: str | None, uri: str | None) -> None:
        """Note a declaration; the default namespace has the prefix None."""
        self._uris.setdefault(prefix, []).append(uri)
        self._kinds.clear()

    def close(self, prefix: str | None) -> None:
        """Forget the latest declaration of `prefix`."""
        self._uris[prefix].pop()
        self._kinds.clear()

    def uri(self, prefix: str | None) -> str | None:
        """Return what `prefix` stands for now, None if nothing."""
        uris = self._uris.get(prefix)
        return uris[-1] if uris else None

    def kind(self, type_name: str) -> str:
        """Return the local name of an XML Schema type, "" for any other type."""
        kind = self._kinds.get(type_name)
        if kind is None:
            prefix, _, local = type_name.strip().rpartition(":")
            kind = local if self.uri(prefix or None) == XSD else ""
            self._kinds[type_name] = kind
        return kind


def is_nil(attributes: list[str]) -> bool:
    """Whether an element with these names and values is null by `xsi:nil`."""
    if _NIL not in attributes[::2]:
        return False
    return attributes[attributes.index(_NIL) + 1].strip() in ("true", "1")


class EntityReader:
    """Takes the element events inside one entity after the other.

    Args:
        scopes: resolves the prefixes in `xsi:type`.
        text: where the parser collects the text since the last tag.
        read_time: turns the text of a dateTime field into a value.
        leave: called with each complete entity.
    """

    def __init__(
        self,
        scopes: Scopes,
        text: list[str],
        read_time: ReadTime,
        leave: Callable[[Entity], None],
    ) -> None:
        self._scopes = scopes
        self._text = text
        self._read_time = read_time
        self._leave = leave
        self._entity: Entity = {}
        self._udf: dict[str, str] = {}
        self._path: list[str] = []
        self._kind: str | None = None

    def start(self, name: str, attributes: list[str]) -> None:
        """Enter an element inside the entity."""
        local = name.rpartition(" ")[2]
        self._path.append(local)
        self._kind = self._kind_of(local, attributes)
        self._text.clear()

    def end(self, _name: str) -> None:
        """Leave an element inside the entity, or the entity itself."""
        path, kind = self._path, self._kind
        self._kind = None
        if not path:
            self._end_entity()
            return
        local = path.pop()
        if not path and kind is not None:
            self._end_field(local, kind)
        elif path and path[0] == UDF_MEMBER:
            self._end_udf_part(local, kind)

    def _kind_of(self, local: str, attributes: list[str]) -> str | None:
        """Return an element's type, None when it is nil or has no value of its own."""
        if len(attributes) == _ONE_ATTRIBUTE and attributes[0] == _TYPE:
            return self._scopes.kind(attributes[1])
        if is_nil(attributes):
            return None
        if _TYPE in attributes[::2]:
            return self._scopes.kind(attributes[attributes.index(_TYPE) + 1])
        return DECLARED_TYPES.get(local, "")

    def _end_field(self, name: str, kind: str) -> None:
        value = read_value(name, kind, "".join(self._text), self._read_time)
        if value is not None:
            self._entity[name] = value

    def _end_udf_part(self, local: str, kind: str | None) -> None:
        if local in ("Name", "Value"):
            if kind is not None:
                self._udf[local] = "".join(self._text)
            return
        udf, self._udf = self._udf, {}
        if "Name" in udf:
            values = self._entity.setdefault(UDF_MEMBER, {})
            cast("dict[str, str | None]", values)[udf["Name"]] = udf.get("Value")

    def _end_entity(self) -> None:
        entity, self._entity = self._entity, {}
        if not isinstance(entity.get("id"), int):
            raise ProviderProtocolError("Autotask sent an entity without an id.")
        self._leave(entity)
