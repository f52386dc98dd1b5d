"""User-defined values become what their fields hold, and callers read the same text."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from entities import entity
from hypothesis import given
from hypothesis import strategies as st

from bridge.backends.autotask_soap.encode.values import vendor_times
from bridge.backends.autotask_soap.udf_values import type_udfs
from bridge.interfaces import Entity, EntityType, FieldType
from bridge.services.records.udf_values import show_udf
from bridge.services.times import parse_time

MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2050, 1, 1)) | st.dates(
    date(1990, 1, 1), date(2050, 1, 1)
).map(lambda day: datetime(day.year, day.month, day.day))


def read(kind, text, zone="America/New_York"):
    members = {"id": 1, "UserDefinedFields": {"Udf": text}}
    return entity(members, types={"Udf": kind}, zone=zone).udfs["Udf"]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (FieldType.STRING, " 25 ", " 25 "),
        (FieldType.DOUBLE, "25.0000", Decimal("25.0000")),
        (FieldType.INTEGER, "-7", Decimal(-7)),
        (FieldType.DECIMAL, "", ""),
        (FieldType.DECIMAL, "1E3", "1E3"),
        (FieldType.DECIMAL, " 25 ", " 25 "),
        (FieldType.DECIMAL, "NaN", "NaN"),
        (FieldType.DECIMAL, "*****", "*****"),
        (FieldType.BOOLEAN, "true", True),
        (FieldType.BOOLEAN, "yes", "yes"),
        (FieldType.DATETIME, "2024-07-05T00:00:00", date(2024, 7, 5)),
        (
            FieldType.DATETIME,
            "2024-07-05T08:30:00",
            datetime(2024, 7, 5, 12, 30, tzinfo=UTC),
        ),
        (FieldType.DATETIME, "2024-13-01T00:00:00", "2024-13-01T00:00:00"),
        (
            FieldType.DATETIME,
            "9999-07-01T12:00:00",
            datetime(9999, 7, 1, 16, tzinfo=UTC),
        ),
        (
            FieldType.DATETIME,
            "0001-07-05T12:00:00+12:00",
            datetime(1, 7, 5, tzinfo=UTC),
        ),
        (FieldType.DATETIME, "9999-12-31T23:59:59", "9999-12-31T23:59:59"),
        (FieldType.DATETIME, "20240705T083000", "20240705T083000"),
        (FieldType.DATETIME, " 2024-07-05", " 2024-07-05"),
        (FieldType.DATETIME, "soon", "soon"),
        (FieldType.DATETIME, None, None),
    ],
)
def test_a_value_is_typed_or_stays_the_text_that_it_is(kind, text, value):
    found = read(kind, text)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("kind", FieldType)
@given(text=st.text(max_size=12) | st.decimals(allow_nan=False).map(str))
def test_callers_read_the_text_that_the_vendor_has(kind, text):
    shown = show_udf(read(kind, text))

    # A time is shown in UTC.
    if kind is not FieldType.DATETIME:
        assert shown == text


@given(MOMENTS, st.sampled_from(["America/New_York", "UTC", "Asia/Kolkata"]))
def test_what_is_shown_of_a_time_is_read_as_the_same(moment, name):
    shown = show_udf(read(FieldType.DATETIME, moment.isoformat(), name))

    again = parse_time(shown).value
    local = moment.replace(tzinfo=ZoneInfo(name), microsecond=0)
    if moment.time() == time():
        assert again == moment.date()
    elif isinstance(again, datetime):
        assert again == local.astimezone(UTC)
    else:
        # Midnight here is another time there: it reads as a day, which it may be.
        assert local.astimezone(UTC).time() == time()


def test_types_are_looked_up_once_for_a_page_and_only_where_they_matter():
    asked = []

    def udf_types(names, *, required):
        asked.append((set(names), required))
        return {"When": FieldType.DATETIME}

    def page(*udfs):
        entities = [Entity({"id": n}, u) for n, u in enumerate(udfs)]
        named = EntityType("Account", udf_types=udf_types)
        type_udfs(entities, named, vendor_times("UTC"))
        return entities

    page({"Tier": "A"}, {"When": None})
    day = datetime(2024, 7, 5) + timedelta(hours=1)
    found = page({"Tier": "A"}, {"When": day.isoformat()}, {"Other": "2024-07-05"})
    page(None)

    assert asked == [({"Tier", "When"}, False), ({"Tier", "When", "Other"}, True)]
    assert found[1].udfs == {"When": day.replace(tzinfo=UTC)}
    assert found[2].udfs == {"Other": "2024-07-05"}
