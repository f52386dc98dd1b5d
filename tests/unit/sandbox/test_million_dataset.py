"""The rows of `million`, in small numbers and at their ends."""

from itertools import islice

import pytest

from bridge.sandbox.data import million_dataset, seed
from bridge.sandbox.facts.loader import load_facts


@pytest.fixture(scope="module")
def facts():
    return load_facts()


@pytest.fixture(scope="module")
def tenant(facts):
    words = seed._read("words.toml")
    small = seed.small(facts)
    (found,) = million_dataset.million(
        small, words, contacts=5_000, accounts=250
    ).tenants
    return found


def test_numbers_are_exact_and_ids_unique(tenant):
    for entity, count in (("Account", 250), ("Contact", 5_000)):
        ids = [row["id"] for row in tenant.rows[entity]]
        assert len(ids) == len(set(ids)) == count


def test_rows_are_the_same_each_time(tenant):
    contacts = tenant.rows["Contact"]

    assert list(contacts) == list(contacts)


def test_contacts_belong_to_accounts_with_one_primary_contact_each(tenant):
    accounts = {row["id"] for row in tenant.rows["Account"]}
    made = [row for row in tenant.rows["Contact"] if row["id"] < 29_000_000]

    assert {row["AccountID"] for row in made} <= accounts
    primary = [row["AccountID"] for row in made if row["PrimaryContact"]]
    assert len(primary) == len(set(primary))


def test_the_real_one_is_a_million_and_made_lazily(facts):
    (tenant,) = seed.million(facts).tenants

    first = list(islice(tenant.rows["Contact"], 200))

    assert len(first) == 200
    assert first[0]["id"] == 4


def test_texts_fit_their_fields(tenant, facts):
    for entity in ("Account", "Contact"):
        fields = {field.name: field for field in facts[entity].fields}
        for row in list(tenant.rows[entity])[-100:]:
            for name, value in row.items():
                if isinstance(value, str):
                    assert len(value) <= fields[name].length, (name, value)
