"""Sends one POST to a caller's URL, and returns the response whatever its status.

No redirect is followed, and nothing is read from the environment: no proxy, no
credentials of a netrc file. Nothing is repeated; the caller decides that.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from bridge import __version__
from bridge.errors import DeliveryFailedError, DeliveryTimeoutError
from bridge.outbound import connections, signature
from bridge.outbound.addresses import OutboundPolicy
from bridge.outbound.connections import Deadline, Resolve
from bridge.outbound.urls import Target, check_headers, parse_url

MAX_EXCERPT_BYTES = 4096


@dataclass(frozen=True, slots=True)
class DeliveryResponse:
    """The response of a receiver.

    Args:
        status: the HTTP status.
        excerpt: the start of the body, up to 4,096 bytes read as UTF-8; less where the
            receiver stopped sending or was too slow.
        duration_s: from the name look-up until the response was read.
    """

    status: int
    excerpt: str = field(repr=False)
    duration_s: float

    @property
    def delivered(self) -> bool:
        """Whether the receiver accepted the request: any 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def retryable(self) -> bool:
        """Whether to send it again later: anything but a 2xx.

        A 3xx and a 4xx too. Source: elements-api 7.4 and 7.6.
        """
        return not self.delivered


def post(  # noqa: PLR0913 - what a request is made of, by name
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    policy: OutboundPolicy,
    secret: str = "",
    resolve: Resolve = connections.resolve_host,
    tls: ssl.SSLContext | None = None,
) -> DeliveryResponse:
    """POST a body to a caller's URL and return the response.

    The receiver may have read the request although an error is raised. Once its status
    has arrived, that is the outcome, even if the rest of the response does not.

    Args:
        url: as a caller configured it.
        body: sent and signed as it is.
        headers: besides those that the connection needs; names keep their case. No
            `Content-Type` is added.
        policy: allowed addresses, and the timeout for all of it.
        secret: the key of the signature; empty sends none.
        resolve: looks the host up, once.
        tls: the trusted authorities; None takes the system's and certifi's.

    Raises:
        DeliveryRefusedError: the URL, an address of its host, or a header is not
            allowed; nothing was sent.
        DeliveryFailedError: no connection, no valid certificate, or no response.
        DeliveryTimeoutError: no response in time.
    """
    started_at = time.monotonic()
    deadline = Deadline(policy.timeout_s)
    target = parse_url(url)
    check_headers(headers)
    sent_headers = {
        "User-Agent": f"bridge/{__version__}",
        **headers,
        # The excerpt is read as it is: nothing is unpacked.
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    if secret:
        sent_headers[signature.HEADER] = signature.sign(secret, body)
    request = requests.Request("POST", target.url, headers=sent_headers, data=body)
    addresses = connections.find_addresses(target, policy, resolve, deadline)
    opened = connections.open_connection(target, addresses, deadline)
    with closing(opened), deadline.limit(opened):
        connection = opened
        if target.scheme == "https":
            context = tls or connections.tls_context()
            connection = connections.start_tls(target, opened, context, deadline)
        with closing(connection):
            status, content = _exchange(target, request, connection, deadline)
    excerpt = content.decode("utf-8", "replace")
    return DeliveryResponse(status, excerpt, time.monotonic() - started_at)


class _OpenConnection(HTTPConnection):
    """A connection that is open already, without TLS."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        opened: socket.socket,
        **options: Any,  # noqa: ANN401 - passes urllib3's own arguments on
    ) -> None:
        super().__init__(host, port, **options)
        self._opened = opened

    def connect(self) -> None:
        """Use the open connection."""
        self.sock = self._opened


class _OpenTlsConnection(HTTPSConnection):
    """A connection that is open already, with the certificate verified."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        opened: ssl.SSLSocket,
        **options: Any,  # noqa: ANN401 - passes urllib3's own arguments on
    ) -> None:
        super().__init__(host, port, **options)
        self._opened = opened

    def connect(self) -> None:
        """Use the open connection."""
        self.sock = self._opened
        self.is_verified = True


class _OpenPool(HTTPConnectionPool):
    ConnectionCls = _OpenConnection


class _OpenTlsPool(HTTPSConnectionPool):
    ConnectionCls = _OpenTlsConnection


class _Adapter(HTTPAdapter):
    """Sends requests of one target over one open connection.

    Args:
        target: what the connection leads to.
        opened: the connection; with TLS if the target has TLS.
    """

    def __init__(self, target: Target, opened: socket.socket) -> None:
        super().__init__(max_retries=0)
        pool = _OpenTlsPool if target.scheme == "https" else _OpenPool
        # The pool hands what it does not know to its one connection.
        self._pool = pool(target.host, target.port, opened=opened)

    def get_connection_with_tls_context(
        self, *_arguments: object, **_options: object
    ) -> HTTPConnectionPool:
        """Return the one connection, whatever the environment says of proxies."""
        return self._pool

    def cert_verify(self, *_arguments: object, **_options: object) -> None:
        """Do nothing: the certificate was verified when the connection was opened."""


def _exchange(
    target: Target,
    request: requests.Request,
    connection: socket.socket,
    deadline: Deadline,
) -> tuple[int, bytes]:
    """Send a request; return the status and the start of the body.

    Not a session, which reads the environment, and reads the whole body of a redirect
    even where it is not followed.
    """
    try:
        adapter = _Adapter(target, connection)
        with adapter.send(
            request.prepare(), stream=True, timeout=deadline.backstop_s()
        ) as response:
            # The library takes a head that was cut for a whole one.
            if deadline.passed:
                raise requests.Timeout
            return response.status_code, _read_excerpt(response)
    except (requests.RequestException, HTTPError, HTTPException, OSError) as error:
        if deadline.passed or isinstance(error, requests.Timeout):
            raise DeliveryTimeoutError(f"{target} did not respond in time.") from None
        raise DeliveryFailedError(
            f"{target} closed the connection without a valid response."
        ) from None


def _read_excerpt(response: requests.Response) -> bytes:
    content = b""
    try:
        while len(content) < MAX_EXCERPT_BYTES:
            part = response.raw.read1(MAX_EXCERPT_BYTES - len(content))
            if not part:
                break
            content += part
    except (HTTPError, HTTPException, OSError):
        # The status has arrived, and with it the outcome.
        return content
    return content
