"""What single entities demand and do: work, sales records, authors."""

from datetime import date, timedelta

import pytest
from soap_records import made, record

REFERENCE = (
    "Reference value on field: {} of type: {} does not exist or is invalid. ; on "
    "record number [1]."
)
UNFIT = "Value does not reference an existing entity for {}."
UNHELD_ROLE = (
    "The specified AssignedResourceID and AssignedRoleID combination is not currently "
    "defined"
)
SUB_ISSUE = (
    "Picklist value [{}] does not exist for SubIssueType. ; on record number [1]."
)
NO_PERMISSION = (
    "The logged in Resource does not have the adequate permissions to {} this entity "
    "type."
)
NO_QUEUE = (
    "Data violation: AssignedResourceID, AssignedResourceRoleID, and QueueID cannot "
    "all be empty. Supply a QueueID or both a AssignedResourceID and "
    "AssignedResourceRoleID.."
)
HALF = (
    "Data violation: When assigning a Resource, you must assign both a "
    "AssignedResourceID and AssignedResourceRoleID."
)
ALBANY, ORGANIC, TROY = 29683561, 29683577, 29683565  # Organic's parent is Albany
RICK_OF_ALBANY, MALLEY_INACTIVE, ZOE = 29684011, 29684012, 29683603
LOST_OR_CLOSED = 29684316


def one(soap, entity, record_id):
    (found,) = soap.query(
        entity, f'<field>id<expression op="Equals">{record_id}</expression></field>'
    ).entities
    return found


def where(soap, entity, **values):
    items = "".join(
        f'<field>{name}<expression op="Equals">{value}</expression></field>'
        for name, value in values.items()
    )
    return soap.query(entity, items)


TICKET = {
    "AccountID": ALBANY,
    "Title": "No dial tone",
    "Status": 1,
    "Priority": 1,
    "DueDateTime": "2021-06-15T16:00:00",
    "QueueID": 29683354,
}


def a_resource_with_its_role(soap):
    pair = soap.query(
        "ResourceRole", '<field>id<expression op="GreaterThan">0</expression></field>'
    ).entities[0]
    return pair["ResourceID"], pair["RoleID"]


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"DueDateTime": None}, ["DueDateTime is required.; on record number [1]"]),
        ({"QueueID": None}, [NO_QUEUE]),
        ({"AssignedResourceID": 4}, [HALF]),
        ({"AssignedResourceRoleID": 29683461}, [HALF]),
        (
            {"AssignedResourceID": 29682885, "AssignedResourceRoleID": 29683462},
            [UNHELD_ROLE],
        ),
        (
            {"AssignedResourceID": 29682885, "AssignedResourceRoleID": 1},
            [REFERENCE.format("AssignedResourceRoleID", "Role")],
        ),
        (
            {"IssueType": 11, "SubIssueType": 136},
            [SUB_ISSUE.format(136)],
        ),
        (
            {"SubIssueType": 141},
            [SUB_ISSUE.format(141)],
        ),
    ],
)
def test_tickets_that_are_refused(soap, change, errors):
    reply = soap.write("create", "Ticket", record(TICKET | change))

    assert reply.errors == errors


def test_a_ticket_gets_number_and_stamps(fresh, steer):
    # Numbers start at 1 each day.
    noon = {"at": "2021-06-14T16:00:00Z", "frozen": True}
    steer("POST", "clock", noon).raise_for_status()
    resource, role = a_resource_with_its_role(fresh)
    first = made(fresh, "Ticket", TICKET, IssueType=11, SubIssueType=141)
    second = made(
        fresh,
        "Ticket",
        TICKET,
        QueueID=None,
        AssignedResourceID=resource,
        AssignedResourceRoleID=role,
    )

    rows = [one(fresh, "Ticket", made_) for made_ in (first, second)]
    numbers = [row["TicketNumber"] for row in rows]
    assert rows[0]["CreatorType"] == rows[0]["LastActivityPersonType"] == "1"

    assert numbers == ["T20210614.0001", "T20210614.0002"]
    assert one(fresh, "Ticket", first)["CreatorResourceID"] == "8"


