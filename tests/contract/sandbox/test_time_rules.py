"""Time entries, service calls, and the dates of projects, deals and tickets."""

import pytest
from soap_records import made, record

AGAIN = "Error updating entity for record number [1]."
TICKET, DESK_CONTRACT, LABOR, MATERIAL = 29684801, 29684023, 29683401, 29682840
SEVERAL_PARENTS = (
    "Only one of TicketID,TaskID and InternallAllocationCodeID can be used at once"
)
BAD_PROJECT_END = (
    "Project EndDateTime must not be before the end of its last phase, task or issue."
)
BAD_CLOSE = "ProjectedCloseDate must not be before CreateDate."


def by_id(soap, entity, record_id):
    item = f'<field>id<expression op="Equals">{record_id}</expression></field>'
    return soap.query(entity, item).entities[0]


def project_task(soap, project=4):
    item = f'<field>ProjectID<expression op="Equals">{project}</expression></field>'
    return soap.query("Task", item).ids[0]


@pytest.fixture(scope="module")
def held(soap):
    """A resource and a role that it holds."""
    any_pair = '<field>id<expression op="GreaterThan">0</expression></field>'
    pair = soap.query("ResourceRole", any_pair).entities[0]
    return {"ResourceID": int(pair["ResourceID"]), "RoleID": int(pair["RoleID"])}


@pytest.fixture(scope="module")
def entry(held):
    return {
        "TicketID": TICKET,
        **held,
        "DateWorked": "2021-06-14",
        "StartDateTime": "2021-06-14T09:00:00",
        "EndDateTime": "2021-06-14T10:00:00",
        "HoursWorked": 1,
        "AllocationCodeID": LABOR,
    }


NO_TIMES = {"StartDateTime": None, "EndDateTime": None}


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({}, []),
        ({"HoursWorked": None}, []),
        ({"DateWorked": None}, []),
        (NO_TIMES, []),
        ({"HoursWorked": 24}, []),
        ({"RoleID": None}, ["TimeEntries for Tickets must have a RoleID"]),
        (
            {"EndDateTime": None, "HoursWorked": None},
            ["Must have at least one of HoursWorked or StartDateTime/EndDateTime"],
        ),
        (
            NO_TIMES | {"ContractID": DESK_CONTRACT},
            ["TimeEntries for Service tickets require a start and stop time."],
        ),
        (
            NO_TIMES | {"DateWorked": None},
            ["DateWorked is required when no value is supplied for StartDateTime"],
        ),
        (
            {"HoursWorked": "24.25"},
            ["HoursWorked greater than 24 hours or less than zero hours"],
        ),
        (
            {"HoursWorked": -1},
            ["HoursWorked greater than 24 hours or less than zero hours"],
        ),
        (
            {"AllocationCodeID": MATERIAL},
            ["The given allocation code is not an active general allocation code"],
        ),
        (
            {"AllocationCodeID": 29682842},  # not active
            ["The given allocation code is not an active general allocation code"],
        ),
        (
            {"InternalAllocationCodeID": LABOR},
            [SEVERAL_PARENTS],
        ),
        (
            {"TicketID": None, "TaskID": TICKET},
            ["This TaskID does not reference a valid Task"],
        ),
    ],
)
def test_time_entries(soap, entry, change, errors):
    reply = soap.write("create", "TimeEntry", record(entry | change))

    assert reply.errors == errors


def test_the_resource_of_a_task_s_entry_has_its_role(fresh, entry, held):
    values = entry | {"TicketID": None, "TaskID": project_task(fresh)}
    own = made(fresh, "TimeEntry", values)

    wrong = record(values | {"RoleID": 29683462}, id=own)

    assert fresh.write("update", "TimeEntry", wrong).errors == [
        "This RoleID is not valid for this Task and Resource",
        AGAIN,
    ]


def test_who_may_delete_a_time_entry(soap, entry):
    own = made(soap, "TimeEntry", entry)
    other = made(soap.acting_as(4), "TimeEntry", entry)

    refused = soap.write("delete", "TimeEntry", f"<id>{other}</id>")

    assert refused.errors == [
        "You do not have permission to delete time entries that you did not create",
        "Error deleting entity for record number [1].",
    ]
    assert soap.write("delete", "TimeEntry", f"<id>{own}</id>").errors == []
    acting = soap.acting_as(4)
    assert acting.write("delete", "TimeEntry", f"<id>{other}</id>").errors == []


def test_who_acts_for_another_does_not_change_what_invoices_show(soap, entry):
    own = made(soap, "TimeEntry", entry, ShowOnInvoice="true")
    shown = record(entry, id=own, ShowOnInvoice="true", SummaryNotes="Done")
    hidden = record(entry, id=own, ShowOnInvoice="false")

    acting = soap.acting_as(4)
    assert acting.write("update", "TimeEntry", shown).errors == []
    assert acting.write("update", "TimeEntry", hidden).errors == [
        "User not authorized to change Show On Invoice values for Ticket time entries",
        AGAIN,
    ]
    assert soap.write("update", "TimeEntry", hidden).errors == []


