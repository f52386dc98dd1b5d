"""The suite that every backend passes, over the protocol only."""

from __future__ import annotations

import pytest
from backend_records import Records
from memory_backend import memory_harness
from soap_harness import soap_harness

HARNESSES = {"soap": soap_harness, "memory": memory_harness}


@pytest.fixture(scope="session", params=HARNESSES)
def harness(request):
    with HARNESSES[request.param]() as harness:
        yield harness


@pytest.fixture(scope="session")
def metadata(harness):
    """The fields of each entity by name, read once."""
    backend, read = harness.open(), {}

    def fields_of(entity):
        if entity not in read:
            read[entity] = {
                (info.udf, info.name): (place, info)
                for place, info in enumerate(backend.fields(entity.name))
            }
        return read[entity]

    return fields_of


@pytest.fixture
def backend(harness):
    return harness.open()


@pytest.fixture
def records(backend, metadata):
    return Records(backend, metadata)
