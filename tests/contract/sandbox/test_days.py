"""Fields that are days: never in a zone, always at midnight; and those in between."""

import pytest
from soap_records import made, record

PROJECT = {
    "ProjectName": "Cabling",
    "AccountID": 29683561,
    "Type": 5,
    "Status": 1,
    "StartDateTime": "2021-06-01",
    "EndDateTime": "2021-06-30",
}
OFFSETS = ("", "Z", "-04:00", "+14:00", "-12:00")


def stored(soap, entity, record_id, name):
    item = f'<field>id<expression op="Equals">{record_id}</expression></field>'
    (found,) = soap.query(entity, item).entities
    return found[name]


def found(soap, entity, name, operator, value):
    item = f'<field>{name}<expression op="{operator}">{value}</expression></field>'
    return soap.query(entity, item).ids


@pytest.mark.parametrize("time", ["00:00:00", "02:30:00", "20:00:00", "23:59:59.997"])
def test_a_day_keeps_its_date_whatever_time_and_offset_are_sent(soap, time):
    rows = [
        record(PROJECT, StartDateTime=f"2021-03-14T{time}{offset}")
        for offset in OFFSETS
    ]  # on the day that has no half past two
    projects = soap.write("create", "Project", *rows).ids

    assert len(projects) == len(OFFSETS)
    for project in projects:
        day = stored(soap, "Project", project, "StartDateTime")
        assert day == "2021-03-14T00:00:00"


@pytest.mark.parametrize(
    ("entity", "name", "values"),
    [
        (
            "Contract",
            "EndDate",
            {
                "AccountID": 0,
                "ContractName": "C",
                "ContractType": 1,
                "Status": 1,
                "StartDate": "2021-01-01",
                "TimeReportingRequiresStartAndStopTimes": 0,
            },
        ),
        (
            "Opportunity",
            "ClosedDate",
            {
                "AccountID": 0,
                "OwnerResourceID": 4,
                "Title": "O",
                "Stage": 29682774,
                "Status": 1,
                "CreateDate": "2021-01-01",
                "ProjectedCloseDate": "2021-02-01",
                "Probability": 1,
                "Amount": 1,
                "Cost": 1,
                "UseQuoteTotals": "false",
            },
        ),
        ("Holiday", "HolidayDate", {"HolidayName": "H", "HolidaySetID": None}),
    ],
)
def test_days_of_other_entities(fresh, entity, name, values):
    if entity == "Holiday":
        holidays = made(fresh, "HolidaySet", {"HolidaySetName": "New York"})
        values = values | {"HolidaySetID": holidays}

    own = made(fresh, entity, values, **{name: "2021-11-07T23:30:00-05:00"})

    assert stored(fresh, entity, own, name) == "2021-11-07T00:00:00"
    assert found(fresh, entity, name, "Equals", "2021-11-07T00:00:00") == [own]
    assert own in found(fresh, entity, name, "IsThisDay", "2021-11-07")
    # In a query a time is a time: one with an offset is another day's.
    assert own not in found(fresh, entity, name, "Equals", "2021-11-07T00:00:00Z")


@pytest.mark.parametrize("offset", OFFSETS)
def test_by_value_fields_keep_midnights_and_take_other_times_as_instants(soap, offset):
    phase = {"ProjectID": 4, "Title": "P"}
    task = {"ProjectID": 4, "Status": 1, "TaskType": 1, "Title": "T"}

    midnight = f"2021-06-01T00:00:00{offset}"
    first = made(soap, "Phase", phase, StartDate=midnight)
    second = made(soap, "Task", task, StartDateTime="2021-06-01T12:00:00Z")

    assert stored(soap, "Phase", first, "StartDate") == "2021-06-01T00:00:00"
    assert stored(soap, "Task", second, "StartDateTime") == "2021-06-01T08:00:00"


def test_a_midnight_in_a_user_defined_field_stays_midnight(fresh):
    members = (
        "<AccountName>A</AccountName><OwnerResourceID>4</OwnerResourceID>"
        "<Phone>1</Phone><AccountType>1</AccountType>"
    )
    for sent, kept in (
        ("2021-06-01T00:00:00Z", "2021-06-01T00:00:00"),
        ("2021-06-01T00:00:01Z", "2021-05-31T20:00:01"),
        ("2021-06-01", "2021-06-01T00:00:00"),
    ):
        udf = f"<UserDefinedField><Name>Renewal Date</Name><Value>{sent}</Value>"
        inner = f"<UserDefinedFields>{udf}</UserDefinedField></UserDefinedFields>"
        reply = fresh.write("create", "Account", f"<id>0</id>{inner}{members}")
        assert f"<Value>{kept}</Value>" in fresh.fields("Account", reply.ids[0])


def test_the_creation_of_a_project_is_a_day(soap):
    project = made(soap, "Project", PROJECT)

    assert stored(soap, "Project", project, "CreateDateTime").endswith("T00:00:00")


def test_instants_are_converted_as_ever(soap):
    to_do = made(
        soap,
        "AccountToDo",
        {
            "AccountID": 0,
            "AssignedToResourceID": 4,
            "ActionType": 1,
            "StartDateTime": "2021-06-01T00:00:00Z",
            "EndDateTime": "2021-06-01T00:30:00",
        },
    )

    assert stored(soap, "AccountToDo", to_do, "StartDateTime") == (
        "2021-05-31T20:00:00"
    )