def test_a_sub_issue_must_follow_its_issue(fresh):
    ticket = made(fresh, "Ticket", TICKET, IssueType=11, SubIssueType=141)
    moved = record(TICKET, id=ticket, IssueType=10, SubIssueType=141)

    reply = fresh.write("update", "Ticket", moved)

    assert "Picklist value [141]" in reply.errors[0]


def test_completion_of_a_ticket_is_dated(fresh):
    ticket = made(fresh, "Ticket", TICKET)
    assert "CompletedDate" not in one(fresh, "Ticket", ticket)

    fresh.write("update", "Ticket", record(TICKET, id=ticket, Status=5))
    assert one(fresh, "Ticket", ticket)["CompletedDate"]
    fresh.write("update", "Ticket", record(TICKET, id=ticket, Status=8))
    assert "CompletedDate" not in one(fresh, "Ticket", ticket)


def test_a_secondary_resource_cannot_become_the_primary_one(fresh):
    resource, role = a_resource_with_its_role(fresh)
    ticket = made(fresh, "Ticket", TICKET)
    made(
        fresh,
        "TicketSecondaryResource",
        {"TicketID": ticket, "ResourceID": resource, "RoleID": role},
    )

    given = record(
        TICKET, id=ticket, AssignedResourceID=resource, AssignedResourceRoleID=role
    )
    reply = fresh.write("update", "Ticket", given)

    assert reply.errors == [
        "A secondary resource cannot be the primary resource of a ticket.",
        "Error updating entity for record number [1].",
    ]


ALERT_CATEGORY, STANDARD_CATEGORY = 2, 3


def test_a_ticket_gets_the_defaults_of_its_category(fresh):
    (defaults,) = where(
        fresh, "TicketCategoryFieldDefaults", TicketCategoryID=ALERT_CATEGORY
    ).entities
    bare = {"AccountID": ALBANY, "TicketCategory": ALERT_CATEGORY}

    row = one(fresh, "Ticket", made(fresh, "Ticket", bare))

    for name in ("Title", "Status", "Priority", "QueueID", "EstimatedHours"):
        assert float_or_text(row[name]) == float_or_text(defaults[name])
    assert row["Source"] == defaults["SourceID"]
    assert row["IssueType"] == defaults["IssueTypeID"]
    assert row["TicketType"] == defaults["TicketTypeID"]
    created = date.fromisoformat(row["CreateDate"][:10])
    assert row["DueDateTime"] == f"{created + timedelta(days=1)}T17:00:00"


def float_or_text(text):
    try:
        return float(text)
    except ValueError:
        return text


@pytest.mark.parametrize("version", ["1.5", "1.6"])
def test_sent_values_take_precedence_over_the_category_s_defaults(fresh, version):
    client = fresh if version == "1.6" else fresh.old
    sent = TICKET | {"IssueType": 10, "TicketCategory": ALERT_CATEGORY}

    row = one(client, "Ticket", made(client, "Ticket", sent))

    for name, value in TICKET.items():
        assert row[name] == str(value)
    assert row["IssueType"] == "10"
    assert row["Source"] == "8"


@pytest.mark.parametrize("category", [None, STANDARD_CATEGORY])
def test_a_category_without_defaults_supplies_no_due_date(fresh, category):
    late = record(TICKET, TicketCategory=category, DueDateTime=None)

    reply = fresh.write("create", "Ticket", late)

    assert reply.errors == ["DueDateTime is required.; on record number [1]"]


def test_a_category_supplies_no_due_date_on_update(fresh):
    ticket = made(fresh, "Ticket", TICKET, TicketCategory=ALERT_CATEGORY)
    late = record(TICKET, id=ticket, TicketCategory=2, DueDateTime=None)

    reply = fresh.write("update", "Ticket", late)

    assert reply.errors == ["DueDateTime is required.; on record number [1]"]


