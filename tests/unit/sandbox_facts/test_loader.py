"""The facts load whole, and a wrong file is named with its key."""

from __future__ import annotations

import pytest

from bridge.sandbox.facts import loader
from bridge.sandbox.facts.loader import FactsError, load_facts, parse_entity
from bridge.sandbox.facts.model import GENERATIONS, entities_of

GOOD = """\
name = "Lamp"
since = "1.6.0"
verbs = ["create", "query"]
access = { create = "All", query = "Restricted", update = "None", delete = "None" }

[fields]
id = { type = "integer", required = true, read_only = true }
AccountID = { type = "long", required = true, read_only = true, reference = "Account" }
Title = { label = "Lamp Title", type = "string", length = 40 }
Kind = { type = "short", since = "1.6.9+" }
Shade = { type = "integer", queryable = false, until = "1.6.0" }
Cost = { type = "double", wire = "decimal" }
Built = { type = "datetime", date_only = true, since = "never" }

[picklists.Kind]
source = "assumed"

[picklists.Shade]
source = "sample"
parent = "Kind"
items = [
  { value = "7", label = "Grey", parent = "1" },
  { value = "-2", label = "Old", active = false, default = true, system = true },
]
"""


def test_all_entities_are_declared_with_id_first():
    facts = load_facts()

    assert len(facts) == 167
    assert sum(len(entity.fields) for entity in facts.values()) == 2108
    assert list(facts) == sorted(facts)
    assert {entity.fields[0].name for entity in facts.values()} == {"id"}


def test_releases_grow_as_the_vendor_says():
    facts = load_facts()

    counts = [len(entities_of(facts, generation)) for generation in GENERATIONS]

    assert counts == [124, 128, 134, 167, 167]


def test_defaults_are_those_of_the_loader_s_page():
    lamp = parse_entity("Lamp.toml", GOOD)

    fields = {field.name: field for field in lamp.fields}
    assert lamp.result_type == "lamp"
    assert (lamp.can_create, lamp.can_update, lamp.can_query, lamp.can_delete) == (
        True,
        False,
        True,
        False,
    )
    assert lamp.user_access == ("All", "Restricted", "None", "None")
    assert fields["id"].type == "integer"
    assert lamp.early is None
    assert lamp.create_only(fields["AccountID"])
    assert not lamp.create_only(fields["id"])
    assert fields["id"].wire_type == ""
    assert fields["AccountID"].wire_type == "int"
    assert fields["AccountID"].label == "AccountID"
    assert fields["Title"].label == "Lamp Title"
    assert fields["Title"].picklist is None
    assert fields["Cost"].wire_type == "decimal"
    assert fields["Built"].date_only
    assert fields["Kind"].picklist == ()
    assert fields["Kind"].picklist_source == "assumed"


def test_releases_of_a_field_start_with_its_entity_s():
    lamp = parse_entity("Lamp.toml", GOOD)

    releases = {field.name: field.generations for field in lamp.fields}

    assert releases["Title"] == set(GENERATIONS[1:])
    assert releases["Kind"] == {"1.6.9+", "1.6.11"}
    assert releases["Shade"] == {"1.6.0"}
    assert releases["Built"] == set()
    assert "Shade" not in [field.name for field in lamp.fields_of("1.6.9+")]


def test_picklist_items_keep_their_order_and_parent():
    (shade,) = [f for f in parse_entity("Lamp.toml", GOOD).fields if f.name == "Shade"]

    assert shade.picklist is not None
    grey, old = shade.picklist
    assert shade.picklist_parent == "Kind"
    assert (grey.value, grey.parent_value, grey.sort_order) == ("7", "1", 1)
    assert (grey.is_active, grey.is_default, grey.is_system) == (True, False, False)
    assert (old.value, old.sort_order, old.parent_value) == ("-2", 2, None)
    assert (old.is_active, old.is_default, old.is_system) == (False, True, True)


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ("since =", "sincerely =", "Lamp.toml.sincerely: there is no such key"),
        ('name = "Lamp"\n', "", "Lamp.toml.name: is missing"),
        ('"Lamp"', '"Lump"', "Lamp.toml: name: Lump belongs in Lump.toml"),
        ('"1.6.0"\nverbs', '"1.7"\nverbs', "there is no release 1.7"),
        ('["create"', '["make"', "Lamp.toml: verbs: there is no verb make"),
        ('"Restricted"', '"Some"', "Lamp.toml: access.query: Some is no right"),
        ("length = 40", 'length = "40"', "fields.Title.length: must be a int"),
        ("length = 40", "long = 40", "fields.Title.long: there is no such key"),
        ('"short"', '"tiny"', "fields.Kind.type: there is no type tiny"),
        ('{ type = "short", ', "{ ", "fields.Kind.type: is missing"),
        ("Cost =", "Title =", "Lamp.toml: "),
        ("id = {", "ID = {", "Lamp.toml: fields: the first one must be id"),
        ("[picklists.Kind]", "[picklists.Sort]", "picklists.Sort: there is no such"),
        ('source = "assumed"', "", "picklists.Kind.source: is missing"),
        ('"assumed"', '"hearsay"', "picklists.Kind.source: hearsay is none of"),
        ('parent = "Kind"', 'parent = "Sort"', "picklists.Shade.parent: there is no"),
        ('value = "-2"', 'value = "7"', "picklists.Shade.items: 7 stands twice"),
        (', label = "Old"', "", "picklists.Shade.items.label: is missing"),
    ],
)
def test_a_wrong_file_is_refused_by_name_and_key(
    right: str, wrong: str, complaint: str
):
    text = GOOD.replace(right, wrong, 1)
    assert text != GOOD

    with pytest.raises(FactsError) as caught:
        parse_entity("Lamp.toml", text)

    assert "Lamp.toml" in str(caught.value)
    assert complaint in str(caught.value)


