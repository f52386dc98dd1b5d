"""Instances: tokens, tags, searches, changes, removal."""

from __future__ import annotations

import base64
import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest

from bridge.errors import InvalidRequestError, NotFoundError
from bridge.interfaces import Zone
from bridge.store.instance_search import search_instances
from bridge.store.instances import (
    add_instance,
    find_by_token,
    get_instance,
    remove_instance,
    update_instance,
)
from bridge.store.organizations import add_tenant


@pytest.fixture
def add(db, tenant):
    def add(name="x", *, tags=(), element_key="autotaskcrm", user=tenant.user):
        return add_instance(
            db,
            user_id=user.id,
            element_key=element_key,
            name=name,
            tags=tags,
            configuration={},
            zone=None,
        )

    return add


@pytest.fixture
def search(db, tenant):
    def search(**narrowed):
        narrowed = {"account_id": tenant.user.account_id, **narrowed}
        found, total = search_instances(db, **narrowed)
        return [instance.name for instance in found], total

    return search


def test_new_instance_has_all_it_was_given_and_its_owner(instance, tenant):
    assert instance.id == 900001
    assert instance.name == "Northwind PSA"
    assert instance.element_key == "autotaskcrm"
    assert instance.tags == ("acme-sync", "live")
    assert instance.configuration == {
        "crm.autotask.username": "api@northwind.example",
        "crm.autotask.password": "pässword of the api user",
    }
    assert instance.zone == Zone(
        "https://webservices3.autotask.net/ATServices/1.6/atws.asmx", 42
    )
    assert not instance.disabled
    assert instance.user_id == tenant.user.id
    assert instance.user_email == tenant.user.email
    assert (instance.user_first_name, instance.user_last_name) == ("Ann", "Smith")
    assert instance.account_id == tenant.user.account_id
    assert instance.organization_id == tenant.user.organization_id
    assert len(base64.b64decode(instance.token, validate=True)) == 32


def test_secrets_stay_out_of_the_repr(instance):
    assert instance.token not in repr(instance)
    assert "api user" not in repr(instance)


def test_instance_is_found_by_token_and_by_id(db, instance):
    assert find_by_token(db, instance.token) == instance
    assert get_instance(db, instance.id) == instance


def test_unknown_token_opens_nothing(db, instance):
    for token in ("", "x", "\0", "\udc80", instance.token.lower()):
        assert find_by_token(db, token) is None


def test_unknown_id_finds_nothing(db, instance):
    for instance_id in (0, -1, instance.id + 1, 2**40, 2**64, -(2**64)):
        assert get_instance(db, instance_id) is None


def test_instance_of_an_unknown_user_is_refused(db):
    with pytest.raises(NotFoundError):
        add_instance(
            db,
            user_id=1,
            element_key="autotaskcrm",
            name="x",
            tags=[],
            configuration={},
            zone=None,
        )


def test_ids_and_tokens_given_at_once_are_all_different(add):
    with ThreadPoolExecutor(8) as threads:
        added = list(threads.map(add, map(str, range(40))))

    assert sorted(each.id for each in added) == list(range(900001, 900041))
    assert len({each.token for each in added}) == 40


def test_id_of_a_removed_instance_is_not_given_again(db, add):
    removed = add()
    remove_instance(db, removed.id)

    assert add().id == removed.id + 1


def test_removed_instance_is_gone_with_its_token_and_tags(db, instance, search):
    remove_instance(db, instance.id)

    assert find_by_token(db, instance.token) is None
    assert get_instance(db, instance.id) is None
    assert update_instance(db, instance.id, name="x") is None
    assert search(tags=["live"]) == ([], 0)
    remove_instance(db, instance.id)


def test_update_changes_what_is_named_and_keeps_the_rest(db, instance):
    zone = Zone("https://webservices5.autotask.net", 7, "https://ww5", "production")
    changes = [
        {"name": "New name"},
        {"tags": ("b", "a")},
        {"tags": ()},
        {"configuration": {"crm.autotask.username": "other"}},
        {"zone": zone},
        {"disabled": True},
        {"disabled": False},
        {},
    ]

    expected = instance
    for change in changes:
        expected = dataclasses.replace(expected, **change)
        assert update_instance(db, instance.id, **change) == expected
        assert find_by_token(db, instance.token) == expected


def test_writers_of_tags_at_once_leave_the_tags_of_one_of_them(db, instance):
    choices = [(f"{number}-a", f"{number}-b", f"{number}-c") for number in range(8)]

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda t: update_instance(db, instance.id, tags=t), choices))

    assert get_instance(db, instance.id).tags in choices


def test_name_or_tag_that_cannot_be_stored_is_refused(db, instance):
    for change in ({"name": "a\0"}, {"tags": ["a\0"]}, {"name": "a\ud800"}):
        with pytest.raises(InvalidRequestError):
            update_instance(db, instance.id, **change)


def test_search_sees_one_account_in_ascending_order(db, add, search):
    stranger = add_tenant(db, organization="x", email="bob@x.example", password="y")
    add("b")
    add("foreign", user=stranger.user)
    add("a")

    assert search() == (["b", "a"], 2)


def test_search_wants_every_tag_exactly(add, search):
    add("both", tags=["live", "Ä", "live"])
    add("one", tags=["live"])
    add("other", tags=["LIVE", "liv", "live2", "a"])

    assert search(tags=["live"]) == (["both", "one"], 2)
    assert search(tags=["live", "Ä"]) == (["both"], 1)
    assert search(tags=["ä"]) == ([], 0)
    assert search(tags=["\0"]) == ([], 0)


def test_search_text_ignores_case_in_every_alphabet(add, search):
    add("MÜLLER Straße")
    add("ΑΘΉΝΑ")
    add("100%_sure\\")

    assert search(text="müller STRASSE") == (["MÜLLER Straße"], 1)
    assert search(text="θήν") == (["ΑΘΉΝΑ"], 1)
    assert search(text="0%_S") == (["100%_sure\\"], 1)
    assert search(text="URE\\") == (["100%_sure\\"], 1)
    assert search(text="r_s") == ([], 0)
    assert search(text="\0") == ([], 0)
    assert search(text="\ud800") == ([], 0)


def test_search_text_looks_into_the_element_key(add, search):
    add("a", element_key="autotaskcrm")
    add("b", element_key="autotaskhelpdesk")

    assert search(text="HelpDesk") == (["b"], 1)


def test_search_narrows_by_element(add, search):
    add("a", element_key="autotaskcrm")
    add("b", element_key="autotaskhelpdesk")

    assert search(element_keys=["autotaskcrm"]) == (["a"], 1)
    assert search(element_keys=["autotaskcrm", "autotaskhelpdesk"]) == (["a", "b"], 2)
    assert search(element_keys=[]) == ([], 0)


def test_search_pages_and_counts_all(add, search):
    added = [add(name, tags=["t", "u"]) for name in "abcde"]

    assert search(limit=2) == (["a", "b"], 5)
    assert search(limit=2, offset=3) == (["d", "e"], 5)
    assert search(limit=2, after=added[1].id) == (["c", "d"], 5)
    assert search(limit=2, after=added[1].id, offset=1) == (["d", "e"], 5)
    assert search(offset=2**64) == ([], 5)
    assert search(after=2**64) == ([], 5)
