"""Child processes and signals of a command; no child outlives it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Self

import click

from bridge.errors import OperatorError

_STOP_TIMEOUT_S = 35.0
_START_TIMEOUT_S = 30.0
_EXIT_TIMEOUT_S = 5.0
_EXPLAINED_CODES = (1, 2)


@dataclass(frozen=True, slots=True)
class Child:
    """A running `bridge` command and the JSON line it printed when it was ready."""

    name: str
    process: subprocess.Popen[bytes]
    announced: Mapping[str, str]


def start(
    arguments: Sequence[str],
    *,
    env: Mapping[str, str | None] | None = None,
    stdout: int | None = None,
    keep: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a `bridge` command that ends with this process, even if it is killed.

    The child runs the installed package in any directory. It inherits the file
    descriptors in `keep`, and our environment with the changes of `env` (None removes a
    variable). Its usage texts have our program name.
    """
    # A session of its own: Ctrl-C reaches the child only once, through us. Its stdin is
    # a pipe that closes when we end: see `end_with_input`.
    ctx = click.get_current_context(silent=True)
    name = (ctx.find_root().info_name if ctx else None) or "bridge"
    ours = ["--until-eof", "--called", name]
    changed = {**os.environ, **(env or {})}
    return subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-P", "-m", "bridge", *ours, *arguments],
        stdin=subprocess.PIPE,
        stdout=stdout,
        env={name: value for name, value in changed.items() if value is not None},
        start_new_session=True,
        pass_fds=tuple(keep),
    )


def end_with_input() -> None:
    """Send ourselves SIGTERM when stdin closes: then the parent process has ended."""

    def watch() -> None:
        while os.read(0, 512):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()


@contextmanager
def child(arguments: Sequence[str], env: Mapping[str, str | None]) -> Iterator[Child]:
    """Run a `bridge` command until the block ends; `env` as for `start`.

    The command must accept `--json` and print one JSON line when it is ready.

    Raises:
        click.exceptions.Exit: it ended with 1 or 2, after printing the reason.
        OperatorError: it ended otherwise, or was not ready in time.
    """
    process = start([*arguments, "--json"], env=env, stdout=subprocess.PIPE)
    try:
        yield Child(arguments[0], process, _read_announcement(arguments[0], process))
    finally:
        _stop(process)


def _read_announcement(
    name: str, process: subprocess.Popen[bytes]
) -> Mapping[str, str]:
    """Return the first line of a child, which is killed if it prints none in time."""
    # Killing the child ends `readline`, which has no timeout.
    timer = threading.Timer(_START_TIMEOUT_S, process.kill)
    timer.start()
    try:
        line = process.stdout.readline() if process.stdout else b""
    finally:
        timer.cancel()
    try:
        announced: Mapping[str, str] = json.loads(line)
    except ValueError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = process.wait(_EXIT_TIMEOUT_S)
            if code in _EXPLAINED_CODES:
                raise click.exceptions.Exit(code) from None
        raise OperatorError(f"`bridge {name}` did not start.") from None
    return announced


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()


class Signals:
    """A queue of signals, in the order of their arrival.

    No code runs in a signal handler, where it could deadlock on a lock that the
    interrupted code holds: Python writes the signal's number to a socket.
    """

    def __init__(self, *numbers: int) -> None:
        self._numbers = numbers

    def __enter__(self) -> Self:
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)  # noqa: FBT003 - the library's signature
        self._wakeup = signal.set_wakeup_fd(self._writer.fileno())
        self._before = {
            number: signal.signal(number, _ignore) for number in self._numbers
        }
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        self._reader.close()
        self._writer.close()

    def wait(
        self, timeout_s: float | None = None, *, beside: int | None = None
    ) -> int | None:
        """Return the next signal; None after the timeout or if `beside` is readable."""
        signals = self._reader.fileno()
        watched = [signals] if beside is None else [signals, beside]
        ready, _, _ = select.select(watched, [], [], timeout_s)
        return self._reader.recv(1)[0] if signals in ready else None


def _ignore(_signal: int, _frame: FrameType | None) -> None:
    """Do nothing: a handler must be set for Python to write the signal's number."""


@contextmanager
def stoppable() -> Iterator[threading.Event]:
    """Set an event on SIGTERM and SIGINT, and end the block.

    The signal raises `KeyboardInterrupt` in the block, so that children started in it
    are stopped on the way out.
    """
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        # Set first: the block may already be waiting for the event.
        stopped.set()
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        with contextlib.suppress(KeyboardInterrupt):
            yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def wait_for(children: Sequence[Child], stopped: threading.Event) -> None:
    """Wait until the event is set.

    Raises:
        OperatorError: a child ended unexpectedly.
    """
    while not stopped.wait(0.5):
        for one in children:
            if one.process.poll() is not None:
                raise OperatorError(f"`bridge {one.name}` ended unexpectedly.")
