"""SIGHUP changes the processes under the callers; none of them notices."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time

import pytest
from process_tree import children

REQUEST = b"POST /x HTTP/1.1\r\nHost: bridge\r\nContent-Length: 2\r\n%s\r\n{}"
CLOSING = REQUEST % b"Connection: close\r\n"
STAYING = REQUEST % b""


class Caller(threading.Thread):
    """Sends requests one after the other and notes what did not go well."""

    def __init__(self, port, *, stays):
        super().__init__(daemon=True)
        self.port, self.stays = port, stays
        self.answered = 0
        self.failures = []
        self.over = threading.Event()

    def run(self):
        try:
            while not self.over.is_set():
                with socket.create_connection(("127.0.0.1", self.port), 120) as line:
                    self.talk(line)
        except OSError as error:
            self.failures.append(repr(error))

    def talk(self, line):
        """Send requests until the server or this caller wants to close."""
        while not self.over.is_set():
            line.sendall(STAYING if self.stays else CLOSING)
            answer = self.read(line)
            if not answer.startswith(b"HTTP/1.1 200"):
                raise ConnectionError(answer[:80])
            self.answered += 1
            time.sleep(0.01)
            if b"connection: close" in answer.lower():
                return

    @staticmethod
    def read(connection):
        answer = b""
        while b"\r\n\r\n" not in answer:
            chunk = connection.recv(65536)
            if not chunk:
                return answer
            answer += chunk
        head, _, body = answer.partition(b"\r\n\r\n")
        lengths = [line for line in head.split(b"\r\n") if b"Content-Length" in line]
        missing = int(lengths[0].split()[1]) - len(body)
        while missing > 0:
            chunk = connection.recv(missing)
            missing -= len(chunk)
        return answer


def wait_for_new_processes(pid, old):
    end = time.monotonic() + 100
    while time.monotonic() < end:
        now = {*children(pid)}
        if now and not now & old:
            return
        time.sleep(0.1)
    raise AssertionError(f"{old} still there: {children(pid)}")


def wait_for_answers(callers, more):
    """Wait until each caller got so many more responses, or failed."""
    wanted = {caller: caller.answered + more for caller in callers}
    end = time.monotonic() + 100
    while any(one.answered < n and not one.failures for one, n in wanted.items()):
        assert time.monotonic() < end, [caller.answered for caller in callers]
        time.sleep(0.05)


@pytest.mark.campaign
def test_no_request_fails_during_a_reload(mortal_server):
    process, wire = mortal_server
    callers = [Caller(wire.port, stays=number % 2 == 0) for number in range(6)]
    for caller in callers:
        caller.start()
    wait_for_answers(callers, 5)

    for _ in range(2):
        old = {*children(process.pid)}
        os.kill(process.pid, signal.SIGHUP)
        wait_for_new_processes(process.pid, old)
        wait_for_answers(callers, 10)

    for caller in callers:
        caller.over.set()
    for caller in callers:
        caller.join(120)
    assert [caller.failures for caller in callers] == [[]] * 6