def test_tasks_that_a_project_completes_are_found_by_polling(fresh):
    clock = f"{fresh.url}/sandbox/clock"
    fresh.session.post(clock, json={"advance_s": 3600}).raise_for_status()
    before = where(fresh, "Task", ProjectID=4).entities
    project = one(fresh, "Project", 4)
    needed = ("ProjectName", "Type", "StartDateTime", "EndDateTime")
    done = record({name: project[name] for name in needed}, id=4, Status=5)

    assert fresh.acting_as(4).write("update", "Project", done).code == 1

    moment = one(fresh, "Project", 4)["LastActivityDateTime"]
    for old, task in zip(
        before, where(fresh, "Task", ProjectID=4).entities, strict=True
    ):
        if old["Status"] == "5":
            assert task == old
        else:
            assert task["LastActivityDateTime"] == moment
            assert task["LastActivityResourceID"] == "4"
            assert task["LastActivityPersonType"] == "1"
    fresh.session.delete(clock).raise_for_status()


def test_the_knob_for_unmoved_dates_applies_to_a_project_s_tasks(fresh):
    knobs = f"{fresh.url}/sandbox/knobs"
    fresh.session.post(knobs, json={"dates_stand_still": True}).raise_for_status()
    dates = {
        task["id"]: task.get("LastActivityDateTime")
        for task in where(fresh, "Task", ProjectID=4).entities
    }
    project = one(fresh, "Project", 4)
    needed = ("ProjectName", "Type", "StartDateTime", "EndDateTime")
    done = record({name: project[name] for name in needed}, id=4, Status=5)

    assert fresh.write("update", "Project", done).code == 1

    fresh.session.delete(knobs).raise_for_status()
    for task in where(fresh, "Task", ProjectID=4).entities:
        assert task["Status"] == "5"
        assert task.get("LastActivityDateTime") == dates[task["id"]]


def test_completing_a_project_completes_its_tasks(fresh):
    own = where(fresh, "Task", ProjectID=4).entities
    assert any(task["Status"] != "5" for task in own)
    project = one(fresh, "Project", 4)
    needed = ("ProjectName", "Type", "StartDateTime", "EndDateTime")

    done = record({name: project[name] for name in needed}, id=4, Status=5)
    assert fresh.write("update", "Project", done).code == 1

    tasks = where(fresh, "Task", ProjectID=4).entities
    assert {task["Status"] for task in tasks} == {"5"}
    assert all(task["CompletedDateTime"] for task in tasks)


TODO = {
    "AccountID": ORGANIC,
    "AssignedToResourceID": 4,
    "ActionType": 1,
    "StartDateTime": "2021-06-14T11:00:00",
    "EndDateTime": "2021-06-14T11:30:00",
}


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"ContactID": RICK_OF_ALBANY}, []),  # of the parent account
        ({"ContactID": ZOE}, [UNFIT.format("ContactID")]),
        (
            {"ContactID": MALLEY_INACTIVE, "AccountID": TROY},
            [REFERENCE.format("ContactID", "Contact")],
        ),
        (
            {"ContactID": MALLEY_INACTIVE},
            [REFERENCE.format("ContactID", "Contact")],
        ),
        ({"OpportunityID": LOST_OR_CLOSED}, [UNFIT.format("OpportunityID")]),
        ({"TicketID": 29684801}, [UNFIT.format("TicketID")]),
        ({"TicketID": 29684801, "AccountID": ALBANY}, []),
        ({"ContractID": 29684022}, [UNFIT.format("ContractID")]),
        ({"AccountID": 0}, []),
    ],
)
def test_what_a_to_do_refers_to_is_its_account_s(fresh, change, errors):
    reply = fresh.write("create", "AccountToDo", record(TODO | change))

    assert reply.errors == errors


def test_a_completed_to_do_is_also_a_note_once(fresh):
    text = {"ActivityDescription": "Asked &amp; answered"}
    to_do = made(fresh, "AccountToDo", TODO, **text)
    assert where(fresh, "AccountNote", Note="Asked &amp; answered").ids == []

    for when in ("2021-06-14T11:20:00", "2021-06-14T11:25:00"):
        done = record(TODO, id=to_do, CompletedDate=when, **text)
        assert fresh.write("update", "AccountToDo", done).code == 1

    (note,) = where(fresh, "AccountNote", Note="Asked &amp; answered").entities
    assert note["AccountID"] == str(ORGANIC)
    assert note["AssignedResourceID"] == "4"
    assert note["CompletedDateTime"] == "2021-06-14T11:20:00"


