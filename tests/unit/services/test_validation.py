from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from bridge.errors import InvalidRequestError
from bridge.interfaces import NO_PLACE, Field, FieldType
from bridge.services.records.members import read_members
from bridge.services.records.validation import (
    unchanged_values,
    validate_create,
    validate_update,
    vendor_values,
)

SOUND = {"accountName": "Harbor", "accountType": 1, "ownerID": 4}
STORED = {
    "id": 7,
    "UserDefinedFields": {"Region & code": "EU", "Colour": "1"},
    "AccountName": "Harbor",
    "Phone": "",
    "AccountType": 9,
    "Amount": Decimal("12.5000"),
    "CreateDate": datetime(2020, 5, 1, 10, 0, 0, 717000, UTC),
    "VisitTime": datetime(2020, 5, 1, 10, 0, 0, 717000, UTC),
    "OwnerID": 4,
    "Score": 2.5,
    "BrandNew": "kept",
}


def validate_new(fields, body):
    return validate_create(fields, read_members(body))


def update(fields, body, stored):
    zone = ZoneInfo("America/New_York")
    return validate_update(fields, read_members(body), stored, zone)


def given(draft):
    return {name: value for (_, name), (_, value) in draft.given.items()}


def test_values_are_read_in_every_tolerated_form(fields):
    draft = validate_new(
        fields,
        {
            **SOUND,
            "id": "0",
            "ACCOUNTTYPE": "0",
            "active": 1,
            "seats": "12",
            "amount": "980.00",
            "closeDate": "6/30/2019",
            "visitTime": "2019-03-14T09:26:53+0100",
        },
    )

    assert draft.problems == []
    values = given(draft)
    assert values["AccountType"] == 0
    assert values["Active"] is True
    assert values["Seats"] == 12
    assert values["Amount"] == Decimal("980.00")
    assert values["CloseDate"] == date(2019, 6, 30)
    assert values["VisitTime"] == datetime(2019, 3, 14, 8, 26, 53, tzinfo=UTC)
    assert "id" not in values


def test_every_problem_is_named(fields):
    draft = validate_new(
        fields,
        {
            "accountName": "x" * 11,
            "accountType": 9,
            "active": "maybe",
            "seats": 1.5,
            "amount": {},
            "closeDate": "never",
            "userDefinedFields": {
                "userDefinedField": [
                    {"name": "No such", "value": "1"},
                    {"name": "Colour", "value": "2"},
                ]
            },
        },
    )

    with pytest.raises(InvalidRequestError) as caught:
        draft.require_valid("Refused")
    for fragment in (
        "accountName is too long: 11 characters of at most 10",
        "accountType cannot be 9, one of 0 (None), 1 (Customer)",
        "active must be true or false",
        "seats must be a whole number",
        "amount must be a single value",
        "closeDate must be a time such as",
        "ownerID is required",
        "accounts has no user-defined field No such",
        "Colour cannot be 2, one of 1 (Red)",
    ):
        assert fragment in caught.value.message


def test_a_required_member_of_the_wrong_type_is_named_once(fields):
    draft = validate_new(fields, {**SOUND, "accountType": "Big", "ownerID": {}})

    assert draft.problems == [
        "accountType must be a whole number, one of 0 (None), 1 (Customer)",
        "ownerID must be a single value",
    ]


def test_zero_and_false_are_values_and_blanks_are_not(fields):
    assert validate_new(fields, {**SOUND, "accountType": 0}).problems == []
    assert validate_new(fields, {**SOUND, "accountName": " "}).problems == [
        "accountName is required"
    ]


def test_read_only_members_of_a_create_are_ignored(fields):
    draft = validate_new(fields, {**SOUND, "createDate": "2020-01-01", "shoe": 1})

    assert draft.ignored == ["shoe", "createDate"]


def test_what_repeats_the_stored_value_changes_nothing(fields):
    draft = update(
        fields,
        {
            "id": 99,
            "accountName": "Harbor",
            "phone": None,
            "accountType": "9",
            "amount": 12.5,
            "createDate": "2020-05-01T10:00:00+0000",
            "visitTime": "2020-05-01T10:00:00+0000",
            "ownerID": "4",
            "score": "2.5",
        },
        STORED,
    )

    assert draft.given == {}
    assert draft.problems == []


def test_changed_read_only_members_are_refused_but_times_are_ignored(fields):
    draft = update(
        fields, {"ownerID": 5, "score": 3, "createDate": "2021-01-01"}, STORED
    )

    assert draft.problems == ["ownerID can only be set on create", "score is read-only"]
    assert draft.ignored == ["createDate"]


