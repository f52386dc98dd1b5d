"""A server that stops gives its address up at once, and ends the calls it has."""

from __future__ import annotations

import signal
import time

import pytest

HEAD = (
    b"POST /x HTTP/1.1\r\nHost: bridge\r\nContent-Length: 2\r\n"
    b"Expect: 100-continue\r\n\r\n"
)
LAST = b"GET /x HTTP/1.1\r\nHost: bridge\r\n\r\n"


def is_refused(wire):
    """Return whether the port is closed."""
    try:
        wire.connect().close()
    except ConnectionRefusedError:
        return True
    return False


def wait_until_refused(wire, timeout_s=60.0):
    end = time.monotonic() + timeout_s
    while not is_refused(wire):
        assert time.monotonic() < end, "connections are still taken"
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_address_is_free_before_running_calls_have_ended(
    patient_server, read_one, number
):
    process, wire = patient_server
    with wire.connect() as connection, connection.makefile("rb") as stream:
        connection.sendall(HEAD)
        assert read_one(stream).status == 100

        process.send_signal(number)
        wait_until_refused(wire)
        connection.sendall(b"{}")

        answer = read_one(stream)
        if answer.header(b"Connection") != b"close":
            # It began before the signal: the next response closes the connection.
            assert answer.status == 200
            connection.sendall(LAST)
            answer = read_one(stream)
        assert (answer.status, answer.header(b"Connection")) == (200, b"close")
        assert stream.read() == b""