def test_a_reference_to_no_entity_is_refused():
    lamp = parse_entity("Lamp.toml", GOOD)

    with pytest.raises(FactsError, match=r"AccountID\.reference: there is no entity"):
        loader._check_references(lamp, {})


def test_a_value_in_place_of_a_table_is_refused():
    text = GOOD.replace(
        'Title = { label = "Lamp Title", type = "string", length = 40 }', "Title = 4"
    )

    with pytest.raises(FactsError, match=r"fields\.Title: must be a table"):
        parse_entity("Lamp.toml", text)


@pytest.mark.parametrize(
    ("entity", "field", "values"),
    [
        ("Account", "AccountType", "1 2 3 4 6 7 8"),
        ("Account", "CompetitorID", "1"),
        ("Account", "KeyAccountIcon", "13"),
        ("Account", "MarketSegmentID", "29683456"),
        ("Account", "TerritoryID", "29683454"),
        ("AllocationCode", "UseType", "4"),
        ("BillingItem", "SubType", "9"),
        ("BillingItem", "Type", "5"),
        ("ClientPortalUser", "DateFormat", "1 11 17 18"),
        ("ClientPortalUser", "NumberFormat", "22 23"),
        ("ClientPortalUser", "SecurityLevel", "1 2 3 4 5"),
        ("ClientPortalUser", "TimeFormat", "19 20 21"),
        ("Contract", "BillingPreference", "2"),
        ("Contract", "ContractCategory", "15"),
        ("Contract", "ContractPeriodType", "m"),
        ("Contract", "ContractType", "8"),
        ("Contract", "ServiceLevelAgreementID", "2"),
        ("Opportunity", "Stage", "29682774"),
        ("Opportunity", "Status", "0"),
        ("SalesOrder", "Status", "1"),
        ("Task", "Status", "1"),
        ("Task", "TaskType", "1"),
        ("Ticket", "IssueType", "11"),
        ("Ticket", "Priority", "1 2 3"),
        ("Ticket", "QueueID", "29683354 29683386"),
        ("Ticket", "ServiceLevelAgreementID", "2"),
        ("Ticket", "Source", "-2"),
        ("Ticket", "Status", "1 10"),
        ("Ticket", "SubIssueType", "141"),
        ("Ticket", "TicketType", "1"),
        ("TicketNote", "NoteType", "13"),
        ("TicketNote", "Publish", "1"),
    ],
)
def test_picklists_hold_the_literal_values_of_old_payloads(
    entity: str, field: str, values: str
):
    (found,) = [f for f in load_facts()[entity].fields if f.name == field]

    active = {item.value for item in found.picklist or () if item.is_active}

    assert set(values.split()) <= active


DAYS = """
    BillingItem.ItemDate
    BillingItem.PostedDate
    Contract.EndDate
    Contract.StartDate
    ContractServiceAdjustment.EffectiveDate
    ContractServiceBundleAdjustment.EffectiveDate
    ContractServiceUnit.EndDate
    ContractServiceUnit.StartDate
    Holiday.HolidayDate
    Invoice.DueDate
    Invoice.FromDate
    Invoice.InvoiceDateTime
    Invoice.PaidDate
    Invoice.ToDate
    Opportunity.ClosedDate
    Opportunity.CreateDate
    Opportunity.ProjectedCloseDate
    Project.CreateDateTime
    Project.EndDateTime
    Project.StartDateTime
    Resource.HireDate
    TimeEntry.DateWorked
"""


def test_days_are_declared_times():
    declared = {
        f"{entity.name}.{field.name}": field
        for entity in load_facts().values()
        for field in entity.fields
        if field.date_only or field.date_by_value
    }

    assert {field.type for field in declared.values()} == {"datetime"}
    assert {name for name, field in declared.items() if field.date_only} == set(
        DAYS.split()
    )
    by_value = {name for name, field in declared.items() if field.date_by_value}
    assert len(by_value) == 45
    assert by_value >= {
        "SalesOrder.PromisedDueDate",
        "Quote.ExpirationDate",
        "Task.StartDateTime",
        "Opportunity.LostDate",
    }
    assert by_value.isdisjoint(DAYS.split())
    assert "Account.CreateDate" not in declared
