"""What a removed or deactivated user leaves behind."""

from __future__ import annotations

import secrets
from contextlib import suppress
from datetime import UTC, datetime
from threading import Barrier, Thread

import pytest
from sqlalchemy import func, insert, select

from bridge.errors import NotFoundError
from bridge.store.accounts import add_account
from bridge.store.instances import add_instance, find_by_token, get_instance
from bridge.store.models import instance_tags, instances, sessions, write_intents
from bridge.store.organizations import find_user, log_in, read_secrets
from bridge.store.users import (
    UserChange,
    add_user,
    change_user,
    get_user,
    remove_member,
)

PASSWORD = "correct horse"
ROUNDS = range(2)


@pytest.fixture
def make(db, tenant):
    """Make a further user, of the tenant's account unless another is named."""

    def make(**more):
        return add_user(
            db,
            organization_id=tenant.user.organization_id,
            email=f"{secrets.token_hex(6)}@x.example",
            password=PASSWORD,
            **more,
        )

    return make


def connect(db, user):
    return add_instance(
        db,
        user_id=user.id,
        element_key="autotaskcrm",
        name="Of a user",
        tags=["a", "b"],
        configuration={"crm.autotask.password": "secret"},
        zone=None,
    )


def add_intent(db, instance):
    """Store the record of a create that ran, as one with a key does."""
    now = datetime.now(UTC)
    row = {
        "instance_id": instance.id,
        "tenant": "x",
        "entity": "Account",
        "scope_digest": secrets.token_bytes(16),
        "body_digest": b"b",
        "keyed": True,
        "state": "done",
        "holder": "h",
        "joined": False,
        "sent_at": now,
        "leased_until": now,
    }
    with db.begin() as connection:
        connection.execute(insert(write_intents).values(row))


def count(db, table, *conditions):
    counted = select(func.count()).select_from(table).where(*conditions)
    with db.read() as connection:
        return connection.execute(counted).scalar_one()


def at_once(*calls):
    """Make calls side by side."""
    ready = Barrier(len(calls))

    def run(call):
        ready.wait()
        with suppress(NotFoundError):
            call()

    threads = [Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_instances_pass_to_an_admin_with_all_that_is_theirs(db, tenant, make):
    bob = make(admin=False)
    secret, _ = read_secrets(db, bob)
    made = connect(db, bob)
    add_intent(db, made)
    log_in(db, email=bob.email, password=PASSWORD, lifetime_s=60)

    assert remove_member(db, bob, by=tenant.user)

    kept = find_by_token(db, made.token)
    assert (kept.user_id, kept.user_email) == (tenant.user.id, tenant.user.email)
    assert (kept.account_id, kept.tags) == (bob.account_id, ("a", "b"))
    assert kept.configuration == made.configuration
    assert count(db, write_intents) == 1
    assert count(db, sessions) == 0
    assert find_user(db, user_secret=secret, organization_secret=None) is None
    with pytest.raises(NotFoundError):
        get_user(db, bob.email)
    assert remove_member(db, bob, by=tenant.user)


def test_the_heir_is_the_first_active_admin_of_the_account(db, tenant, make):
    branch = add_account(db, tenant.user.organization_id, "Branch").id
    make(account_id=branch, admin=False)
    asleep = make(account_id=branch)
    change_user(db, asleep, UserChange(active=False), by=tenant.user)
    first, second = make(account_id=branch), make(account_id=branch)
    made = connect(db, second)

    for leaving, heir in ((second, first), (first, tenant.user)):
        assert remove_member(db, leaving, by=tenant.user)
        kept = get_instance(db, made.id)
        assert (kept.user_id, kept.account_id) == (heir.id, branch)


def test_deactivated_user_removes_no_user(db, tenant, make):
    bob, cem = make(), make()
    made = connect(db, cem)
    change_user(db, bob, UserChange(active=False), by=tenant.user)

    assert not remove_member(db, cem, by=bob)
    assert get_instance(db, made.id).user_id == cem.id


def test_only_a_permanent_deactivation_removes_instances(db, tenant, make):
    bob = make(admin=False)
    made, other = connect(db, bob), connect(db, tenant.user)
    for instance in (made, other):
        add_intent(db, instance)

    change_user(db, bob, UserChange(active=False), by=tenant.user)
    assert get_instance(db, made.id)
    with pytest.raises(NotFoundError):
        connect(db, bob)
    gone = UserChange(active=False, removes_instances=True)
    change_user(db, bob, gone, by=tenant.user)

    assert get_instance(db, made.id) is None
    assert get_instance(db, other.id)
    assert count(db, write_intents) == 1
    assert count(db, instance_tags) == 2
    assert not get_user(db, bob.email).active


def test_two_users_who_remove_each_other_leave_one_with_all_instances(db, make):
    for _ in ROUNDS:
        bob, cem = make(), make()
        made = [connect(db, bob), connect(db, cem)]

        at_once(
            lambda bob=bob, cem=cem: remove_member(db, bob, by=cem),
            lambda bob=bob, cem=cem: remove_member(db, cem, by=bob),
        )

        owners = {get_instance(db, instance.id).user_id for instance in made}
        assert len(owners & {bob.id, cem.id}) < 2
        assert all(get_user(db, str(owner)).active for owner in owners)


def test_nothing_is_made_while_its_user_goes(db, tenant, make):
    gone = UserChange(active=False, removes_instances=True)
    for _ in ROUNDS:
        bob, cem = make(), make()

        at_once(
            lambda bob=bob: connect(db, bob),
            lambda bob=bob: change_user(db, bob, gone, by=tenant.user),
            lambda cem=cem: connect(db, cem),
            lambda cem=cem: remove_member(db, cem, by=tenant.user),
        )

        assert count(db, instances, instances.c.user_id.in_((bob.id, cem.id))) == 0


def test_login_during_a_deactivation_leaves_no_session(db, tenant, make):
    for _ in ROUNDS:
        bob = make()

        at_once(
            lambda bob=bob: log_in(
                db, email=bob.email, password=PASSWORD, lifetime_s=60
            ),
            lambda bob=bob: change_user(
                db, bob, UserChange(active=False), by=tenant.user
            ),
        )

        assert count(db, sessions, sessions.c.user_id == bob.id) == 0
