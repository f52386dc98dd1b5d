"""Users are found by their secrets, log in, and are throttled when guessing."""

from __future__ import annotations

import base64
import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from bridge.errors import ConflictError, InvalidRequestError, NotFoundError
from bridge.store.models import login_refusals
from bridge.store.organizations import (
    add_tenant,
    find_session,
    find_user,
    log_in,
    read_secrets,
)

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
EMAIL = "ann@northwind.example"
PASSWORD = "correct horse"


def enter(db, password=PASSWORD, *, email=EMAIL, at=NOW, lifetime_s=3600):
    return log_in(db, email=email, password=password, lifetime_s=lifetime_s, now=at)


def test_new_tenant_has_organization_account_and_admin(tenant):
    user = tenant.user

    assert (user.id, user.account_id, user.organization_id) == (60301, 41201, 5501)
    assert (user.email, user.first_name, user.last_name) == (EMAIL, "Ann", "Smith")
    assert (user.organization_name, user.account_name) == ("Northwind", "Northwind")
    assert user.admin
    assert user.last_login_at is None


def test_a_new_user_has_the_time_at_which_it_was_made(db):
    made = add_tenant(db, organization="x", email="bob@x.example", password="y").user

    assert timedelta() <= datetime.now(UTC) - made.created_at < timedelta(minutes=1)


def test_secrets_have_the_documented_form_and_stay_out_of_the_repr(tenant):
    assert len(base64.b64decode(tenant.user_secret, validate=True)) == 32
    assert len(bytes.fromhex(tenant.organization_secret)) == 16
    assert tenant.user_secret not in repr(tenant)
    assert tenant.organization_secret not in repr(tenant)


@pytest.mark.usefixtures("tenant")
def test_second_user_with_the_same_address_is_refused_and_leaves_nothing(db):
    with pytest.raises(ConflictError):
        add_tenant(db, organization="x", email=" ANN@Northwind.Example", password="y")

    other = add_tenant(db, organization="x", email="bob@x.example", password="y")
    assert other.user.email == "bob@x.example"
    assert other.user.organization_name == "x"


def test_name_that_cannot_be_stored_is_refused(db):
    for name in ("a\0b", "a\ud800"):
        with pytest.raises(InvalidRequestError):
            add_tenant(db, organization=name, email="bob@x.example", password="y")


def test_user_is_found_by_secret_alone_or_with_his_organization(db, tenant):
    for organization_secret in (None, tenant.organization_secret):
        found = find_user(
            db,
            user_secret=tenant.user_secret,
            organization_secret=organization_secret,
        )
        assert found == tenant.user


def test_unknown_or_foreign_secrets_find_no_user(db, tenant):
    other = add_tenant(db, organization="x", email="bob@x.example", password="y")
    pairs = [
        ("unknown", None),
        ("\0\udc80", None),
        (tenant.user_secret.lower(), tenant.organization_secret),
        (tenant.user_secret, other.organization_secret),
        (tenant.user_secret, ""),
        (tenant.organization_secret, tenant.user_secret),
    ]

    for user_secret, organization_secret in pairs:
        found = find_user(
            db, user_secret=user_secret, organization_secret=organization_secret
        )
        assert found is None


def test_secrets_are_read_back(db, tenant):
    assert read_secrets(db, tenant.user) == (
        tenant.user_secret,
        tenant.organization_secret,
    )
    with pytest.raises(NotFoundError):
        read_secrets(db, dataclasses.replace(tenant.user, id=1))


def test_login_gives_a_bearer_token_until_it_expires(db, tenant):
    user, bearer = enter(db, email=EMAIL.upper())

    assert user == dataclasses.replace(tenant.user, last_login_at=NOW)
    assert find_session(db, bearer, now=NOW + timedelta(seconds=3599)) == user
    assert find_session(db, bearer, now=NOW + timedelta(seconds=3600)) is None
    assert find_session(db, bearer + "x", now=NOW) is None


@pytest.mark.usefixtures("tenant")
def test_expired_sessions_are_removed_by_the_next_login(db):
    _, bearer = enter(db, lifetime_s=1)
    enter(db, at=NOW + timedelta(seconds=2))

    assert find_session(db, bearer, now=NOW) is None


@pytest.mark.usefixtures("tenant")
def test_wrong_password_and_unknown_address_are_refused(db):
    assert enter(db, "wrong") is None
    for email in ("bob@x.example", "", "\0", "\ud800"):
        assert enter(db, PASSWORD, email=email) is None


@pytest.mark.usefixtures("tenant")
def test_five_refusals_refuse_the_rest_of_the_minute_for_that_address(db):
    other = add_tenant(db, organization="x", email="bob@x.example", password=PASSWORD)
    for second in (0, 10, 20, 30, 40):
        assert enter(db, "wrong", at=NOW + timedelta(seconds=second)) is None

    assert enter(db, at=NOW + timedelta(seconds=59)) is None
    assert enter(db, email=other.user.email, at=NOW + timedelta(seconds=59))
    assert enter(db, at=NOW + timedelta(seconds=60))


@pytest.mark.usefixtures("tenant")
def test_four_refusals_still_let_the_right_password_in(db):
    for _ in range(4):
        assert enter(db, "wrong") is None

    assert enter(db)


@pytest.mark.usefixtures("tenant")
def test_refusals_of_an_earlier_minute_do_not_count(db):
    later = NOW + timedelta(minutes=1)
    for at in [NOW] * 4 + [later] * 4:
        assert enter(db, "wrong", at=at) is None

    assert enter(db, at=later)


@pytest.mark.usefixtures("tenant")
def test_refusals_restart_though_many_expired_ones_are_left(db):
    expired = [
        {
            "email_digest": db.keys.digest(address),
            "count": 5,
            "expires_at": NOW - timedelta(seconds=age_s),
        }
        for age_s, address in enumerate([EMAIL, *map(str, range(200))])
    ]
    with db.begin() as connection:
        connection.execute(insert(login_refusals), expired[::-1])

    assert enter(db, "wrong") is None
    assert enter(db)
