"""The suite that every backend passes, over the protocol only."""

from __future__ import annotations

import pytest
from backend_records import ACCOUNT, PROJECT, TODO, Records
from memory_backend import memory_harness
from soap_harness import soap_harness

HARNESSES = {"soap": soap_harness, "memory": memory_harness}


@pytest.fixture(scope="session", params=HARNESSES)
def harness(request):
    with HARNESSES[request.param]() as harness:
        yield harness


@pytest.fixture(scope="session")
def metadata(harness):
    """The fields of each entity by name, read before any test counts calls."""
    backend = harness.open()
    read = {
        entity.name: {
            (info.udf, info.name): (place, info)
            for place, info in enumerate(backend.fields(entity.name))
        }
        for entity in (ACCOUNT, PROJECT, TODO)
    }
    return lambda entity: read[entity.name]


@pytest.fixture
def backend(harness):
    return harness.open()


@pytest.fixture
def records(backend, metadata):
    return Records(backend, metadata)
