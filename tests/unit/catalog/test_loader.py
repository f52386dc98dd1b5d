"""Reading a catalogue, and refusing one with a mistake in it."""

import pytest

from bridge.catalog.loader import load_element, load_elements, read_element
from bridge.catalog.model import (
    ConfigurationKey,
    DateKind,
    Discriminator,
    EntityFacts,
    Resource,
    Verb,
)
from bridge.errors import CatalogError, VerbNotSupportedError

THING = EntityFacts(
    date_kinds={"Day": DateKind.DAY, "Perhaps": DateKind.BY_VALUE},
    required=frozenset({"Key"}),
)

SMALL = """\
backend = "some-backend"

[document]
id = 7
name = "Small"
key = "small"
hub = "desk"
beta = false

[hub]
id = 1
key = "desk"

[metadata.plain]
displayOrder = 3

[metadata.expanded]
elementType = "system"

[[configuration]]
id = 1
key = "small.token"
name = "Token"
description = "What opens it"
type = "PASSWORD"
required = true

[[configuration]]
id = 2
key = "small.colour"
name = "Colour"
description = "Which one"
type = "TEXTFIELD_32"
default = "blue"
hidden = true
shown_by_default = true

[resources.things]
id = 500
singular = "thing"
entity = "Thing"
verbs = ["list", "delete"]
rename = { OldName = "newName" }
fixed = { field = "Kind", value = "3", label = "Small" }

[entities.Thing]
days = ["Day"]
by_value = ["Perhaps"]
required = ["Key"]
"""


def test_a_small_catalogue():
    element = read_element(SMALL, "small.toml")

    assert (element.id, element.key, element.name) == (7, "small", "Small")
    assert (element.hub, element.backend) == ({"id": 1, "key": "desk"}, "some-backend")
    assert element.metadata == {"displayOrder": 3}
    assert element.expanded == {"elementType": "system"}
    assert list(element.document) == ["id", "name", "key", "hub", "beta"]
    assert element.configuration == (
        ConfigurationKey(
            id=1,
            key="small.token",
            name="Token",
            description="What opens it",
            type="PASSWORD",
            required=True,
        ),
        ConfigurationKey(
            id=2,
            key="small.colour",
            name="Colour",
            description="Which one",
            type="TEXTFIELD_32",
            default="blue",
            hidden=True,
            shown_by_default=True,
        ),
    )
    assert element.resources == {
        "things": Resource(
            name="things",
            id=500,
            singular="thing",
            entity="Thing",
            verbs=frozenset({Verb.LIST, Verb.DELETE}),
            rename={"OldName": "newName"},
            facts=THING,
            fixed=Discriminator(field="Kind", value="3", label="Small"),
        )
    }


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ("backend =", "backened =", "backend: is missing"),
        ("id = 7", "id = '7'", "document.id: must be of type int"),
        ("id = 7", "id = true", "document.id: must be of type int"),
        ('key = "small"\n', "", "document.key: is missing"),
        ("beta = false", "beta = 2020-01-01", "document: cannot be written as JSON"),
        ("beta = false", "beta = inf", "document: cannot be written as JSON"),
        ("[document]", "[papers]", "document: is missing"),
        ('key = "desk"', 'key = "crm"', "hub: its key is not the hub of the document"),
        ("[[configuration]]", "[[config]]", "configuration: is missing"),
        ("hidden = true", "hiden = true", "configuration[2].hiden: is not a known key"),
        ("hidden = true", 'hidden = "true"', "configuration[2].hidden: must be of"),
        (
            'default = "blue"',
            "",
            "configuration[2].shown_by_default: there is no default",
        ),
        ("TEXTFIELD_32", "TEXT", "configuration[2].type: 'TEXT' is no type"),
        ("id = 2", "id = 1", "configuration[2].id: 1 occurs twice"),
        ("small.colour", "small.token", "configuration[2].key: 'small.token' occurs"),
        ("[resources.things]", "[resources]", "must be of type dict"),
        ("[resources.things]", "[resource.things]", "resources: is missing"),
        ("singular =", "plural =", "resources.things.singular: is missing"),
        ('"Thing"', "3", "resources.things.entity: must be of type str"),
        ('"delete"', '"remove"', "resources.things.verbs: 'remove' is no verb"),
        ('"delete"', '"list"', "resources.things.verbs: 'list' occurs twice"),
        ('"delete"', "1", "resources.things.verbs: must hold texts only"),
        ('["Day"]', '"Day"', "entities.Thing.days: must be of type list"),
        ('["Perhaps"]', '["Day"]', "entities.Thing.by_value: 'Day' is among the days"),
        ('["Day"]', '["Day"]\npoll = 1', "entities.Thing.poll: is not a known key"),
        ('"newName"', "3", "resources.things.rename.OldName: must be of type str"),
        ('"newName"', '"a", B = "A"', "resources.things.rename: two fields get the"),
        ('"newName" }', '"b" }\ncreate_example = { a = 1 }', "has no verb create"),
        ('"newName" }', '"b" }\nupdate_example = { a = 09:00:00 }', "written as JSON"),
        ("label =", "lable =", "resources.things.fixed.label: is missing"),
        ('"3"', '"3", is = 1', "resources.things.fixed.is: is not a known key"),
        ("[resources.things]", "[document]", "declare ('document',) twice"),
        ("id = 7", "id = ", "Invalid value (at line 4"),
    ],
)
def test_a_mistake_is_named_by_file_and_key(right, wrong, complaint):
    text = SMALL.replace(right, wrong)

    with pytest.raises(CatalogError) as caught:
        read_element(text, "small.toml")

    assert caught.value.message.startswith("small.toml: ")
    assert complaint in caught.value.message


def test_an_unknown_top_level_key_is_refused():
    with pytest.raises(CatalogError, match=r"small\.toml: colour: is not a known key"):
        read_element(f"colour = 1\n{SMALL}", "small.toml")


def test_resources_without_rename_and_dates_have_none():
    text = SMALL[: SMALL.index("rename")]

    resource = read_element(text, "small.toml").resources["things"]

    assert resource.rename == {}
    assert resource.facts == EntityFacts()
    assert resource.fixed is None


def test_unknown_shipped_element_is_refused():
    with pytest.raises(CatalogError, match=r"nonsense\.toml: no such catalogue file"):
        load_element("nonsense")


def test_shipped_elements_are_keyed_by_their_keys():
    elements = load_elements()

    assert list(elements) == ["autotaskcrm"]
    assert elements["autotaskcrm"] == load_element("autotaskcrm")


def test_an_entity_is_an_object_by_its_own_name_with_what_is_known_of_it():
    element = read_element(SMALL, "small.toml")

    native = element.native("Thing", frozenset({Verb.GET}))

    assert (native.name, native.singular, native.entity) == ("Thing", "Thing", "Thing")
    assert (native.verbs, native.native, native.facts) == ({Verb.GET}, True, THING)
    assert element.native("Other", frozenset()).facts == EntityFacts()


def test_verb_not_offered_is_refused_with_its_method():
    things = read_element(SMALL, "small.toml").resources["things"]

    things.require(Verb.LIST, "GET")
    with pytest.raises(VerbNotSupportedError) as caught:
        things.require(Verb.CREATE, "POST")

    assert caught.value.message == "Method POST is not supported for things."
