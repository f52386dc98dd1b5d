"""A stand-in for systemd: `python service_manager.py VERB UNIT…` runs real unit files.

Units are read from the folder that `UNITS` names, where their documented paths become
those of `PATHS`, JSON; a serving process gets the arguments `SERVE_ARGUMENTS` as well.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

from process_tree import is_alive
from waiting import wait_until

UNITS = Path(os.environ["UNITS"])


def read_unit(name: str) -> dict[str, str]:
    """Return the keys of a unit file and its drop-ins, with this machine's paths.

    Of a key that is given more than once the last value holds.
    """
    files = [UNITS / name, *sorted((UNITS / f"{name}.d").glob("*.conf"))]
    text = "".join(file.read_text() for file in files)
    for documented, actual in json.loads(os.environ["PATHS"]).items():
        text = text.replace(documented, actual)
    pairs = (line.partition("=") for line in text.splitlines() if line[:1] not in "#[")
    return {key: value for key, _, value in pairs}


def split_command(text: str) -> list[str]:
    """Return a command of a unit as arguments."""
    arguments = shlex.split(text.replace("%%", "%").replace("$$", "$"))
    return arguments + (
        shlex.split(os.environ["SERVE_ARGUMENTS"]) if arguments[-1] == "serve" else []
    )


def start(name: str) -> None:
    """Run a oneshot unit to its end; leave any other running."""
    if not name.endswith(".service"):
        assert (UNITS / name).exists()
        return
    unit = read_unit(name)
    variable, _, value = unit["Environment"].partition("=")
    env = {**os.environ, variable: value}
    command = split_command(unit["ExecStart"])
    if unit["Type"] == "oneshot":
        subprocess.run(command, env=env, check=True)
        subprocess.run(split_command(unit["ExecStartPost"]), env=env, check=True)
        return
    with (UNITS / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            env=env,
            cwd=unit["WorkingDirectory"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    (UNITS / f"{name}.pid").write_text(str(process.pid))


def stop(name: str) -> None:
    """Stop a unit that was started, and wait for its end."""
    pid = UNITS / f"{name}.pid"
    if pid.exists():
        number = int(pid.read_text())
        os.kill(number, signal.SIGTERM)
        wait_until(lambda: not is_alive(number))
        pid.unlink()


def main() -> None:
    """Do what the command line says."""
    verb, *names = [each for each in sys.argv[1:] if not each.startswith("--")]
    for name in names:
        if verb in {"stop", "restart"}:
            stop(name)
        if verb in {"start", "restart", "enable"}:
            start(name)


if __name__ == "__main__":
    main()
