"""Lets a call go wrong as a fault asks: before it, instead of it, on its way out."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus

from bridge.sandbox import errors
from bridge.sandbox.control.fault_queue import MAX_SECONDS, Fault, FaultKind
from bridge.sandbox.soap import envelope, http_responses
from bridge.sandbox.soap.http_responses import Environ, HttpResponse, StartResponse

_CHUNKS = 20
_POLL_INTERVAL_S = 0.05
_WITHOUT_RESPONSE = frozenset(
    {FaultKind.RESET, FaultKind.TIMEOUT, FaultKind.LATE_COMMIT}
)


def apply(
    fault: Fault, call: Callable[[], HttpResponse], environ: Environ
) -> HttpResponse:
    """Carry a call out or not and wait, as the fault asks; return what to send."""
    if fault.kind is FaultKind.LATE_COMMIT:
        _wait_for_disconnect(environ, MAX_SECONDS)
        time.sleep(fault.seconds)
        return call()
    answer = call() if fault.carried_out else None
    if fault.kind is FaultKind.TIMEOUT:
        _wait_for_disconnect(environ, fault.seconds or MAX_SECONDS)
    elif fault.kind is not FaultKind.DRIP:
        time.sleep(fault.seconds)
    return _response(fault, answer, environ)


def _response(
    fault: Fault, answer: HttpResponse | None, environ: Environ
) -> HttpResponse:
    match fault.kind:
        case FaultKind.HTTP_401:
            return http_responses.unauthorized(environ)
        case FaultKind.HTTP_503:
            return http_responses.page(
                HTTPStatus.SERVICE_UNAVAILABLE, "Down for maintenance."
            )
        case FaultKind.HTML_200:
            return http_responses.page(HTTPStatus.OK, "Please sign in to the network.")
        case FaultKind.SOAP_FAULT:
            inner = "System.Data.SqlClient.SqlException: Timeout expired."
            body = envelope.soap_fault(errors.unprocessable(inner))
            return http_responses.soap(body, HTTPStatus.INTERNAL_SERVER_ERROR)
        case _:
            return answer or HttpResponse(HTTPStatus.OK, "text/plain", b"")


def _wait_for_disconnect(environ: Environ, seconds: float) -> None:
    """Return when the client has closed its connection, or after so long."""
    connection: socket.socket = environ["gunicorn.socket"]
    watch = select.poll()  # `select` itself knows the first thousand files only
    watch.register(connection, select.POLLIN)
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if not watch.poll(left * 1000):
            return
        try:
            if not connection.recv(1, socket.MSG_PEEK):
                return
        except OSError:
            return
        time.sleep(_POLL_INTERVAL_S)  # the next request waits already; it is alive


def send(
    environ: Environ, start_response: StartResponse, answer: HttpResponse, fault: Fault
) -> Iterable[bytes]:
    """Send an answer; or hang up before it, in its middle, or let it drip."""
    connection: socket.socket = environ["gunicorn.socket"]
    if fault.kind in _WITHOUT_RESPONSE:
        _disconnect(connection)
    body = b"".join(http_responses.send(environ, start_response, answer))
    if fault.kind is FaultKind.TRUNCATE:
        return _half(body, connection)
    if fault.kind is FaultKind.DRIP:
        return _drip(body, fault.seconds)
    return (body,)


def _half(body: bytes, connection: socket.socket) -> Iterator[bytes]:
    """Send half of what the headers promise, then hang up."""
    yield body[: len(body) // 2]
    _disconnect(connection)


def _drip(body: bytes, seconds: float) -> Iterator[bytes]:
    """Send a body in equal pieces, the last one after so long."""
    size = max(1, -(-len(body) // _CHUNKS))
    drops = [body[start : start + size] for start in range(0, len(body), size)]
    for drop in drops:
        time.sleep(seconds / len(drops))
        yield drop


def _disconnect(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the client was faster
