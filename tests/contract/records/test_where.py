"""`where` on each kind of value, compared with the same test made here."""

from datetime import datetime
from urllib.parse import quote

import pytest


@pytest.fixture(scope="module")
def accounts(api):
    return api.get("/hubs/crm/accounts?pageSize=5000").json()


@pytest.fixture(scope="module")
def contacts(api):
    return api.get("/hubs/crm/contacts?pageSize=5000").json()


def find(api, resource, where):
    answer = api.get(f"/hubs/crm/{resource}?pageSize=5000&where={quote(where)}")
    assert answer.status == 200, (where, answer.body)
    return [record["id"] for record in answer.json()]


def known(records, ids):
    """Return those ids that are of the records read before.

    A list ends at 5000, and other tests may have made more contacts than that.
    """
    read = {record["id"] for record in records}
    return [record_id for record_id in ids if record_id in read]


def chosen(records, test):
    return [record["id"] for record in records if test(record)]


def low(record, name):
    return (record.get(name) or "").lower().rstrip()


CITY = "Albany"


@pytest.mark.parametrize(
    ("where", "test"),
    [
        ("accountType = 1", lambda r: r["accountType"] == 1),
        ("accountType in (1,3)", lambda r: r["accountType"] in (1, 3)),
        ("accountType not in ('1','3')", lambda r: r["accountType"] not in (1, 3)),
        ("accountType >= '2' and accountType < 7", lambda r: 2 <= r["accountType"] < 7),
        ("active = true", lambda r: r["active"] is True),
        ("active != 1", lambda r: r["active"] is False),
        ("address2 is null", lambda r: not r.get("address2")),
        ("address2 IS NOT NULL", lambda r: bool(r.get("address2"))),
        ("accountName LIKE 'a%'", lambda r: low(r, "accountName").startswith("a")),
        ("accountName like '%a%'", lambda r: "a" in low(r, "accountName")),
        ("NOT accountName like '%a%'", lambda r: "a" not in low(r, "accountName")),
        (
            "(accountType = 1 OR accountType=3) AND (active = 1 AND NOT city is null)",
            lambda r: (
                r["accountType"] in (1, 3) and r["active"] and bool(r.get("city"))
            ),
        ),
        (
            "accountType = 1 OR accountType = 2 AND active = 0",
            lambda r: (
                r["accountType"] == 1 or (r["accountType"] == 2 and not r["active"])
            ),
        ),
        ("id >= 0", lambda _: True),
        ("id = '0'", lambda r: r["id"] == 0),
    ],
)
def test_filter_finds_what_the_same_test_finds(api, accounts, where, test):
    assert find(api, "accounts", where) == chosen(accounts, test)


def test_text_equality_ignores_case(api, contacts):
    name = contacts[3]["lastName"]

    found = find(
        api, "contacts", f"lastName = '{name.upper().replace(chr(39), chr(39) * 2)}'"
    )

    assert contacts[3]["id"] in found


def test_quotes_and_xml_in_a_value_stay_in_the_value(api):
    for text in ("O''Hara", "a]]>b", "<x>&amp;", "' or id > 0 or lastName='"):
        where = "lastName = '" + text.replace("'", "''") + "'"
        assert isinstance(find(api, "contacts", where), list)
    assert find(api, "contacts", "lastName = 'x'' OR id > ''0'") == []


def test_time_is_compared_in_utc_to_the_second(api, contacts):
    dated = sorted(r["createDate"] for r in contacts if r.get("createDate"))
    middle = dated[len(dated) // 2]

    found = find(api, "contacts", f"createDate > '{middle}'")

    def after(record):
        return (
            datetime.fromisoformat(record["createDate"])
            > datetime.fromisoformat(middle)
            if record.get("createDate")
            else False
        )

    missed = set(chosen(contacts, after)) - set(found)
    surplus = set(found) - set(chosen(contacts, after))
    assert not missed
    # A record of that very second may be later by a fraction that callers never see.
    assert all(
        record["createDate"] == middle for record in contacts if record["id"] in surplus
    )


@pytest.mark.parametrize("name", ["createDate", "lastModifiedDate", "lastActivityDate"])
def test_a_time_as_shown_finds_its_records_and_no_others(api, contacts, name):
    # The vendor's times have fractions of a second, which are not shown.
    for shown in sorted({r[name] for r in contacts if r.get(name)})[:3]:
        same = chosen(contacts, lambda r, shown=shown: r.get(name) == shown)
        other = chosen(contacts, lambda r, shown=shown: r.get(name, shown) != shown)

        def found(where):
            return known(contacts, find(api, "contacts", where))

        assert found(f"{name} = '{shown}'") == same
        assert found(f"{name} in ('{shown}', '')")[: len(same)]
        assert found(f"{name} != '{shown}'") == other
        assert found(f"not {name} in ('{shown}')") == other


@pytest.mark.parametrize(
    "form",
    ["{d}T00:00:00Z", "{d}T00:00:00+0000", "{d}T00:00:00 0000", "{d} 00:00:00", "{d}"],
)
def test_every_form_of_a_date_finds_the_same(api, form):
    expected = find(api, "contacts", "createDate >= '2019-06-01T00:00:00+00:00'")

    assert find(api, "contacts", f"createDate >= '{form.format(d='2019-06-01')}'") == (
        expected
    )


def test_a_udf_is_searched_by_its_own_name(api, accounts):
    udf, value = next(
        (item["name"], item["value"])
        for record in accounts
        for item in record.get("userDefinedFields", {}).get("userDefinedField", [])
        if item.get("value") and item["value"].isalnum()
    )

    found = find(api, "accounts", f"`{udf}` = '{value}'")

    def has(record):
        items = record.get("userDefinedFields", {}).get("userDefinedField", [])
        return any(i["name"] == udf and i.get("value") == value for i in items)

    assert found
    assert set(found) == set(chosen(accounts, has))


@pytest.mark.parametrize(
    ("where", "fragment"),
    [
        ("accountName=", "value expected at position 12"),
        ("noSuchField = 1", "noSuchField"),
        ("active > true", "active"),
        ("accountType like '1%'", "LIKE"),
        ("(accountType = 1", "position"),
    ],
)
def test_mistakes_are_named_with_their_place(api, where, fragment):
    answer = api.get(f"/hubs/crm/accounts?where={quote(where)}")

    assert answer.status == 400
    assert fragment in answer.json()["message"]
    assert answer.json()["message"].startswith("Invalid where expression: ")