def test_a_required_member_cannot_be_emptied(fields):
    draft = update(fields, {"accountName": None}, STORED)

    assert draft.problems == ["accountName is required"]


def test_an_update_knows_every_writable_field_and_names_only_given_udfs(fields):
    draft = update(
        fields,
        {
            "phone": "1",
            "userDefinedFields": [{"name": "Region & code", "value": None}],
        },
        STORED,
    )

    assert vendor_values(draft) == {
        Field("Phone", FieldType.STRING): "1",
        Field("Region & code", FieldType.STRING, udf=True): None,
    }
    assert unchanged_values(STORED, draft) == {
        Field("AccountName", FieldType.STRING): "Harbor",
        Field("AccountType", FieldType.SHORT): 9,
        Field("Amount", FieldType.DECIMAL): Decimal("12.5000"),
        Field("VisitTime", FieldType.DATETIME): STORED["VisitTime"],
        Field("BrandNew", FieldType.STRING): "kept",
    }


def test_fields_have_the_places_of_the_metadata_and_newer_ones_come_last(fields):
    draft = update(fields, {"phone": "1"}, STORED)
    places = {name: place for place, name in enumerate(fields.standard)}

    given = [*vendor_values(draft), *unchanged_values(STORED, draft)]

    for field in given:
        assert field.place == places.get(field.name, NO_PLACE)
    assert max(given, key=lambda field: field.place).name == "BrandNew"


def test_a_udf_may_share_its_name_with_a_field(fields):
    draft = validate_new(
        fields,
        {**SOUND, "seats": 3, "userDefinedFields": [{"name": "Seats", "value": 1e3}]},
    )

    values = vendor_values(draft)
    assert values[Field("Seats", FieldType.INTEGER)] == 3
    assert values[Field("Seats", FieldType.DOUBLE, udf=True)] == Decimal("1000.0")


def test_a_double_that_is_put_back_changes_nothing(fields):
    draft = update(fields, {"score": 2.5, "amount": "12.5"}, STORED)

    assert draft.problems == []
    assert draft.given == {}


def test_characters_that_cannot_be_sent_are_left_out_and_noted(fields):
    body = {**SOUND, "accountName": "a\x00b", "phone": "1\ud800", "stockSymbol": "\t"}
    udfs = [{"name": "Region & code", "value": "E\x1fU"}]

    draft = validate_new(fields, {**body, "userDefinedFields": udfs})

    assert given(draft)["AccountName"] == "ab"
    assert given(draft)["Phone"] == "1"
    assert given(draft)["StockSymbol"] == "\t"
    assert given(draft)["Region & code"] == "EU"
    assert [note.split(" is stored")[0] for note in draft.notes] == [
        "accountName",
        "phone",
        "Region & code",
    ]


def test_a_blank_text_does_not_pass_for_a_required_one(fields):
    draft = update(fields, {"accountName": "  ", "accountType": None}, STORED)

    assert draft.problems == [
        "accountName is required",
        "accountType is required, one of 0 (None), 1 (Customer)",
    ]


@pytest.mark.parametrize("value", [True, "1", 0, "false"])
def test_a_flag_with_a_picklist_takes_its_items(fields, value):
    draft = validate_new(fields, {**SOUND, "paid": value})

    assert draft.problems == []


@pytest.mark.parametrize(
    ("udfs", "values"),
    [
        (
            {"Renewal": "2024-07-05T22:30:00Z"},
            [datetime(2024, 7, 5, 22, 30, tzinfo=UTC)],
        ),
        ({"Renewal": "7/5/24"}, [date(2024, 7, 5)]),
        ({"renewal": "2024-07-05T00:00:00-0500"}, [date(2024, 7, 5)]),
        ({"SEATS": "12"}, [Decimal(12)]),
        ({"Region & code": True}, ["true"]),
        ({"Region & code": "EU", "Colour": "1"}, []),
        ({"Region & code": None, "Renewal": ""}, [None]),
    ],
)
def test_user_defined_fields_are_typed_and_repeats_are_no_change(fields, udfs, values):
    stored = STORED | {
        "UserDefinedFields": {"Region & code": "EU", "Colour": "1", "Renewal": None}
    }
    items = [{"name": name, "value": value} for name, value in udfs.items()]

    draft = update(fields, {"userDefinedFields": items}, stored)

    assert draft.problems == []
    assert [value for _, value in draft.given.values()] == values


