"""Changes of users: a deactivated one has no access, and one admin stays active."""

from __future__ import annotations

import dataclasses
from threading import Barrier, Thread

import pytest

from bridge.errors import ConflictError, InvalidRequestError, NotFoundError
from bridge.store.organizations import find_session, find_user, log_in, read_secrets
from bridge.store.users import (
    UserChange,
    add_user,
    change_user,
    get_user,
    remove_member,
)

PASSWORD = "correct horse"


@pytest.fixture
def make(db, tenant):
    """Make a further user of the tenant's organization."""

    def make(email, **more):
        return add_user(
            db,
            organization_id=tenant.user.organization_id,
            email=email,
            password=PASSWORD,
            **more,
        )

    return make


def enter(db, email, password=PASSWORD):
    return log_in(db, email=email, password=password, lifetime_s=60)


def secret_of(db, user):
    secret, _ = read_secrets(db, user)
    return secret


def by_secret(db, user):
    secret = secret_of(db, user)
    return find_user(db, user_secret=secret, organization_secret=None)


def test_inactive_user_is_found_by_nothing(db, tenant, make):
    bob = make("bob@x.example")
    _, bearer = enter(db, bob.email)

    gone = change_user(db, bob, UserChange(active=False), by=tenant.user)

    assert not gone.active
    assert not get_user(db, bob.email).active
    assert by_secret(db, bob) is None
    assert find_session(db, bearer) is None
    assert enter(db, bob.email) is None
    back = change_user(db, bob, UserChange(active=True), by=tenant.user)
    assert back.active
    assert by_secret(db, bob) == back
    assert find_session(db, bearer) is None
    assert enter(db, bob.email)


def test_a_user_can_be_made_that_is_not_active(db, make):
    bob = make("bob@x.example", active=False)

    assert not bob.active
    assert by_secret(db, bob) is None


def test_an_address_is_changed_and_stays_unique(db, tenant, make):
    bob, cem = make("bob@x.example"), make("cem@x.example")

    changed = change_user(db, bob, UserChange(email="Rob@x.example"), by=tenant.user)

    assert changed.email == "Rob@x.example"
    assert enter(db, "rob@X.example")
    assert enter(db, "bob@x.example") is None
    for taken in ("ROB@x.example", tenant.user.email.upper()):
        with pytest.raises(ConflictError):
            change_user(db, cem, UserChange(email=taken), by=tenant.user)
    same = change_user(db, cem, UserChange(email="CEM@x.example"), by=tenant.user)
    assert same.email == "CEM@x.example"


def test_a_new_password_ends_the_old_one_and_all_sessions(db, tenant, make):
    bob = make("bob@x.example")
    _, bearer = enter(db, bob.email)

    change_user(db, bob, UserChange(password="staple battery"), by=tenant.user)

    assert find_session(db, bearer) is None
    assert enter(db, bob.email) is None
    assert enter(db, bob.email, "staple battery")
    assert "staple" not in repr(UserChange(password="staple battery"))


def test_no_change_changes_nothing(db, tenant, make):
    bob = make("bob@x.example", first_name="Bob")
    _, bearer = enter(db, bob.email)

    same = change_user(db, bob, UserChange(), by=tenant.user)

    assert dataclasses.replace(same, last_login_at=None) == bob
    assert find_session(db, bearer)


def test_what_cannot_be_stored_or_is_gone_is_refused(db, tenant, make):
    bob = make("bob@x.example")
    with pytest.raises(InvalidRequestError):
        change_user(db, bob, UserChange(first_name="\0"), by=tenant.user)
    assert remove_member(db, bob, by=tenant.user)

    with pytest.raises(NotFoundError):
        change_user(db, bob, UserChange(first_name="Rob"), by=tenant.user)


def test_deactivated_user_changes_no_user(db, tenant, make):
    bob, cem = make("bob@x.example"), make("cem@x.example")
    change_user(db, bob, UserChange(active=False), by=tenant.user)

    assert change_user(db, cem, UserChange(active=False), by=bob) is None
    assert get_user(db, cem.email).active


def test_two_users_who_deactivate_each_other_leave_one(db, make):
    for round_ in range(8):
        pair = [make(f"{name}{round_}@x.example") for name in ("bob", "cem")]
        ready = Barrier(2)

        def deactivate(other, by, ready=ready):
            ready.wait()
            change_user(db, other, UserChange(active=False), by=by)

        threads = [Thread(target=deactivate, args=p) for p in (pair, pair[::-1])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert [get_user(db, one.email).active for one in pair].count(True) == 1
