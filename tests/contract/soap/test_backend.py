"""Every method of the backend, against a vendor that checks what it is sent."""

from __future__ import annotations

import dataclasses
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from ports import closed_port

from bridge.ceql.ast import And, Operator, Or, Predicate
from bridge.errors import (
    ProviderCredentialsError,
    ProviderOutcomeUnknownError,
    ProviderRejectedError,
)
from bridge.interfaces import DateKind, EntityType, Field, FieldType, Zone

ID = Field("id", FieldType.LONG)
OPPORTUNITY = EntityType(
    "Opportunity", dict.fromkeys(["ProjectedCloseDate", "ClosedDate"], DateKind.DAY)
)


def fields_of(backend, entity):
    return {
        info.name: Field(
            info.name,
            info.type,
            udf=info.udf,
            date_kind=entity.date_kinds.get(info.name, DateKind.INSTANT),
        )
        for info in backend.fields(entity.name)
    }


def by_id(backend, entity, entity_id):
    page = backend.query(entity, Predicate(ID, Operator.EQUAL, (entity_id,)))
    (found,) = page.entities
    return found


def required(name, fields):
    return {
        fields["AccountName"]: name,
        fields["Phone"]: "518-555-0100",
        fields["AccountType"]: 1,
        fields["OwnerResourceID"]: 4,
    }


def test_check_counts_the_tenants_calls(backend, simulator, zones):
    usage = backend.check()

    assert usage.threshold == 100_000_000  # the simulator is a generous one
    assert usage.timeframe_minutes == 60
    assert usage.used >= 0
    assert simulator.calls() == {"getZoneInfo": 1, "getThresholdAndUsageInfo": 1}
    assert [zone.url for zone in zones] == [f"{simulator.url}/ATServices/1.6/atws.asmx"]


def test_entities_and_fields_describe_the_tenant(backend, simulator):
    entities = {info.name: info for info in backend.entities()}
    fields = {info.name: info for info in backend.fields("Account")}

    assert len(entities) >= 128
    assert entities["Account"].can_create
    assert not entities["Account"].can_delete
    assert entities["Account"].has_udfs
    assert fields["AccountName"].required
    assert fields["AccountName"].length == 100
    assert fields["AccountType"].is_picklist
    assert {item.label for item in fields["AccountType"].picklist} >= {"Customer"}
    assert fields["OwnerResourceID"].reference == "Resource"
    assert any(info.udf for info in fields.values())
    assert simulator.calls() == {
        "getZoneInfo": 1,
        "GetEntityInfo": 1,
        "GetFieldInfo": 1,
        "getUDFInfo": 1,
    }


def test_an_unknown_entity_is_refused(backend):
    with pytest.raises(ProviderRejectedError):
        backend.fields("Nonsense")


def test_pages_join_to_the_whole_and_cost_one_call_each(backend, simulator, account):
    everything = backend.query(account, None).entities
    simulator.control("DELETE", "requests")

    walked, after, pages = [], None, 0
    while True:
        page = backend.query(account, None, after=after, limit=7)
        walked += page.entities
        pages += 1
        if not page.more:
            break
        after = page.entities[-1].id

    assert walked == everything
    assert walked[0].id == 0
    assert simulator.calls() == {"query": pages}


CITY = Field("City", FieldType.STRING)
NAME = Field("AccountName", FieldType.STRING)
KIND = Field("AccountType", FieldType.SHORT)
ACTIVE = Field("Active", FieldType.BOOLEAN)
CREATED = Field("CreateDate", FieldType.DATETIME)


