"""The service description, rendered from the declared facts.

`python -m bridge.sandbox.soap.wsdl [FILE]` writes the description of 1.6.9, the one
shipped in `wsdl_cache/`. Nothing is copied from the vendor's own file; a test holds
this one equal to it in contract.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template
from lxml import etree

from bridge.sandbox.facts import service
from bridge.sandbox.facts.loader import load_facts
from bridge.sandbox.facts.model import GENERATIONS, EntityFacts, entities_of
from bridge.sandbox.facts.service import Member


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
    text = _template().render(
        service=service,
        target=namespace(version),
        releases=GENERATIONS[: GENERATIONS.index(generation) + 1],
        entities={
            entity.name: _members(entity, generation)
            for entity in entities_of(facts, generation)
        },
        address=address,
    )
    # The line breaks of the template are for its reader.
    root = etree.fromstring(text, etree.XMLParser(remove_blank_text=True))
    return etree.tostring(
        root, encoding="utf-8", xml_declaration=True, pretty_print=True
    )


def _members(entity: EntityFacts, generation: str) -> list[Member]:
    return [
        # Only the required booleans of NotificationHistory are typed by the schema.
        Member(field.name)
        if field.wire_type
        else service.required(field.name, field.type)
        for field in entity.fields_of(generation)
        if field.name != "id"
    ]


@cache
def _template() -> Template:
    path = files("bridge.sandbox.soap") / "service.wsdl.jinja"
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    return environment.from_string(path.read_text(encoding="utf-8"))


def main(arguments: Sequence[str]) -> None:
    """Write the shipped description to the named file, or to standard output."""
    document = render(load_facts())
    if arguments:
        Path(arguments[0]).write_bytes(document)
    else:
        sys.stdout.buffer.write(document)


if __name__ == "__main__":
    main(sys.argv[1:])