NOTE = {
    "AccountID": 29683569,
    "AssignedResourceID": 4,
    "ActionType": 3,
    "StartDateTime": "2021-06-14T11:00:00",
    "EndDateTime": "2021-06-14T11:30:00",
}


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"ContactID": ZOE}, []),
        ({"ContactID": RICK_OF_ALBANY}, [UNFIT.format("ContactID")]),
        (
            {"OpportunityID": LOST_OR_CLOSED},
            [REFERENCE.format("OpportunityID", "Opportunity")],
        ),
        ({"OpportunityID": 29684320}, [UNFIT.format("OpportunityID")]),
        ({"OpportunityID": 29684320, "AccountID": 0}, []),
    ],
)
def test_what_a_note_refers_to_is_its_account_s_and_active(fresh, change, errors):
    reply = fresh.write("create", "AccountNote", record(NOTE | change))

    assert reply.errors == errors


def test_an_impersonated_author_and_editor(fresh):
    note = made(fresh.acting_as(4), "AccountNote", NOTE)
    fresh.acting_as(29682885).write("update", "AccountNote", record(NOTE, id=note))

    (row,) = where(fresh, "AccountNote", id=note).entities
    assert row["ImpersonatorCreatorResourceID"] == "8"
    assert row["ImpersonatorUpdaterResourceID"] == "8"


def test_on_a_to_do_the_creator_is_who_was_impersonated(fresh):
    to_do = one(fresh, "AccountToDo", made(fresh.acting_as(4), "AccountToDo", TODO))

    assert to_do["CreatorResourceID"] == "4"
    assert to_do["ImpersonatorCreatorResourceID"] == "8"


def test_a_task_ignores_impersonation(fresh):
    values = {"ProjectID": 4, "Status": 1, "TaskType": 1, "Title": "Survey"}

    task = one(fresh, "Task", made(fresh.acting_as(4), "Task", values))

    assert task["CreatorResourceID"] == "8"


@pytest.mark.parametrize("who", [8, 7, 99, -1])  # API user, inactive, unknown
def test_who_cannot_be_impersonated(fresh, who):
    reply = fresh.acting_as(who).write("create", "AccountNote", record(NOTE))

    assert reply.errors == [NO_PERMISSION.format("create")]


def test_a_query_cannot_be_impersonated(soap):
    reply = where(soap.acting_as(4), "Account", id=0)

    assert reply.errors == [NO_PERMISSION.format("query")]


@pytest.mark.parametrize(
    ("operation", "entity"),
    [
        ("create", "Resource"),
        ("delete", "Opportunity"),
        ("create", "SalesOrder"),
        ("update", "AccountTeam"),
        ("create", "AttachmentInfo"),
    ],
)
def test_verbs_that_an_entity_lacks(soap, operation, entity):
    reply = soap.write(operation, entity, "<id>1</id>")

    assert reply.errors == [NO_PERMISSION.format(operation)]


@pytest.mark.parametrize("operation", ["create", "update", "delete"])
def test_writes_to_a_module_that_is_not_active(soap, operation):
    reply = soap.write(operation, "ContactWebhook", "<id>1</id>")

    assert reply.errors == [NO_PERMISSION.format("update")]


def test_entities_that_cannot_be_queried(soap):
    reply = where(soap, "TicketChecklistLibrary", id=1)

    assert "permissions to query" in reply.errors[0]


def test_a_masked_password_is_not_overwritten_by_its_mask(soap):
    resources = where(soap, "Resource", Active=1).entities

    assert {row["Password"] for row in resources} == {"******"}
    assert soap.query(
        "Resource", '<field>Password<expression op="IsNotNull"></expression></field>'
    ).errors == ["Password is not queryable in the Resource Entity."]


