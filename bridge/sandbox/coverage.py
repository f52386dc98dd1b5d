"""What is simulated and how sure that is, as Markdown: `bridge sandbox --coverage`.

Operations, entities and knobs are taken from what the simulator runs on, rules from the
functions of the package that are marked with `@rule`. Entities are those of the release
that is served by default.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import bridge.sandbox
from bridge.sandbox.control.knobs import DECLARED
from bridge.sandbox.control.vendor import GENERATIONS
from bridge.sandbox.declarations import Rule, Source, rules_of
from bridge.sandbox.facts.loader import load_facts
from bridge.sandbox.facts.model import GENERATIONS as RELEASES
from bridge.sandbox.facts.model import EntityFacts, entities_of
from bridge.sandbox.facts.service import OPERATIONS
from bridge.sandbox.operations.dispatch import IMPLEMENTED

# Where the generated part of the documentation begins.
HEADING = "## Coverage"

# The release whose entities are shown, which is served by default.
RELEASE = GENERATIONS[-1]

_AREAS = (
    "Transport",
    "Login",
    "Zones",
    "Limits",
    "Query",
    "Write",
    "Values",
    "Metadata",
)
_SOURCES: Mapping[Source, str] = {
    "help": "the vendor's help",
    "captured": "an exchange or metadata of a real tenant",
    "clients": "the code of working clients",
    "rest": "the vendor's other API",
    "stack": "what its server software does everywhere",
    "unverified": "an assumption",
}


def _missing(subject: str, text: str, source: Source) -> Rule:
    return Rule(subject, text, source, implemented=False)


_NOT_SIMULATED = (
    _missing("Transport", "Encryption (TLS)", "help"),
    _missing(
        "Login",
        "An empty resource id to impersonate is ignored in 1.6 too; optional",
        "unverified",
    ),
    _missing("Login", "The levels that allow or forbid impersonation", "help"),
    _missing("Zones", "Zones forward users of other zones", "help"),
    _missing("Limits", "A call times out after five minutes", "unverified"),
    _missing("Query", "Up to five user-defined fields for some entities", "help"),
    _missing("Query", "Records that the user may not see are left out", "help"),
    _missing("Write", "Duplicate handling (DuplicateStatus, MatchInfo)", "help"),
    _missing("Write", "Category defaults of opportunities", "help"),
    _missing("Metadata", "InventoryProduct, which is new in 1.6.11", "clients"),
    _missing("Metadata", "Labels in other languages and local terms", "captured"),
    _missing("Account", "Country and CountryID follow each other", "help"),
    _missing("Attachments", "types of files that are forbidden", "help"),
    _missing(
        "Invoice, BillingItem and SalesOrder", "created by the vendor itself", "help"
    ),
    _missing("Product", "those of the system cannot be changed", "help"),
    _missing("SalesOrder", "the owner has access to sales", "rest"),
    _missing("TimeEntry", "lowered hours alone change nothing", "rest"),
)


@cache
def all_rules() -> tuple[Rule, ...]:
    """Return all rules: by area, then those of entities in alphabetical order."""
    modules = walk_packages(bridge.sandbox.__path__, f"{bridge.sandbox.__name__}.")
    found = [rule for info in modules for rule in rules_of(import_module(info.name))]
    return tuple(sorted((*found, *_NOT_SIMULATED), key=_position))


def _position(rule: Rule) -> tuple[int, str]:
    if rule.subject in _AREAS:
        return _AREAS.index(rule.subject), ""
    return len(_AREAS), rule.subject


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
    implemented = [rule for rule in all_rules() if rule.implemented]
    sourced = [rule for rule in implemented if rule.source != "unverified"]
    sources = ", ".join(f"`{name}` {meaning}" for name, meaning in _SOURCES.items())
    return (
        f"{len(IMPLEMENTED)} of {len(OPERATIONS)} operations, "
        f"{len(entities)} entities, {len(implemented)} of {len(all_rules())} rules, "
        f"{len(sourced)} of them with a source.\n\nSources: {sources}."
    )


def _operations() -> Iterator[str]:
    rows = (
        (f"`{operation.name}`", _yes(operation.name in IMPLEMENTED), "captured")
        for operation in OPERATIONS
    )
    return _table(("Operation", "Implemented", "Source of its shape"), rows)


def _rules() -> Iterator[str]:
    rows = (
        (rule.subject, rule.text, _yes(rule.implemented), rule.source)
        for rule in all_rules()
    )
    return _table(("Area or entity", "Rule", "Implemented", "Source"), rows)


def _knobs() -> Iterator[str]:
    rows = (
        (f"`{name}`", _default(knob.default), str(knob.metadata["says"]))
        for name, knob in DECLARED.items()
    )
    return _table(("Knob", "Default", "Meaning"), rows)


def _default(value: Any) -> str:  # noqa: ANN401 - a knob's own value
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"


_ENTITIES = (
    f"As release {RELEASE} has them. Verbs are query, create, update and delete by "
    "their first letters; those in brackets are refused, mostly because their module "
    "is not active. Picklists: how many of the entity's lists have values that the "
    "vendor confirmed or documented. UDFs: whether the entity can have user-defined "
    "fields."
)
_VERIFIED_PICKLISTS = frozenset({"confirmed", "documented"})


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
    served = "".join(letter for letter, can, may in able if can and may != "None")
    refused = "".join(letter for letter, can, may in able if can and may == "None")
    return f"{served} ({refused})".strip() if refused else served


def _picklists(entity: EntityFacts) -> str:
    fields = entity.fields_of(RELEASE)
    lists = [field for field in fields if field.picklist is not None]
    verified = [f for f in lists if f.picklist_source in _VERIFIED_PICKLISTS]
    return f"{len(verified)} of {len(lists)}" if lists else ""


def _yes(done: bool) -> str:  # noqa: FBT001 - the cell's value
    return "yes" if done else "**no**"


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(headings)} |"
    yield f"|{'---|' * len(headings)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