@pytest.mark.parametrize(
    "text",
    [
        "2024-07-05",
        "2024-07-05T00:00:00+0000",
        "2024-07-05T00:00:00-0500",
        "2024-07-05T02:00:00+02:00",
        "7/5/2024 12:00:00 AM",
    ],
)
@pytest.mark.parametrize("kind", ["day", "by value", "user-defined"])
def test_a_day_that_is_put_back_changes_nothing(fields, kind, text):
    day = date(2024, 7, 5)
    stored = STORED | {
        "CloseDate": day,
        "ShipDate": day,
        "UserDefinedFields": {"Renewal": "2024-07-05T00:00:00"},
    }
    udfs = {"userDefinedFields": [{"name": "Renewal", "value": text}]}
    bodies = {"day": {"closeDate": text}, "by value": {"shipDate": text}}

    draft = update(fields, bodies.get(kind, udfs), stored)

    assert draft.given == {}


def test_an_instant_that_looks_like_a_day_is_put_back_as_it_is_shown(fields):
    text = "2024-07-05T00:00:00+0000"
    stored = STORED | {
        "ShipDate": datetime(2024, 7, 5, tzinfo=UTC),
        "UserDefinedFields": {"Renewal": "2024-07-04T20:00:00.5"},
    }
    udfs = [{"name": "Renewal", "value": text}]

    draft = update(fields, {"shipDate": text, "userDefinedFields": udfs}, stored)
    other = update(fields, {"shipDate": "2024-07-06"}, stored)

    assert draft.given == {}
    assert given(other) == {"ShipDate": date(2024, 7, 6)}


def test_a_time_on_a_field_of_days_is_an_instant_and_is_named(fields):
    draft = validate_new(
        fields,
        SOUND
        | {"closeDate": "2024-07-05T02:00:00+02:00", "shipDate": "7/5/24 3:00 PM"},
    )

    assert given(draft)["CloseDate"] == datetime(2024, 7, 5, tzinfo=UTC)
    assert given(draft)["ShipDate"] == datetime(2024, 7, 5, 15, tzinfo=UTC)
    assert draft.notes == [
        "closeDate holds a day; with its time of day it is sent as an instant."
    ]


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("Seats", "12.5000", [12.5, "12.5", " 12.50 ", "12.5000"]),
        ("Seats", "0", [0, "0", False]),
        ("Region & code", "", ["", None]),
        ("Region & code", "1.50", ["1.50"]),
        ("Renewal", "soon", ["soon"]),
        ("Colour", None, ["", None]),
    ],
)
def test_a_udf_value_in_any_spelling_changes_nothing(fields, name, text, values):
    stored = STORED | {"UserDefinedFields": {name: text}}

    for value in values:
        items = [{"name": name, "value": value}]
        draft = update(fields, {"userDefinedFields": items}, stored)
        assert (draft.given, draft.problems) == ({}, [])


def test_decimals_of_more_digits_than_a_program_keeps_are_no_change(fields):
    stored = STORED | {"Amount": Decimal("12345678901234567.8912")}

    assert update(fields, {"amount": 12345678901234567.8912}, stored).given == {}
    assert update(fields, {"amount": "12345678901234567.8913"}, stored).given


def test_the_mask_of_a_protected_value_is_nothing_that_was_given(fields):
    masked = [
        {"name": "Renewal", "value": "*****"},
        {"name": "Seats", "value": "*****"},
    ]
    body = {"userDefinedFields": masked}
    stored = STORED | {"UserDefinedFields": {"Renewal": "*****", "Seats": "*****"}}

    put_back = update(fields, body, stored)
    new = validate_new(fields, SOUND | body)
    changed = update(
        fields, {"userDefinedFields": [{"name": "Seats", "value": "7"}]}, stored
    )

    assert (put_back.given, put_back.ignored, put_back.problems) == ({}, [], [])
    assert new.ignored == ["Renewal", "Seats"]
    assert given(changed) == {"Seats": Decimal(7)}


def test_every_problem_of_user_defined_fields_is_named(fields):
    items = [
        {"name": "Renewal", "value": "soon"},
        {"name": "Seats", "value": "many"},
        {"name": "Colour", "value": ["1"]},
    ]

    draft = validate_new(fields, {**SOUND, "userDefinedFields": items})

    assert [problem.split(" must ")[0] for problem in draft.problems] == [
        "Renewal",
        "Seats",
        "Colour",
    ]


