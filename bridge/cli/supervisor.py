"""The supervisor of `bridge serve`: runs the facade and a worker as child processes.

It ends with the facade and restarts the worker. It imports neither Flask nor the
database, so that it stays small and has little to fail. When it is killed, its children
see the end of their stdin and end by themselves.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from bridge.cli.processes import Signals, start

PEOPLE, MACHINES = b"p", b"m"
"""First byte of the facade's message that it serves: the format of the log.

The rest of the message is the identity of the database that it has opened.
"""

_MAX_READY_BYTES = 200
_WORKER_DELAY_S = 1.0
_MIN_PAUSE_S = 1.0
_MAX_PAUSE_S = 30.0
_HEALTHY_S = 60.0
_STOPPING = (signal.SIGTERM, signal.SIGINT)


def supervise(facade: Sequence[str], worker: Sequence[str]) -> int:
    """Run two `bridge` commands until the first ends; return its exit code.

    A worker that ends is restarted after a pause, which doubles while it ends early.
    SIGTERM and SIGINT are passed on to both, SIGHUP to the facade. A child that ends
    unexpectedly is logged.
    """
    # The worker starts once the facade serves: what prevents one from starting prevents
    # both, and is reported once. It gets the identity of the facade's database, so that
    # it never creates another.
    with Signals(*_STOPPING, signal.SIGHUP, signal.SIGCHLD) as signals:
        ready, ready_writer = os.pipe()
        facade_process = start(
            [*facade, "--ready-fd", str(ready_writer)], keep=[ready_writer]
        )
        # Only the facade has the writing end now, so its exit ends the pipe.
        os.close(ready_writer)
        worker_process = _WorkerProcess(worker, ready)
        while facade_process.poll() is None:
            number = signals.wait(
                worker_process.start_if_due(), beside=worker_process.awaited
            )
            if number in _STOPPING:
                worker_process.stop(number)
            # SIGCHLD only wakes the loop: one of the two has ended.
            if number not in {None, signal.SIGCHLD}:
                facade_process.send_signal(number)
        code = _exit_code(facade_process.returncode)
        if code:
            worker_process.log(f"The facade ended with {code}.")
        worker_process.stop(signal.SIGTERM)
        worker_process.wait()
    return code


class _WorkerProcess:
    """A command that is restarted whenever it ends, until it is stopped.

    `awaited` is the file descriptor of the facade's message that it serves (see
    `PEOPLE`); None once the message has arrived.
    """

    def __init__(self, arguments: Sequence[str], awaited: int) -> None:
        self.awaited: int | None = awaited
        self._log_format: bytes | None = None
        self._arguments = arguments
        self._pause_s = _MIN_PAUSE_S
        self._stopped = False
        self._process: subprocess.Popen[bytes] | None = None
        self._due_at: float | None = None

    def start_if_due(self) -> float | None:
        """Start it if it is due; return the seconds until it is due, None if never."""
        now = time.monotonic()
        self._read_ready(now)
        if self._stopped:
            return None
        if self._process is not None:
            if self._process.poll() is None:
                return None
            self._handle_exit(self._process, now)
        if self._due_at is None:
            return None
        if now < self._due_at:
            return self._due_at - now
        self._started_at = now
        self._process = start(self._arguments, stdout=subprocess.DEVNULL)
        return None

    def stop(self, number: int) -> None:
        """Send it a signal and let it end."""
        self._stopped = True
        if self._process is not None:
            self._process.send_signal(number)

    def wait(self) -> None:
        """Wait until it has ended."""
        if self._process is not None:
            self._process.wait()

    def log(self, event: str) -> None:
        """Write a warning on stderr in the format of the children, once it is known."""
        if self._log_format is None:
            return
        line = {
            "event": event,
            "level": "warning",
            "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        }
        is_json = self._log_format != PEOPLE
        click.echo(json.dumps(line) if is_json else event, err=True)

    def _read_ready(self, now: float) -> None:
        """Read the facade's message, if it has arrived."""
        if self.awaited is None:
            return
        os.set_blocking(self.awaited, False)
        with contextlib.suppress(BlockingIOError):
            # Empty if the facade ended before it served: then no worker starts.
            if message := os.read(self.awaited, _MAX_READY_BYTES):
                self._log_format = message[:1]
                self._arguments = ["--opened", message[1:].decode(), *self._arguments]
                # The facade's first requests are more urgent than the first job.
                self._due_at = now + _WORKER_DELAY_S
            os.close(self.awaited)
            self.awaited = None

    def _handle_exit(self, process: subprocess.Popen[bytes], now: float) -> None:
        self._process = None
        if now - self._started_at > _HEALTHY_S:
            self._pause_s = _MIN_PAUSE_S
        self._due_at = now + self._pause_s
        self.log(
            f"The worker ended with {_exit_code(process.returncode)}; "
            f"starting another in {self._pause_s:g} s."
        )
        self._pause_s = min(2 * self._pause_s, _MAX_PAUSE_S)


def _exit_code(returncode: int) -> int:
    """Return the exit code as a shell does: 128 and the number for a signal."""
    return 128 - returncode if returncode < 0 else returncode
