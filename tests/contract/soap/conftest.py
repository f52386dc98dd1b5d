"""The client against the simulator, over HTTP; one simulator for all of it."""

from __future__ import annotations

from contextlib import closing

import pytest
from soap_simulator import running_simulator

from bridge.backends.autotask_soap.connections import Timeouts
from bridge.backends.autotask_soap.retry import RetryPolicy
from bridge.backends.autotask_soap.service import SoapService
from bridge.backends.autotask_soap.zones import HostPolicy
from bridge.interfaces import EntityType


@pytest.fixture(scope="session", name="running_simulator")
def _running_simulator():
    with running_simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(running_simulator):
    running_simulator.control("DELETE", "faults")
    running_simulator.control("DELETE", "requests")
    return running_simulator


def open_service(read_s):
    return SoapService(
        timeouts=Timeouts(connect_s=60, read_s=read_s),
        retries=RetryPolicy(backoff_s=0.02),
        hosts=HostPolicy(allow_loopback=True),
    )


@pytest.fixture(scope="session")
def service():
    with closing(open_service(read_s=120)) as service:
        yield service


@pytest.fixture(scope="session")
def impatient():
    """A service that gives up on a delayed answer."""
    with closing(open_service(read_s=4)) as service:
        yield service


@pytest.fixture
def zones():
    """The zones that were reported as found."""
    return []


@pytest.fixture
def backend(request, service, simulator, zones):
    callspec = getattr(request.node, "callspec", None)
    if callspec and callspec.params.get("kind") == "delay":
        service = request.getfixturevalue("impatient")
    return service.open_backend(simulator.demo, None, zones.append)


@pytest.fixture
def account():
    return EntityType("Account")
