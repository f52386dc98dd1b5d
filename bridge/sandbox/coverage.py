"""What is simulated and how sure that is, as Markdown: `bridge sandbox --coverage`.

Operations, entities and knobs are taken from what the simulator runs on, rules from the
functions of the package that are marked with `@rule`. Entities are those of the release
that is served by default.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.resources import files
from pkgutil import walk_packages

from jinja2 import Environment, StrictUndefined

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
    path = files("bridge.sandbox") / "coverage.md.jinja"
    environment = Environment(  # noqa: S701 - Markdown, made of our own texts
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.from_string(path.read_text(encoding="utf-8")).render(
        heading=HEADING,
        operations=OPERATIONS,
        implemented=IMPLEMENTED,
        rules=all_rules(),
        sources=_SOURCES,
        knobs=DECLARED,
        release=RELEASE,
        entities=entities_of(load_facts(), RELEASE),
        verbs=_verbs,
        picklists=_picklists,
        since=lambda entity: min(entity.generations, key=RELEASES.index),
    )


_VERIFIED_PICKLISTS = frozenset({"confirmed", "documented"})


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