CALL = {
    "AccountID": 0,
    "StartDateTime": "2021-06-14T11:00:00",
    "EndDateTime": "2021-06-14T11:30:00",
    "Complete": 0,
}


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"Description": "Called off"}, False),
        ({"StartDateTime": "2021-06-14T10:00:00"}, True),
        ({"EndDateTime": "2021-06-14T12:00:00"}, True),
        ({"Complete": 1}, True),
    ],
)
def test_a_canceled_service_call_keeps_its_times(soap, change, refused):
    call = made(soap, "ServiceCall", CALL, Status=3)
    reason = (
        "The StartDateTime, EndDateTime and Complete cannot be edited if status is of "
        'type "Canceled".'
    )

    reply = soap.write("update", "ServiceCall", record(CALL | change, id=call))

    assert reply.errors == ([reason, AGAIN] if refused else [])


def test_other_service_calls_can_be_moved(soap):
    call = made(soap, "ServiceCall", CALL, Status=1)
    moved = record(CALL | {"StartDateTime": "2021-06-14T10:00:00"}, id=call, Status=3)

    assert soap.write("update", "ServiceCall", moved).errors == []


PROJECT = {"ProjectName": "Cabling", "AccountID": 0, "Type": 5, "Status": 1}


@pytest.mark.parametrize(
    ("start", "end", "errors"),
    [
        ("2021-06-01", "2021-06-30", []),
        ("2021-06-01", "2021-06-01", []),
        (
            "2021-06-02",
            "2021-06-01",
            ["Project StartDateTime must be before EndDateTime."],
        ),
    ],
)
def test_a_project_starts_before_it_ends(soap, start, end, errors):
    values = PROJECT | {"StartDateTime": start, "EndDateTime": end}

    assert soap.write("create", "Project", record(values)).errors == errors


@pytest.mark.parametrize("part", ["Phase", "Task"])
def test_a_project_ends_with_its_last_part(soap, part):
    values = PROJECT | {"StartDateTime": "2021-06-01", "EndDateTime": "2021-06-30"}
    project = made(soap, "Project", values)
    own = {"ProjectID": project, "Title": "T"}
    if part == "Phase":
        made(soap, "Phase", own, DueDate="2021-06-20")
    else:
        task = own | {"Status": 1, "TaskType": 1}
        made(soap, "Task", task, EndDateTime="2021-06-20T15:00:00")

    def ends(day):
        moved = record(values | {"EndDateTime": day}, id=project)
        return soap.write("update", "Project", moved).errors

    assert ends("2021-06-19") == [BAD_PROJECT_END, AGAIN]
    assert ends("2021-06-20") == []


def test_a_project_with_later_parts_is_saved_with_its_old_dates(soap):
    values = PROJECT | {"StartDateTime": "2021-06-01", "EndDateTime": "2021-06-30"}
    project = made(soap, "Project", values)
    made(soap, "Phase", {"ProjectID": project, "Title": "T"}, DueDate="2021-07-20")

    renamed = record(values | {"ProjectName": "Other"}, id=project)

    assert soap.write("update", "Project", renamed).errors == []


DEAL = {
    "AccountID": 0,
    "OwnerResourceID": 4,
    "Title": "Seats",
    "Stage": 29682774,
    "Status": 1,
    "Probability": 1,
    "Amount": 1,
    "Cost": 1,
    "UseQuoteTotals": "false",
}


@pytest.mark.parametrize(
    ("created", "closes", "errors"),
    [
        ("2021-06-14", "2021-06-14", []),
        ("2021-06-14T23:00:00", "2021-06-14T01:00:00", []),
        ("2021-06-14", "2021-06-13", [BAD_CLOSE]),
        ("2021-06-14T00:00:00", "2020-12-31T23:59:59Z", [BAD_CLOSE]),
    ],
)
def test_a_deal_does_not_close_before_it_begins(soap, created, closes, errors):
    days = {"CreateDate": created, "ProjectedCloseDate": closes}

    assert soap.write("create", "Opportunity", record(DEAL | days)).errors == errors


def test_a_deal_is_validated_when_either_date_changes(soap):
    days = {"CreateDate": "2021-06-14", "ProjectedCloseDate": "2021-06-20"}
    own = made(soap, "Opportunity", DEAL | days)

    later = record(DEAL | days | {"CreateDate": "2021-06-21"}, id=own)

    assert soap.write("update", "Opportunity", later).errors == [BAD_CLOSE, AGAIN]


def test_the_tracked_stamp_of_a_ticket_does_not_follow_changes(fresh, steer):
    values = {
        "AccountID": 0,
        "Title": "Slow",
        "Status": 1,
        "Priority": 1,
        "DueDateTime": "2021-06-15T16:00:00",
        "QueueID": 29683354,
    }
    steer("POST", "clock", {"at": "2021-06-14T12:00:00Z", "frozen": True})
    ticket = made(fresh, "Ticket", values)
    steer("POST", "clock", {"advance_s": 3600}).raise_for_status()

    changed = record(values | {"Title": "Slower", "Status": 8}, id=ticket)
    assert fresh.write("update", "Ticket", changed).errors == []

    row = by_id(fresh, "Ticket", ticket)
    assert row["LastTrackedModificationDateTime"] == row["CreateDate"]
    assert row["LastActivityDate"] == "2021-06-14T09:00:00"
