"""Reads the declared facts: one TOML file per entity, beside this module.

A file has the entity's own keys, a `[fields]` table with one row per field in wire
order (id first), and one `[picklists.<Field>]` table per picklist. What a row leaves
out has a default: `label` is the name, `length` 0, flags false,
`queryable` true, `wire` the usual type of `type`, `since` that of the entity, and a
picklist item's sort order is its position, from 1. `since = "never"` is a field that
the vendor's metadata names but no schema has. `date_only` is set only where the
vendor's pages or captured responses show that the field is a date; `date_by_value`
where people enter a date and nothing is published (Unverified); any other time is an
instant. The `source` of a picklist is how certain its values are: confirmed,
documented, inferred, sample (one tenant's own list), assumed, or unknown.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from bridge.sandbox.facts.model import (
    GENERATIONS,
    EntityFacts,
    FieldFacts,
    PicklistItem,
)

# Metadata type to `xsi:type`. Source: captured responses. Unverified: float.
WIRE_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "boolean": "boolean",
        "datetime": "dateTime",
        "decimal": "decimal",
        "double": "double",
        "float": "double",
        "integer": "int",
        "long": "int",
        "short": "short",
        "string": "string",
    },
)

Row = dict[str, Any]
Keys = Mapping[str, type]

_VERBS = ("create", "update", "query", "delete")
_RIGHTS = ("create", "query", "update", "delete")
_RIGHT_VALUES = frozenset({"All", "Restricted", "None"})
_SOURCES = frozenset(
    {"confirmed", "documented", "inferred", "sample", "assumed", "unknown"},
)
_ENTITY_KEYS: Keys = {
    "name": str,
    "result_type": str,
    "since": str,
    "verbs": list,
    "early_verbs": list,
    "access": dict,
    "udfs": bool,
    "webhooks": bool,
    "fields": dict,
    "picklists": dict,
}
_FIELD_KEYS: Keys = {
    "label": str,
    "type": str,
    "length": int,
    "required": bool,
    "read_only": bool,
    "queryable": bool,
    "reference": str,
    "date_only": bool,
    "date_by_value": bool,
    "wire": str,
    "since": str,
    "until": str,
}
_PICKLIST_KEYS: Keys = {"source": str, "parent": str, "items": list}
_ITEM_KEYS: Keys = {
    "value": str,
    "label": str,
    "parent": str,
    "default": bool,
    "active": bool,
    "system": bool,
}


class FactsError(ValueError):
    """A facts file is invalid; names the file and the key."""


@cache
def load_facts() -> Mapping[str, EntityFacts]:
    """Return all declared entities by name, in alphabetical order; read only once.

    Raises:
        FactsError: A file is not TOML, has an unknown or missing key, or names a
            field, entity, verb or release that does not exist.
    """
    folder = files("bridge.sandbox.facts")
    entities = [
        parse_entity(path.name, path.read_text(encoding="utf-8"))
        for path in folder.iterdir()
        if path.name.endswith(".toml")
    ]
    facts = {entity.name: entity for entity in sorted(entities, key=lambda e: e.name)}
    for entity in entities:
        _check_references(entity, facts)
    return MappingProxyType(facts)


def parse_entity(filename: str, text: str) -> EntityFacts:
    """Return one entity from the text of its file, which has its name.

    Raises:
        FactsError: As for `load_facts`, but references are not followed.
    """
    try:
        row = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FactsError(f"{filename}: {error}") from error
    _check_keys(filename, row, _ENTITY_KEYS, ("name", "verbs", "access", "fields"))
    name = row["name"]
    _require(
        filename == f"{name}.toml", f"{filename}: name: {name} belongs in {name}.toml"
    )
    _require(
        next(iter(row["fields"]), None) == "id",
        f"{filename}: fields: the first one must be id",
    )
    verbs = _verbs(f"{filename}: verbs", row["verbs"])
    early = row.get("early_verbs")
    fields = _parse_fields(filename, row)
    return EntityFacts(
        name=name,
        result_type=row.get("result_type", name.lower()),
        can_create=verbs[0],
        can_update=verbs[1],
        can_query=verbs[2],
        can_delete=verbs[3],
        user_access=_access(f"{filename}: access", row["access"]),
        can_have_udfs=row.get("udfs", False),
        supports_webhooks=row.get("webhooks", False),
        generations=_generations(filename, row, GENERATIONS[0]),
        early=None if early is None else _verbs(f"{filename}: early_verbs", early),
        fields=fields,
    )


def _parse_fields(filename: str, row: Row) -> tuple[FieldFacts, ...]:
    fields, picklists = row["fields"], row.get("picklists", {})
    for name in picklists:
        place = f"{filename}: picklists.{name}"
        _require(name in fields, f"{place}: there is no such field")
        _check_picklist(place, picklists[name], fields)
    since = row.get("since", GENERATIONS[0])
    return tuple(
        _parse_field(filename, name, field, picklists.get(name), since)
        for name, field in fields.items()
    )


def _parse_field(
    filename: str, name: str, row: Row, picklist: Row | None, since: str
) -> FieldFacts:
    place = f"{filename}: fields.{name}"
    _check_keys(place, row, _FIELD_KEYS, ("type",))
    _require(row["type"] in WIRE_TYPES, f"{place}.type: there is no type {row['type']}")
    items = None
    if picklist is not None:
        items = _parse_items(f"{filename}: picklists.{name}.items", picklist)
    return FieldFacts(
        name=name,
        label=row.get("label", name),
        type=row["type"],
        length=row.get("length", 0),
        required=row.get("required", False),
        read_only=row.get("read_only", False),
        queryable=row.get("queryable", True),
        reference=row.get("reference"),
        picklist=items,
        picklist_parent=picklist.get("parent") if picklist else None,
        wire_type=row.get("wire", "" if name == "id" else WIRE_TYPES[row["type"]]),
        date_only=row.get("date_only", False),
        date_by_value=row.get("date_by_value", False),
        generations=_generations(place, row, since),
        picklist_source=picklist["source"] if picklist else None,
    )


def _check_picklist(place: str, picklist: Row, fields: Row) -> None:
    _check_keys(place, picklist, _PICKLIST_KEYS, ("source",))
    source, parent = picklist["source"], picklist.get("parent", "id")
    _require(source in _SOURCES, f"{place}.source: {source} is none of the words")
    _require(parent in fields, f"{place}.parent: there is no field {parent}")


def _parse_items(place: str, picklist: Row) -> tuple[PicklistItem, ...]:
    items: dict[str, PicklistItem] = {}
    for position, item in enumerate(picklist.get("items", ()), start=1):
        _check_keys(place, item, _ITEM_KEYS, ("value", "label"))
        _require(item["value"] not in items, f"{place}: {item['value']} stands twice")
        items[item["value"]] = PicklistItem(
            value=item["value"],
            label=item["label"],
            is_default=item.get("default", False),
            sort_order=position,
            is_active=item.get("active", True),
            is_system=item.get("system", False),
            parent_value=item.get("parent"),
        )
    return tuple(items.values())


def _verbs(place: str, named: list[str]) -> tuple[bool, bool, bool, bool]:
    for verb in named:
        _require(verb in _VERBS, f"{place}: there is no verb {verb}")
    create, update, query, delete = (verb in named for verb in _VERBS)
    return create, update, query, delete


def _access(place: str, row: Row) -> tuple[str, str, str, str]:
    _check_keys(place, row, dict.fromkeys(_RIGHTS, str), _RIGHTS)
    for right, value in row.items():
        _require(value in _RIGHT_VALUES, f"{place}.{right}: {value} is no right")
    return row["create"], row["query"], row["update"], row["delete"]


def _generations(place: str, row: Row, default: str) -> frozenset[str]:
    since = row.get("since", default)
    until = row.get("until", GENERATIONS[-1])
    if since == "never":
        return frozenset()
    for release in (since, until):
        _require(release in GENERATIONS, f"{place}: there is no release {release}")
    first, last = GENERATIONS.index(since), GENERATIONS.index(until)
    return frozenset(GENERATIONS[first : last + 1])


def _check_keys(place: str, row: Any, keys: Keys, needed: tuple[str, ...]) -> None:  # noqa: ANN401 - whatever TOML held
    _require(isinstance(row, dict), f"{place}: must be a table")
    for key, value in row.items():
        _require(key in keys, f"{place}.{key}: there is no such key")
        _require(
            type(value) is keys[key], f"{place}.{key}: must be a {keys[key].__name__}"
        )
    for key in needed:
        _require(key in row, f"{place}.{key}: is missing")


def _check_references(entity: EntityFacts, facts: Mapping[str, EntityFacts]) -> None:
    for field in entity.fields:
        _require(
            field.reference is None or field.reference in facts,
            f"{entity.name}.toml: fields.{field.name}.reference:"
            f" there is no entity {field.reference}",
        )


def _require(condition: bool, complaint: str) -> None:  # noqa: FBT001 - what is checked
    if not condition:
        raise FactsError(complaint)