def test_system_action_types_stay(fresh):
    system = fresh.write("delete", "ActionType", "<id>1</id>")
    own = fresh.write("delete", "ActionType", "<id>29682810</id>")

    assert system.errors[0] == "A system action type cannot be deleted."
    assert own.code == 1


def test_an_order_s_country_is_found_by_any_of_its_names(fresh):
    order = one(fresh, "SalesOrder", 29684401)
    kept = {
        name: order[name]
        for name in ("Status", "Contact", "OwnerResourceID", "SalesOrderDate")
    }
    expected = {
        "de": ("Germany", "76"),
        "united kingdom": ("United Kingdom", "236"),
        "Atlantis": ("Atlantis", "250"),
    }

    for typed, (shown, country) in expected.items():
        changed = record(kept, id=29684401, BillToCountry=typed)
        assert fresh.write("update", "SalesOrder", changed).code == 1
        now = one(fresh, "SalesOrder", 29684401)
        assert (now["BillToCountry"], now["BillToCountryID"]) == (shown, country)

    same = record(kept, id=29684401, BillToCountry="Atlantis")
    assert fresh.write("update", "SalesOrder", same).code == 1
    assert one(fresh, "SalesOrder", 29684401)["BillToCountryID"] == "250"

    owned = record({**kept, "OwnerResourceID": 8}, id=29684401)
    assert fresh.write("update", "SalesOrder", owned).errors[0] == REFERENCE.format(
        "OwnerResourceID", "Resource"
    )


@pytest.mark.parametrize(
    ("typed", "finds"),
    [
        ("de", {"GERMANY": True, "de": False, "Other": False}),
        ("Atlantis", {"Other": True, "Atlantis": False}),
    ],
)
def test_an_order_s_country_is_sought_by_its_display_name(fresh, typed, finds):
    order = one(fresh, "SalesOrder", 29684401)
    kept = {
        name: order[name]
        for name in ("Status", "Contact", "OwnerResourceID", "SalesOrderDate")
    }
    changed = record(kept, id=29684401, ShipToCountry=typed)
    assert fresh.write("update", "SalesOrder", changed).code == 1

    for soap in (fresh, fresh.old):
        found = {
            name: where(soap, "SalesOrder", ShipToCountry=name).ids == [29684401]
            for name in finds
        }
        assert found == finds


def test_an_opportunity_follows_its_primary_quote(fresh):
    place = made(fresh, "QuoteLocation", {"City": "Troy"})
    quote = {
        "Name": "Q",
        "OpportunityID": 29684320,
        "EffectiveDate": "2021-06-01T00:00:00",
        "ExpirationDate": "2021-07-01T00:00:00",
        "BillToLocationID": place,
        "ShipToLocationID": place,
        "SoldToLocationID": place,
    }
    item = {
        "Type": 1,
        "Quantity": 3,
        "UnitPrice": "10.5",
        "UnitCost": 4,
        "UnitDiscount": "0.5",
        "LineDiscount": 2,
        "PercentageDiscount": 0,
        "IsOptional": "false",
        "ProductID": 29683801,
    }

    def money():
        row = one(fresh, "Opportunity", 29684320)
        return row["Amount"], row["Cost"]

    first = made(fresh, "Quote", quote)
    line = made(fresh, "QuoteItem", item, QuoteID=first)
    assert one(fresh, "Quote", first)["PrimaryQuote"] == "true"
    assert money() == ("28.0000", "12.0000")

    second = made(fresh, "Quote", quote, PrimaryQuote="true")
    assert one(fresh, "Quote", first)["PrimaryQuote"] == "false"
    made(fresh, "QuoteItem", item, QuoteID=second, Quantity=1)
    assert money() == ("8.0000", "4.0000")

    fresh.write("update", "Quote", record(quote, id=first, PrimaryQuote="true"))
    assert money() == ("28.0000", "12.0000")
    fresh.write("delete", "QuoteItem", f"<id>{line}</id>")
    assert money() == ("0.0000", "0.0000")