@pytest.mark.parametrize(
    ("where", "test"),
    [
        (
            Predicate(KIND, Operator.IN, (1, 3)),
            lambda row: row["AccountType"] in (1, 3),
        ),
        (
            Predicate(KIND, Operator.NOT_IN, (1, 3)),
            lambda row: row["AccountType"] not in (1, 3),
        ),
        (
            Predicate(NAME, Operator.LIKE, ("%a%e%",)),
            lambda row: "e" in row["AccountName"].lower().partition("a")[2],
        ),
        (
            Predicate(NAME, Operator.NOT_LIKE, ("%a%",)),
            lambda row: "a" not in row["AccountName"].lower(),
        ),
        (
            Predicate(NAME, Operator.LIKE, ("h%",)),
            lambda row: row["AccountName"].lower().startswith("h"),
        ),
        (
            Predicate(ACTIVE, Operator.EQUAL, (False,)),
            lambda row: row.get("Active") is False,
        ),
        (Predicate(CITY, Operator.IS_NULL), lambda row: not row.get("City")),
        (Predicate(CITY, Operator.EQUAL, ("",)), lambda row: not row.get("City")),
        (Predicate(CITY, Operator.IS_NOT_NULL), lambda row: bool(row.get("City"))),
        (
            Predicate(CREATED, Operator.GREATER, (datetime(2019, 7, 1, tzinfo=UTC),)),
            lambda row: row["CreateDate"] > datetime(2019, 7, 1, tzinfo=UTC),
        ),
        (
            And(
                (
                    Or(
                        (
                            Predicate(KIND, Operator.EQUAL, (2,)),
                            And(
                                (
                                    Predicate(KIND, Operator.EQUAL, (1,)),
                                    Predicate(NAME, Operator.LESS, ("M",)),
                                )
                            ),
                        )
                    ),
                    Predicate(ACTIVE, Operator.EQUAL, (True,)),
                )
            ),
            lambda row: (
                row.get("Active")
                and (
                    row["AccountType"] == 2
                    or (row["AccountType"] == 1 and row["AccountName"].upper() < "M")
                )
            ),
        ),
    ],
)
def test_filters_select_what_python_selects(backend, account, where, test):
    everything = backend.query(account, None).entities
    middle = everything[len(everything) // 2].id
    expected = [row.id for row in everything if test(row.values)]

    found = backend.query(account, where).entities
    later = backend.query(account, where, after=middle).entities

    assert [row.id for row in found] == expected
    assert [row.id for row in later] == [one for one in expected if one > middle]


def test_five_hundred_values_are_one_query(backend, account):
    ids = tuple(row.id for row in backend.query(account, None).entities)
    where = Predicate(ID, Operator.IN, (ids + tuple(range(1_000, 2_000)))[:500])

    assert len(backend.query(account, where).entities) == len(ids)


def test_what_is_created_is_read_back_value_by_value(backend, account):
    fields = fields_of(backend, account)
    udf = next(field for field in fields.values() if field.udf)
    name = f"Ümläut & <Söhne> ]]> {uuid.uuid4()}"
    values = {
        **required(name, fields),
        fields["Address1"]: "Line one\r\nline two\ttab",
        fields["City"]: "",
        fields["Active"]: True,
        udf: "1",
    }

    created = backend.create(account, values)

    stored = by_id(backend, account, created.id)
    assert stored.values["AccountName"] == name
    assert stored.values["Address1"] == "Line one\r\nline two\ttab"
    assert stored.values.get("City", "") == ""
    assert stored.udfs[udf.name].startswith("1")
    found = backend.query(account, Predicate(NAME, Operator.EQUAL, (name,)))
    assert [row.id for row in found.entities] == [created.id]


def everything_writable(backend, entity, stored):
    """Return what an update must carry to change nothing."""
    infos = {info.name: info for info in backend.fields(entity.name)}
    fields = fields_of(backend, entity)
    return {
        fields[name]: value
        for name, value in stored.values.items()
        if name in fields and name != "id" and not infos[name].read_only
    }


@pytest.mark.parametrize("entity", [EntityType("Account"), OPPORTUNITY])
def test_an_update_with_what_was_read_changes_no_byte(backend, simulator, entity):
    stored = backend.query(entity, None, limit=20).entities[-1]
    before = simulator.row(entity.name, stored.id)

    backend.update(entity, stored.id, {}, everything_writable(backend, entity, stored))

    volatile = ("LastActivity", "LastModified", "LastTracked", "DateStamp")
    after = simulator.row(entity.name, stored.id)
    if before != after:
        reread = by_id(backend, entity, stored.id)
        changed = {
            name
            for name in stored.values.keys() | reread.values.keys()
            if stored.values.get(name) != reread.values.get(name)
        }
        assert all(name.startswith(volatile) for name in changed), changed


def test_types_survive_the_round_trip(backend):
    stored = backend.query(OPPORTUNITY, None, limit=1).entities[0]

    assert type(stored.values["ProjectedCloseDate"]) is date
    assert stored.values["CreateDate"].tzinfo is UTC
    assert isinstance(stored.values["Amount"], Decimal | float)
    assert isinstance(stored.values["UseQuoteTotals"], bool)


def test_a_field_left_out_is_cleared_and_a_udf_is_kept(backend, account):
    fields = fields_of(backend, account)
    udf = next(field for field in fields.values() if field.udf)
    base = required(f"Clear {uuid.uuid4()}", fields)
    created = backend.create(account, {**base, fields["Fax"]: "1", udf: "1"})

    backend.update(account, created.id, {}, base)
    kept = by_id(backend, account, created.id)
    backend.update(account, created.id, {udf: None}, base)
    cleared = by_id(backend, account, created.id)

    assert kept.values.get("Fax", "") == ""
    assert kept.udfs[udf.name].startswith("1")
    assert not (cleared.udfs or {}).get(udf.name)


def test_refusals_carry_all_of_the_vendors_texts(backend, account):
    fields = fields_of(backend, account)
    values = {fields["AccountName"]: "x" * 200, fields["AccountType"]: 987}

    with pytest.raises(ProviderRejectedError) as caught:
        backend.create(account, values)

    assert caught.value.provider_message.count("record number [1]") >= 2
    assert "Phone" in caught.value.provider_message


def test_an_update_of_nothing_is_refused(backend, account):
    fields = fields_of(backend, account)

    with pytest.raises(ProviderRejectedError, match="No matching records found"):
        backend.update(account, 424242, required("Ghost", fields), {})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"password": "wrong-password"}, "API-only"),
        ({"username": "nobody@nowhere.example"}, "does not know the user name"),
        ({"integration_code": "X" * 27}, "refused the API integration code"),
        ({"integration_code": ""}, "none is configured"),
    ],
)
def test_each_wrong_credential_has_its_own_message(service, simulator, change, message):
    credentials = dataclasses.replace(simulator.demo, **change)

    with pytest.raises(ProviderCredentialsError, match=message) as caught:
        service.open_backend(credentials, None, lambda _zone: None).check()

    assert simulator.demo.password not in str(caught.value)