@pytest.mark.parametrize("udfs", ["x", 3, {"userDefinedField": "x"}, [{"value": 1}]])
def test_a_shapeless_udf_list_is_a_problem(fields, udfs):
    draft = validate_new(fields, {**SOUND, "userDefinedFields": udfs})

    assert len(draft.problems) == 1


ITEM = {"Name": "Seats", "Value": "3"}


@pytest.mark.parametrize(
    "body",
    [
        {"UserDefinedFields": {"UserDefinedField": [ITEM]}},
        {"UserDefinedFields": {"UserDefinedField": ITEM}},
        {"USERDEFINEDFIELDS": [{"NAME": "Seats", "VALUE": "3", "label": "Three"}]},
        {"userDefinedFields": ITEM},
        {"userdefinedfields": {"userdefinedfield": [{"name": "seats", "value": "3"}]}},
        {"UserDefinedFields": {"UserDefinedField": [ITEM, {**ITEM, "Name": "SEATS"}]}},
    ],
)
def test_udf_items_are_read_in_any_case_and_shape(fields, body):
    draft = validate_new(fields, {**SOUND, **body})

    assert draft.problems == []
    seats = Field("Seats", FieldType.DOUBLE, udf=True)
    assert vendor_values(draft)[seats] == Decimal(3)


@pytest.mark.parametrize(
    "udfs",
    [None, [], {}, {"UserDefinedField": None}, {"userDefinedField": []}],
)
def test_no_udf_items_in_any_shape(fields, udfs):
    draft = validate_new(fields, {**SOUND, "UserDefinedFields": udfs})

    assert not draft.problems
    assert not any(info.udf for info, _ in draft.given.values())


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (
            {"userDefinedFields": [ITEM], "UserDefinedFields": [ITEM]},
            "the body has userDefinedFields and UserDefinedFields: send one of them",
        ),
        (
            {"userDefinedFields": {"UserDefinedField": [], "userDefinedField": []}},
            "userDefinedFields has UserDefinedField and userDefinedField: send one",
        ),
        (
            {"userDefinedFields": [{**ITEM, "value": 4}]},
            "userDefinedField Seats has Value and value: send one of them",
        ),
        (
            {"userDefinedFields": [{**ITEM, "name": "Colour"}]},
            "userDefinedField has Name and name: send one of them",
        ),
        (
            {"userDefinedFields": {"userDefinedField": [ITEM], "Name": "Seats"}},
            "userDefinedFields has both userDefinedField and name",
        ),
        (
            {"userDefinedFields": [ITEM, {"name": "seats", "value": 4}]},
            "seats is in userDefinedFields twice with different values",
        ),
        (
            {"userDefinedFields": [{"name": "a", "value": 1}, {"Name": "A"}]},
            "A is in userDefinedFields twice with different values",
        ),
    ],
)
def test_what_is_there_twice_is_refused(fields, body, says):
    draft = validate_new(fields, {**SOUND, **body})

    assert any(says in problem for problem in draft.problems), draft.problems


@pytest.mark.parametrize(
    ("body", "in_doubt"),
    [
        ({}, False),
        ({"nowhere": 1}, True),
        ({"accountTypeLabel": "Customer"}, False),
        ({"nowhereLabel": "x"}, True),
        ({"userDefinedFields": [{"name": "Seats", "value": None}]}, False),
        ({"userDefinedFields": [{"name": "Nowhere", "value": None}]}, True),
        ({"userDefinedFields": [{"name": "Nowhere", "value": "x"}]}, True),
        ({"userDefinedFields": [{"name": "Nowhere", "value": 0}]}, True),
    ],
)
def test_an_unknown_name_casts_doubt_on_the_metadata(fields, body, in_doubt):
    assert validate_new(fields, {**SOUND, **body}).in_doubt is in_doubt


@pytest.mark.parametrize("value", ["x", 0, False, " "])
def test_a_value_of_an_unknown_udf_is_refused_and_none_is_not(fields, value):
    def drafted(value):
        items = [{"name": "Nowhere", "value": value}]
        return validate_new(fields, {**SOUND, "userDefinedFields": items})

    assert drafted(value).problems == ["accounts has no user-defined field Nowhere"]
    assert drafted(None).problems == drafted("").problems == []
    assert drafted(None).ignored == ["Nowhere"]


def test_an_unknown_picklist_value_casts_doubt_on_the_metadata(fields):
    assert validate_new(fields, {**SOUND, "accountType": 77}).in_doubt
    assert not validate_new(fields, SOUND).in_doubt
