"""Applies a fault to one call: before it, instead of it, or to its response."""

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
_WITH_RESPONSE = frozenset({FaultKind.TRUNCATE, FaultKind.DELAY, FaultKind.DRIP})
_WITHOUT_RESPONSE = frozenset(
    {FaultKind.RESET, FaultKind.TIMEOUT, FaultKind.LATE_COMMIT}
)


def apply(
    fault: Fault | None, call: Callable[[], HttpResponse], environ: Environ
) -> HttpResponse:
    """Execute a call or not, and wait, as the fault says; return what to send."""
    if fault is None:
        return call()
    if fault.kind is FaultKind.LATE_COMMIT:
        _wait_for_disconnect(environ, MAX_SECONDS)
        time.sleep(fault.seconds)
        return call()
    executes_call = fault.after_commit or fault.kind in _WITH_RESPONSE
    response = call() if executes_call else None
    if fault.kind is FaultKind.TIMEOUT:
        _wait_for_disconnect(environ, fault.seconds or MAX_SECONDS)
    elif fault.kind is not FaultKind.DRIP:
        time.sleep(fault.seconds)
    return _response(fault, response, environ)


def _response(
    fault: Fault, response: HttpResponse | None, environ: Environ
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
            return response or HttpResponse(HTTPStatus.OK, "text/plain", b"")


def _wait_for_disconnect(environ: Environ, timeout_s: float) -> None:
    """Return when the client has closed its connection, or after the timeout."""
    connection: socket.socket = environ["gunicorn.socket"]
    watch = select.poll()  # select() cannot watch file descriptors above 1023
    watch.register(connection, select.POLLIN)
    end = time.monotonic() + timeout_s
    while (left := end - time.monotonic()) > 0:
        if not watch.poll(left * 1000):
            return
        try:
            # Peek: the bytes may be the client's next request, which is read later.
            if not connection.recv(1, socket.MSG_PEEK):
                return
        except OSError:
            return
        time.sleep(_POLL_INTERVAL_S)


def send(
    environ: Environ,
    start_response: StartResponse,
    response: HttpResponse,
    fault: Fault | None,
) -> Iterable[bytes]:
    """Send a response; or disconnect before or within it, or send it slowly."""
    if fault is None:
        return http_responses.send(environ, start_response, response)
    connection: socket.socket = environ["gunicorn.socket"]
    if fault.kind in _WITHOUT_RESPONSE:
        _disconnect(connection)
    body = b"".join(http_responses.send(environ, start_response, response))
    if fault.kind is FaultKind.TRUNCATE:
        return _half(body, connection)
    if fault.kind is FaultKind.DRIP:
        return _drip(body, fault.seconds)
    return (body,)


def _half(body: bytes, connection: socket.socket) -> Iterator[bytes]:
    """Send half of what Content-Length promises, then disconnect."""
    yield body[: len(body) // 2]
    _disconnect(connection)


def _drip(body: bytes, seconds: float) -> Iterator[bytes]:
    """Send a body in equal chunks, the last one after so many seconds."""
    size = max(1, -(-len(body) // _CHUNKS))
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    for chunk in chunks:
        time.sleep(seconds / len(chunks))
        yield chunk


def _disconnect(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the client has closed it already
