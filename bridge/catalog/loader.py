"""Catalogue files to the model; every mistake is named by file and key.

A file is read strictly: what it says and the model does not know is an error, so a
misspelt key cannot silently switch something off.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Final

from bridge.catalog.model import (
    ConfigurationKey,
    DateKind,
    Discriminator,
    Element,
    EntityFacts,
    Resource,
    Verb,
)
from bridge.catalog.table import Table
from bridge.errors import CatalogError
from bridge.types import JSON

# Source: elements-api 3.2, type enumeration.
CONFIGURATION_TYPES: Final = frozenset(
    {
        "TEXTFIELD_32",
        "TEXTFIELD_64",
        "TEXTFIELD_128",
        "TEXTFIELD_1000",
        "TEXTAREA",
        "BOOLEAN",
        "BOOLEAN_YESNO",
        "PASSWORD",
        "COMBO",
        "CODE_EDITOR",
    }
)


def load_elements() -> Mapping[str, Element]:
    """Return every element that ships with the package, by element key.

    Raises:
        CatalogError: a file is wrong.
    """
    files = (file.name for file in resources.files("bridge.catalog").iterdir())
    names = sorted(name for name in files if name.endswith(".toml"))
    elements = [load_element(name.removesuffix(".toml")) for name in names]
    return {element.key: element for element in elements}


def load_element(name: str) -> Element:
    """Return the element of one shipped file, named without its suffix.

    Raises:
        CatalogError: there is no such file, or it is wrong.
    """
    source = f"{name}.toml"
    file = resources.files("bridge.catalog") / source
    if not file.is_file():
        raise CatalogError(f"{source}: no such catalogue file.")
    return read_element(file.read_text("utf-8"), source)


def read_element(text: str, source: str) -> Element:
    """Return the element that a catalogue text describes.

    Raises:
        CatalogError: the text is no TOML or no catalogue; the message begins with
            `source` and names the key.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CatalogError(f"{source}: {error}.") from error
    table = Table(values, source)
    document = _constants(table, "document")
    constants = Table(document, source, "document.")
    hub = _constants(table, "hub")
    if hub.get("key") != constants.take("hub", str):
        table.fail("hub", "its key is not the hub of the document")
    metadata = table.table("metadata")
    facts = {
        name: _facts(entity) for name, entity in table.find_tables("entities").items()
    }
    element = Element(
        id=constants.take("id", int),
        key=constants.take("key", str),
        name=constants.take("name", str),
        hub=hub,
        backend=table.take("backend", str),
        document=document,
        metadata=_constants(metadata, "plain"),
        expanded=_constants(metadata, "expanded"),
        configuration=_configuration(table),
        resources={
            name: _resource(name, resource, facts)
            for name, resource in table.tables("resources").items()
        },
        facts=facts,
    )
    metadata.finish()
    table.finish()
    return element


def _constants(table: Table, key: str) -> dict[str, JSON]:
    document: dict[str, JSON] = table.take(key, dict)
    _require_json(table, key, document)
    return document


def _require_json(table: Table, key: str, document: Mapping[str, JSON]) -> None:
    try:
        json.dumps(document, allow_nan=False)
    except (TypeError, ValueError) as error:
        table.fail(key, f"cannot be written as JSON: {error}")


def _configuration(table: Table) -> tuple[ConfigurationKey, ...]:
    """Read the configuration keys in the file's order; ids and keys are unique."""
    keys: list[ConfigurationKey] = []
    for entry in table.array("configuration"):
        key = ConfigurationKey(
            id=entry.take("id", int),
            key=entry.take("key", str),
            name=entry.take("name", str),
            description=entry.take("description", str),
            type=entry.take("type", str),
            required=entry.find("required", bool) or False,
            default=entry.find("default", str),
            hidden=entry.find("hidden", bool) or False,
            shown_by_default=entry.find("shown_by_default", bool) or False,
        )
        entry.finish()
        if key.type not in CONFIGURATION_TYPES:
            entry.fail("type", f"{key.type!r} is no type of a configuration key")
        if key.shown_by_default and key.default is None:
            entry.fail("shown_by_default", "there is no default to show")
        if any(other.id == key.id for other in keys):
            entry.fail("id", f"{key.id} occurs twice")
        if any(other.key == key.key for other in keys):
            entry.fail("key", f"{key.key!r} occurs twice")
        keys.append(key)
    return tuple(keys)


def _facts(table: Table) -> EntityFacts:
    days, by_value = table.texts("days"), table.texts("by_value")
    if both := sorted({*days} & {*by_value}):
        table.fail("by_value", f"{both[0]!r} is among the days too")
    facts = EntityFacts(
        date_kinds=dict.fromkeys(days, DateKind.DAY)
        | dict.fromkeys(by_value, DateKind.BY_VALUE),
        required=frozenset(table.texts("required")),
        unique=frozenset(table.texts("unique")),
        named_by=table.texts("named_by"),
        protected_udfs=table.find("protected_udfs", bool) or False,
    )
    table.finish()
    return facts


def _resource(name: str, table: Table, facts: Mapping[str, EntityFacts]) -> Resource:
    rename = table.texts_by_name("rename")
    if len({target.lower() for target in rename.values()}) < len(rename):
        table.fail("rename", "two fields get the same name")
    entity = table.take("entity", str)
    verbs = frozenset(_verb(table, word) for word in table.texts("verbs"))
    resource = Resource(
        name=name,
        id=table.take("id", int),
        singular=table.take("singular", str),
        entity=entity,
        verbs=verbs,
        rename=rename,
        facts=facts.get(entity, EntityFacts()),
        fixed=_fixed(table.find_table("fixed")),
        create_example=_example(table, "create_example", Verb.CREATE, verbs),
        update_example=_example(table, "update_example", Verb.UPDATE, verbs),
    )
    table.finish()
    return resource


def _example(
    table: Table, key: str, verb: Verb, verbs: frozenset[Verb]
) -> Mapping[str, JSON]:
    """Return the example of a request body; empty where the table has none."""
    example: Mapping[str, JSON] = table.find(key, dict) or {}
    _require_json(table, key, example)
    if example and verb not in verbs:
        table.fail(key, f"the resource has no verb {verb}")
    return example


def _fixed(table: Table | None) -> Discriminator | None:
    if table is None:
        return None
    fixed = Discriminator(
        field=table.take("field", str),
        value=table.take("value", str),
        label=table.take("label", str),
    )
    table.finish()
    return fixed


def _verb(table: Table, word: str) -> Verb:
    try:
        return Verb(word)
    except ValueError:
        known = ", ".join(Verb)
        table.fail("verbs", f"{word!r} is no verb; the verbs are {known}")