def test_a_zone_that_moved_is_followed_and_reported(service, simulator, account, zones):
    with closed_port() as port:
        old = Zone(f"http://127.0.0.1:{port}/ATServices/1.6/atws.asmx", 1)
        backend = service.open_backend(simulator.demo, old, zones.append)

        page = backend.query(account, None)

    assert page.entities
    assert len(zones) == 1
    assert zones[0].url.startswith(simulator.url)


@pytest.mark.parametrize("kind", ["http503", "html200", "reset", "truncate", "delay"])
def test_reads_survive_a_fault(backend, simulator, account, kind):
    expected = backend.query(account, None)
    simulator.fault(kind, operation="query", seconds=8 if kind == "delay" else 0)

    assert backend.query(account, None) == expected
    # The delayed one ends last, and must not be counted in the next test.
    assert simulator.response_of("query", 3) == 3


@pytest.mark.parametrize("after_commit", [False, True])
@pytest.mark.parametrize(
    "kind", ["http503", "html200", "reset", "truncate", "delay", "fault"]
)
def test_no_fault_makes_a_create_happen_twice(
    backend, simulator, account, kind, after_commit
):
    fields = fields_of(backend, account)
    name = f"Once {uuid.uuid4()}"
    seconds = 8 if kind == "delay" else 0
    simulator.fault(
        kind, operation="create", after_commit=after_commit, seconds=seconds
    )

    with pytest.raises(ProviderOutcomeUnknownError):
        backend.create(account, required(name, fields))

    found = backend.query(account, Predicate(NAME, Operator.EQUAL, (name,))).entities
    happened = after_commit or kind in ("truncate", "delay")
    assert len(found) == (1 if happened else 0)
    assert simulator.response_of("create") == 1
