"""Opens connections to validated addresses, within one deadline for each request.

The name is looked up once. All its addresses are checked, and the connection goes to
one of those that were checked, so that a second look-up cannot lead elsewhere.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from typing import TypeAlias

import certifi

from bridge.errors import (
    DeliveryFailedError,
    DeliveryRefusedError,
    DeliveryTimeoutError,
)
from bridge.outbound.addresses import OutboundPolicy
from bridge.outbound.urls import Target

Resolve: TypeAlias = Callable[[str], Sequence[str]]
"""Return the addresses of a host as texts, the preferred first; OSError if none."""

_CONNECT_TIMEOUT_S = 5.0
_MAX_ADDRESSES = 20
_MIN_TIMEOUT_S = 0.001
_BACKSTOP_S = 5.0
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Deadline:
    """When a request ends: sockets shut down then, whatever they are waiting for.

    The timeouts of a socket restart with each byte, so a server that sends a byte from
    time to time would hold a request for ever.
    """

    def __init__(self, timeout_s: float) -> None:
        self._ends_at = time.monotonic() + timeout_s
        self.passed = False

    def backstop_s(self) -> float:
        """Return a timeout for a socket whose connection `limit` shuts down before."""
        return self.remaining_s() + _BACKSTOP_S

    def remaining_s(self) -> float:
        """Return the seconds that are left; never zero, which sockets read as none."""
        return max(_MIN_TIMEOUT_S, self._ends_at - time.monotonic())

    @contextmanager
    def limit(self, connection: socket.socket) -> Iterator[None]:
        """Shut the connection down at the deadline, if the block has not ended."""
        # A duplicate: TLS takes the original's descriptor away.
        guard = connection.dup()
        timer = threading.Timer(self.remaining_s(), self._shut_down, [guard])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            # Closed only when the timer cannot use it: its descriptor may be reused.
            timer.join()
            guard.close()

    def _shut_down(self, guard: socket.socket) -> None:
        self.passed = True
        with suppress(OSError):
            # Reset when it is closed: after a shutdown a server that has filled the
            # window would notice only minutes later.
            guard.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            guard.shutdown(socket.SHUT_RDWR)


def resolve_host(host: str) -> Sequence[str]:
    """Return the addresses of a host by the system's resolver.

    Raises:
        OSError: it has none, or the resolver does not answer.
    """
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def find_addresses(
    target: Target, policy: OutboundPolicy, resolve: Resolve, deadline: Deadline
) -> Sequence[str]:
    """Return the addresses of a URL's host, all of them allowed.

    Raises:
        DeliveryRefusedError: one of them is not allowed.
        DeliveryFailedError: the host has no address.
        DeliveryTimeoutError: the resolver did not answer in time.
    """
    try:
        addresses = _look_up(target, resolve, deadline)
    except (OSError, UnicodeError):
        raise DeliveryFailedError(
            f"{target} cannot be reached: its name cannot be resolved."
        ) from None
    if not addresses:
        raise DeliveryFailedError(f"{target} cannot be reached: it has no address.")
    # Not one of several: which of them is used may be up to the caller's name server.
    if not all(policy.allows(ip_address(address)) for address in addresses):
        raise DeliveryRefusedError(
            f"{target} leads to an address that is private or reserved. Networks that"
            " callbacks may be sent to are allowed by"
            " BRIDGE_CALLBACK_ALLOWED_NETWORKS (callback.allowed_networks)."
        )
    return addresses[:_MAX_ADDRESSES]


def open_connection(
    target: Target,
    addresses: Sequence[str],
    deadline: Deadline,
) -> socket.socket:
    """Connect to the first address that accepts.

    Raises:
        DeliveryFailedError: none does.
        DeliveryTimeoutError: none did in time.
    """
    reason: OSError | None = None
    for address in addresses:
        timeout_s = min(_CONNECT_TIMEOUT_S, deadline.remaining_s())
        try:
            # An address needs no look-up.
            return socket.create_connection((address, target.port), timeout_s)
        except OSError as error:
            reason = error
    if isinstance(reason, TimeoutError):
        raise DeliveryTimeoutError(
            f"{target} cannot be reached: no connection in time."
        )
    why = getattr(reason, "strerror", None) or "no connection"
    raise DeliveryFailedError(f"{target} cannot be reached: {why}.")


def start_tls(
    target: Target, connection: socket.socket, tls: ssl.SSLContext, deadline: Deadline
) -> ssl.SSLSocket:
    """Verify the server's certificate for the URL's host, and encrypt the connection.

    Raises:
        DeliveryFailedError: the certificate is not valid for the host, or no TLS.
        DeliveryTimeoutError: no handshake in time.
    """
    try:
        # Names of certificates have no final dot.
        name = target.host.rstrip(".")
        connection.settimeout(deadline.backstop_s())
        return tls.wrap_socket(connection, server_hostname=name)
    except (OSError, ValueError) as error:
        if deadline.passed or isinstance(error, TimeoutError):
            raise DeliveryTimeoutError(
                f"{target} did not open a secure connection in time."
            ) from None
        why = getattr(error, "verify_message", None) or getattr(error, "reason", None)
        raise DeliveryFailedError(
            f"{target} has no secure connection ({why or 'the connection broke'})."
        ) from None


@cache
def tls_context() -> ssl.SSLContext:
    """Return the process's one context: the system's authorities and certifi's."""
    context = ssl.create_default_context()
    # Slim containers often have no authorities of their own.
    context.load_verify_locations(certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _look_up(target: Target, resolve: Resolve, deadline: Deadline) -> Sequence[str]:
    """Resolve in a thread, because the system's resolver has no timeout of ours."""
    results: SimpleQueue[Sequence[str] | Exception] = SimpleQueue()

    def run() -> None:
        try:
            results.put(resolve(target.host))
        except (OSError, UnicodeError) as error:
            results.put(error)

    threading.Thread(target=run, name="resolver", daemon=True).start()
    try:
        found = results.get(timeout=deadline.remaining_s())
    except Empty:
        raise DeliveryTimeoutError(
            f"{target} cannot be reached: its name was not resolved in time."
        ) from None
    if isinstance(found, Exception):
        raise found
    return found
