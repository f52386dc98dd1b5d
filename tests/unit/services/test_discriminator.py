"""A resource that is a part of an entity's records, as different tenants have it."""

from datetime import UTC, datetime

import pytest

from bridge.catalog.model import Discriminator, EntityFacts, Resource, Verb
from bridge.ceql.ast import And, Operator, Or, Predicate
from bridge.errors import InvalidRequestError, NotFoundError
from bridge.interfaces import Field, FieldInfo, FieldType, PicklistItem
from bridge.services.fields import compile_fields, write_fields
from bridge.services.records.discriminator import find_fixed, narrow, require_fixed
from bridge.services.records.members import read_members
from bridge.services.records.validation import validate_create

KIND = Field("Kind", FieldType.SHORT)
NAME = Field("Name", FieldType.STRING)
LEADS = Discriminator(field="Kind", value="2", label="Lead")
OWN = Predicate(KIND, Operator.EQUAL, (2,))


def validate_new(fields, body):
    return validate_create(fields, read_members(body))


def fields_with(*items, fixed=LEADS, required=()):
    infos = [
        FieldInfo("id", "ID", FieldType.LONG, required=True, read_only=True),
        FieldInfo("Name", "Name", FieldType.STRING),
        FieldInfo(
            "Kind",
            "Kind",
            FieldType.SHORT,
            required=True,
            is_picklist=True,
            picklist=tuple(PicklistItem(value, label) for value, label in items),
        ),
    ]
    resource = Resource(
        name="leads",
        id=1,
        singular="lead",
        entity="Account",
        verbs=frozenset(Verb),
        rename={},
        facts=EntityFacts(required=frozenset(required)),
        fixed=fixed,
    )
    now = datetime(2020, 1, 1, tzinfo=UTC)
    return compile_fields(resource, write_fields(infos), "hash", now)


USUAL = fields_with(("1", "Customer"), ("2", "Lead"))


@pytest.mark.parametrize(
    ("items", "value"),
    [
        ([("1", "Customer"), ("2", "Lead")], 2),
        ([("7", "Lead"), ("2", "Interessent")], 2),
        ([("1", "Customer"), ("7", " lead ")], 7),
    ],
)
def test_the_value_wins_over_the_label(items, value):
    info, found = find_fixed(fields_with(*items))

    assert (info.name, found) == ("Kind", value)


def test_a_tenant_without_either_has_no_such_resource():
    fields = fields_with(("1", "Customer"))

    with pytest.raises(NotFoundError) as caught:
        narrow(fields, None)

    assert caught.value.message == (
        "There are no leads in this Autotask database: Account.Kind has neither the "
        "value 2 nor an item called Lead."
    )


def test_a_filter_is_narrowed_and_stays_flat():
    name = Predicate(NAME, Operator.EQUAL, ("x",))
    some = Or((name, name))

    assert narrow(USUAL, None) == OWN
    assert narrow(USUAL, some) == And((OWN, some))
    assert narrow(USUAL, And((name, some))) == And((OWN, name, some))


def test_a_whole_entity_is_not_narrowed():
    fields = fields_with(("1", "Customer"), fixed=None)

    assert narrow(fields, None) is None
    require_fixed(fields, {"id": 1}, "unused")


@pytest.mark.parametrize("entity", [{"id": 1, "Kind": 1}, {"id": 1}])
def test_another_record_is_not_found(entity):
    with pytest.raises(NotFoundError, match="no such lead"):
        require_fixed(USUAL, entity, "no such lead")

    require_fixed(USUAL, {"id": 1, "Kind": 2}, "no such lead")


@pytest.mark.parametrize("body", [{}, {"kind": "2"}, {"kind": None}])
def test_a_new_record_gets_the_value(body):
    draft = validate_new(USUAL, body)

    draft.require_valid("x")
    assert [value for _, value in draft.given.values()] == [2]


def test_a_new_record_of_another_kind_is_refused():
    draft = validate_new(USUAL, {"kind": 1})

    with pytest.raises(InvalidRequestError, match="kind of a new lead is 2"):
        draft.require_valid("x")


def test_what_the_catalogue_requires_is_required():
    draft = validate_new(fields_with(("2", "Lead"), required=["Name"]), {})

    assert draft.problems == ["name is required"]
