"""What is simulated and how sure that is, as Markdown: `bridge sandbox --coverage`.

Operations, entities and knobs are taken from what the simulator runs on; entities are
those of the release that it serves by default. Rules are
listed in `rules.toml`; each names the module that keeps it, or none.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from bridge.sandbox.control.knobs import DECLARED
from bridge.sandbox.control.vendor import GENERATIONS
from bridge.sandbox.facts.loader import load_facts
from bridge.sandbox.facts.model import GENERATIONS as RELEASES
from bridge.sandbox.facts.model import EntityFacts, entities_of
from bridge.sandbox.facts.service import OPERATIONS
from bridge.sandbox.operations.dispatch import IMPLEMENTED

HEADING = "## Coverage"
"""Where the generated part of the documentation begins."""

RELEASE = GENERATIONS[-1]
"""The release that the entities are shown of: the one that is served by default."""

_SURE = frozenset({"confirmed", "documented"})


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that the vendor does.

    `module` is what does it here, empty for nothing. `source` is where it is known
    from: help, captured, clients, rest, stack, or nothing: an assumption.
    """

    area: str
    says: str
    module: str = ""
    source: str = ""


@cache
def rules() -> tuple[Rule, ...]:
    """Return all rules, by area."""
    text = (files("bridge.sandbox") / "rules.toml").read_text(encoding="utf-8")
    return tuple(
        Rule(area, **row) for area, rows in tomllib.loads(text).items() for row in rows
    )


def report() -> str:
    """Return the whole report, ending in a line break."""
    entities = entities_of(load_facts(), RELEASE)
    sections = (
        [HEADING, "", _summary(entities)],
        ["### Operations", "", *_operations()],
        ["### Rules", "", *_rules()],
        ["### Knobs", "", *_knobs()],
        ["### Entities", "", _ENTITIES, "", *_entities(entities)],
    )
    return "\n\n".join("\n".join(section) for section in sections) + "\n"


def _summary(entities: Sequence[EntityFacts]) -> str:
    kept = [rule for rule in rules() if rule.module]
    sourced = [rule for rule in kept if rule.source]
    return (
        f"{len(IMPLEMENTED)} of {len(OPERATIONS)} operations, "
        f"{len(entities)} entities, {len(kept)} of {len(rules())} rules; "
        f"{len(sourced)} of the rules kept have a source, the others are assumptions "
        "(unverified).\n\n"
        "Sources: `help` is the vendor's help, `captured` an exchange or metadata of a "
        "real tenant, `clients` the code of working clients, `rest` the vendor's other "
        "API, `stack` what its server software does everywhere."
    )


def _operations() -> Iterator[str]:
    rows = (
        (f"`{operation.name}`", _yes(operation.name in IMPLEMENTED), "captured")
        for operation in OPERATIONS
    )
    return _table(("Operation", "Implemented", "Source of its shape"), rows)


def _rules() -> Iterator[str]:
    rows = (
        (rule.area, rule.says, _yes(bool(rule.module)), rule.source or "unverified")
        for rule in rules()
    )
    return _table(("Area", "Rule", "Implemented", "Source"), rows)


def _knobs() -> Iterator[str]:
    rows = (
        (f"`{name}`", _default(knob.default), str(knob.metadata["says"]))
        for name, knob in DECLARED.items()
    )
    return _table(("Knob", "Default", "Meaning"), rows)


def _default(value: Any) -> str:  # noqa: ANN401 - a knob's own value
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"


_ENTITIES = (
    f"As release {RELEASE} has them, which is served by default. All entities are "
    "served with their metadata and carry out the verbs named here: query, create, "
    "update, delete by their first letters; those in brackets are refused, mostly "
    "because their module is not active. Picklists: how many of the entity's lists "
    "hold numbers that the vendor confirmed or documented. UDFs: what can have them."
)


def _entities(entities: Iterable[EntityFacts]) -> Iterator[str]:
    rows = (
        (
            entity.name,
            _verbs(entity),
            str(len(entity.fields_of(RELEASE))),
            _picklists(entity),
            "yes" if entity.can_have_udfs else "",
            min(entity.generations, key=RELEASES.index),
        )
        for entity in entities
    )
    headings = ("Entity", "Verbs", "Fields", "Picklists", "UDFs", "Since")
    return _table(headings, rows)


def _verbs(entity: EntityFacts) -> str:
    create, query, update, delete = entity.user_access
    able = (
        ("q", entity.can_query, query),
        ("c", entity.can_create, create),
        ("u", entity.can_update, update),
        ("d", entity.can_delete, delete),
    )
    carried_out = "".join(letter for letter, can, may in able if can and may != "None")
    refused = "".join(letter for letter, can, may in able if can and may == "None")
    return f"{carried_out} ({refused})".strip() if refused else carried_out


def _picklists(entity: EntityFacts) -> str:
    fields = entity.fields_of(RELEASE)
    lists = [field for field in fields if field.picklist is not None]
    sure = [field for field in lists if field.picklist_source in _SURE]
    return f"{len(sure)} of {len(lists)}" if lists else ""


def _yes(done: bool) -> str:  # noqa: FBT001 - the cell's value
    return "yes" if done else "**no**"


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(headings)} |"
    yield f"|{'---|' * len(headings)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
