"""Tenants share a process and a vendor, and never see each other's records."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from backend_records import ACCOUNT, NAME, account, mark, marked_by, value_of, with_id

from bridge.interfaces import Caller

THREADS = 8
CALLS = 160


@pytest.mark.parametrize("shared", [False, True])
def test_calls_of_two_tenants_at_once_get_their_own_records(harness, shared):
    own = [
        value_of(harness.open(tenant).query(ACCOUNT, with_id(0)).entities[0], NAME)
        for tenant in range(2)
    ]
    assert own[0] != own[1]

    def call(number):
        tenant = number % 2
        backend = harness.open(tenant, Caller(instance_id=tenant + 1))
        page = backend.query(ACCOUNT, with_id(0), shared=shared)
        return value_of(page.entities[0], NAME) == own[tenant]

    with ThreadPoolExecutor(THREADS) as pool:
        assert all(pool.map(call, range(CALLS)))


def test_what_one_tenant_creates_the_other_does_not_find(harness, records):
    marked = mark()
    records.create(ACCOUNT, account(marked))

    assert len(harness.open(0).query(ACCOUNT, marked_by(marked)).entities) == 1
    assert harness.open(1).query(ACCOUNT, marked_by(marked)).entities == []
    assert harness.open(1).count(ACCOUNT, marked_by(marked), max_calls=1) == 0


def test_a_shared_page_is_the_callers_own(harness):
    def read(_number):
        backend = harness.open(0, Caller(instance_id=1))
        (entity,) = backend.query(ACCOUNT, with_id(0), shared=True).entities
        name = value_of(entity, NAME)
        entity.values.clear()
        return name

    with ThreadPoolExecutor(THREADS) as pool:
        assert len(set(pool.map(read, range(CALLS)))) == 1


def test_a_shared_read_after_a_write_shows_the_write(harness, records):
    _, (entity_id,) = records.accounts({})
    backend = harness.open(0, Caller(instance_id=1))
    stored = records.read(ACCOUNT, entity_id)

    for number in range(5):
        changes = records.placed(ACCOUNT, {NAME: f"Now {number}"})
        rest = records.unchanged(ACCOUNT, stored, changes)
        backend.update(ACCOUNT, entity_id, changes, rest)
        (entity,) = backend.query(ACCOUNT, with_id(entity_id), shared=True).entities
        assert value_of(entity, NAME) == f"Now {number}"
