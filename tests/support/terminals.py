"""Commands on a terminal of their own: what they show there, and what is typed."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

PATIENCE_S = 120.0
_STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A command on a pseudo-terminal; `shown` is all that it wrote there."""

    def __init__(self, process: subprocess.Popen | None, controller: int) -> None:
        self.process = process
        self.shown = ""
        self._controller = controller

    def wait_for(self, text: str) -> None:
        """Read until the command has shown a text."""
        while text not in self.shown:
            assert self._read(), f"{text!r} was never shown: {self.shown}"

    def read_value(self, name: str) -> str:
        """Read until a line `name  value` is complete; return the value."""
        line = re.compile(rf"^{name} +(\S+)\s*$", re.MULTILINE)
        while True:
            found = line.search(_STYLE.sub("", self.shown))
            if found is not None:
                return found[1]
            assert self._read(), f"{name!r} was never shown: {self.shown}"

    def type(self, line: str) -> None:
        """Type a line, as a reply to the prompt."""
        os.write(self._controller, f"{line}\n".encode())

    def end(self) -> int:
        """Read until the command ends; return its exit code."""
        while self._read():
            pass
        return self.process.wait(PATIENCE_S)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._controller], [], [], PATIENCE_S)
        assert ready, f"nothing happened in time after: {self.shown}"
        try:
            some = os.read(self._controller, 65_536)
        except OSError:  # Linux says so when the last writer is gone
            return False
        self.shown += some.decode(errors="replace")
        return bool(some)


@contextmanager
def output_terminal() -> Iterator[tuple[TextIO, Callable[[], str]]]:
    """Yield a stream that is a terminal, and a function that returns its output.

    At most a few kilobytes: they are read at the end.
    """
    controller, terminal = pty.openpty()
    with open(terminal, "w", encoding="utf-8") as stream:  # noqa: PTH123 - a descriptor

        def read() -> str:
            stream.close()
            shown = Terminal(None, controller)
            while shown._read():
                pass
            return shown.shown.replace("\r\n", "\n")

        try:
            yield stream, read
        finally:
            os.close(controller)


@contextmanager
def on_terminal(
    arguments: Sequence[object],
    *,
    env: Mapping[str, str],
    stdout: int | None = None,
) -> Iterator[Terminal]:
    """Run a `bridge` command on a terminal, its stdout too unless it goes elsewhere."""
    command = [sys.executable, "-m", "bridge", *map(str, arguments)]
    with command_on_terminal(command, env=env, stdout=stdout) as found:
        yield found


@contextmanager
def command_on_terminal(
    command: Sequence[object],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    stdout: int | None = None,
) -> Iterator[Terminal]:
    """Run any command on a terminal, which is its controlling one."""
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [*map(str, command)],
        stdin=terminal,
        stdout=terminal if stdout is None else stdout,
        stderr=terminal,
        env={**os.environ, "TERM": "xterm-256color", **env},
        cwd=cwd,
        start_new_session=True,
    )
    os.close(terminal)
    try:
        yield Terminal(process, controller)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.wait(PATIENCE_S)
        os.close(controller)
