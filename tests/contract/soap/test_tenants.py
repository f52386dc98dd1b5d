"""Tenants cannot be mixed up: they share connections, and nothing else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from bridge.ceql.ast import Operator, Predicate
from bridge.interfaces import EntityType, Field, FieldType

ACCOUNT = EntityType("Account")
NAME = Field("AccountName", FieldType.STRING)
OWN_COMPANY = Predicate(Field("id", FieldType.LONG), Operator.EQUAL, (0,))
THREADS = 16
CALLS = 1_000


def test_a_thousand_calls_of_two_tenants_on_sixteen_threads(service, simulator):
    names, zones = {}, {}
    for credentials in (simulator.demo, simulator.other):
        found = []
        backend = service.open_backend(credentials, None, found.append)
        names[credentials.username] = backend.query(ACCOUNT, OWN_COMPANY).entities
        (zones[credentials.username],) = found
    assert names[simulator.demo.username] != names[simulator.other.username]

    def call(number):
        credentials = (simulator.demo, simulator.other)[number % 2]
        zone = zones[credentials.username]
        backend = service.open_backend(credentials, zone, lambda _zone: None)
        page = backend.query(ACCOUNT, OWN_COMPANY)
        return page.entities == names[credentials.username]

    with ThreadPoolExecutor(THREADS) as pool:
        right = sum(pool.map(call, range(CALLS)))

    assert right == CALLS
    assert simulator.calls()["query"] == CALLS + 2
