"""Filters that one vendor query cannot hold, with what they cost."""

import itertools
from urllib.parse import quote

import pytest

ACCOUNTS = "/hubs/crm/accounts"


def ask(api, where, path=ACCOUNTS, **params):
    query = "&".join(f"{name}={value}" for name, value in params.items())
    return api.get(f"{path}?where={quote(where)}&{query}")


@pytest.fixture(scope="module")
def ids(api):
    """Ids of accounts and of nothing, in no order: more than three queries hold."""
    known = [record["id"] for record in api.get(f"{ACCOUNTS}?pageSize=5000").json()]
    mixed = [*known, *range(1_000_000, 1_000_000 + 1_600 - len(known))]
    return known, sorted(mixed, key=str, reverse=True)


@pytest.mark.parametrize("page_size", [1, 4, 5000])
def test_a_long_list_reads_page_by_page_like_a_short_one(api, ids, page_size):
    known, mixed = ids
    where = f"id in ({','.join(map(str, mixed))})"
    pages, token = [], ""
    while token is not None and len(pages) < 12:
        answer = ask(api, where, pageSize=page_size, nextPage=token)
        assert answer.status == 200, answer.body
        pages.append([record["id"] for record in answer.json()])
        token = answer.headers.get("elements-next-page-token")
        assert answer.headers["elements-returned-count"] == str(len(pages[-1]))

    read = list(itertools.chain.from_iterable(pages))
    assert read == known[: len(read)]
    assert len(read) == len(known) or len(pages) == 12
    second = ask(api, where, pageSize=page_size, page=2).json()
    assert [record["id"] for record in second] == [*pages, []][1]


def test_a_long_list_of_texts_costs_one_call_a_piece(api, vendor):
    names = [f"a{n}" for n in range(1200)] + ["TROY", "troy"]
    listed = ",".join(f"'{name}'" for name in names)
    ask(api, "city = 'x'")
    vendor.forget()

    answer = ask(api, f"city in ({listed}) and id > 0", pageSize=500)

    assert vendor.calls() == {"query": 3}
    expected = ask(api, "city in ('Troy') and id > 0", pageSize=500)
    assert answer.json() == expected.json()
    assert expected.json()


def test_a_value_that_stands_twice_counts_once(api, vendor):
    ask(api, "id = 1")
    vendor.forget()

    listed = ",".join(["0", "'0'", "00"] * 400)
    answer = ask(api, f"id in ({listed})")

    assert [record["id"] for record in answer.json()] == [0]
    assert vendor.calls() == {"query": 1}


@pytest.mark.parametrize(
    ("where", "fragment"),
    [
        (f"id not in ({','.join(map(str, range(501)))})", "at most 500 values"),
        (" or ".join(f"id={n}" for n in range(501)), "at most 500 alternatives"),
        (
            f"id=1 or id in ({','.join(map(str, range(501)))})",
            "at most 500 alternatives",
        ),
        ("`Service Tier`='1' or `Co-managed?`=true", "one user-defined field"),
    ],
)
def test_what_is_beyond_every_limit_is_refused_by_name(api, vendor, where, fragment):
    ask(api, "id = 1")
    vendor.forget()

    answer = ask(api, where)

    assert answer.status == 400, answer.body
    assert fragment in answer.json()["message"]
    assert vendor.calls() == {}


def test_500_alternatives_and_500_exclusions_are_one_query(api, vendor):
    ask(api, "id = 1")
    vendor.forget()

    some = ask(api, " or ".join(f"id={n}" for n in range(500)))
    none = ask(api, f"id not in ({','.join(map(str, range(500)))})")

    assert [record["id"] for record in some.json()] == [0]
    assert none.status == 200
    assert 0 not in [record["id"] for record in none.json()]
    assert vendor.calls() == {"query": 2}


def udfs(record):
    items = record.get("userDefinedFields", {}).get("userDefinedField", [])
    return {item["name"]: item.get("value") for item in items}


def test_three_udfs_joined_by_and_cost_one_call(api, vendor):
    listed = api.get(f"{ACCOUNTS}?pageSize=5000").json()
    vendor.forget()

    answer = ask(
        api,
        "`Co-managed?` = true and `Annual Contract Value` > '100' "
        "and (`Service Tier` = 1 or `Service Tier` is null)",
        pageSize=5000,
    )

    assert answer.status == 200, answer.body
    assert vendor.calls() == {"query": 1}
    expected = [
        record
        for record in listed
        if udfs(record).get("Co-managed?") == "true"
        and float(udfs(record).get("Annual Contract Value") or 0) > 100
        and udfs(record).get("Service Tier") in ("1", None)
    ]
    assert expected
    assert answer.json() == expected


def test_a_protected_udf_compares_with_case(api):
    code = next(
        value
        for record in api.get(f"{ACCOUNTS}?pageSize=5000").json()
        if (value := udfs(record).get("Door Code")) and value != value.upper()
    )

    assert ask(api, f"`Door Code` = '{code.replace(chr(39), chr(39) * 2)}'").json()
    other = code.swapcase().replace(chr(39), chr(39) * 2)
    assert ask(api, f"`Door Code` = '{other}'").json() == []
