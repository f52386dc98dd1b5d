"""Receivers of callbacks on this machine, and a policy that allows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from receivers import LOOPBACK, OK, Authority, Receiver, answer, make_authority, serving

from bridge.outbound.addresses import OutboundPolicy


@pytest.fixture
def serve() -> Iterator[Callable[..., Receiver]]:
    """Return a function that starts a receiver that does `act` on each connection."""
    with ExitStack() as stack:

        def serve(act=None, *, host="127.0.0.1", tls=None) -> Receiver:
            return stack.enter_context(serving(act or answer(OK), host, tls))

        yield serve


@pytest.fixture
def policy() -> OutboundPolicy:
    return OutboundPolicy(LOOPBACK, timeout_s=30)


@pytest.fixture
def resolve():
    """Return a look-up that knows one host, and counts."""

    def resolve(host):
        resolve.hosts.append(host)
        return ["127.0.0.1"]

    resolve.hosts = []
    return resolve


@pytest.fixture(scope="session")
def authority(tmp_path_factory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))
