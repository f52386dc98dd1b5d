"""The services of compose.yaml as plain processes, on a PostgreSQL of their own.

No container engine runs here: commands, healthchecks, secrets and variables are those
of the file; addresses, ports and paths are this machine's.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request

import pytest
from deployment import bridge_services, image_setting
from ports import find_free_port
from waiting import wait_until

from bridge.store.secrets.key_ring import new_key, render_ring


class Service:
    """A service of the compose file, as a process."""

    def __init__(self, name, definition, secrets, directory):
        self.definition = definition
        self.port = find_free_port()
        self.is_worker = definition["command"] == ["worker"]
        self.env = {
            **os.environ,
            "BRIDGE_DATA_DIR": str(directory),
            **{
                variable: value.replace("/run/secrets", str(secrets))
                for variable, value in definition["environment"].items()
                if "$" not in value
            },
        }
        address = [] if self.is_worker else ["--port", str(self.port), "--workers=1"]
        self.log = directory.parent / f"{name}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self._command(*definition["command"], *address),
                env=self.env,
                stdout=log,
                stderr=log,
            )

    def _command(self, *arguments):
        [program] = image_setting("ENTRYPOINT")
        return [sys.executable, "-m", program, *arguments]

    def has_started(self):
        """Return whether it said so; false as well when it cannot any more."""
        assert self.process.poll() is None, self.log.read_text()
        return re.search("^(Serving|Working)", self.log.read_text(), re.MULTILINE)

    def check_health(self):
        """Run the healthcheck; return its exit code."""
        kind, program, *arguments = self.definition["healthcheck"]["test"]
        assert [kind, program] == ["CMD", *image_setting("ENTRYPOINT")]
        if not self.is_worker:
            arguments += ["--url", f"http://127.0.0.1:{self.port}"]
        command = self._command(*arguments)
        return subprocess.run(
            command, env=self.env, capture_output=True, timeout=120, check=False
        ).returncode


def without_disk(url):
    """Return the URL with an option that makes commits faster."""
    fast = url.update_query_dict({"options": "-csynchronous_commit=off"})
    return fast.render_as_string(hide_password=False)


@pytest.fixture(scope="module")
def services(postgresql_database, tmp_path_factory):
    directory = tmp_path_factory.mktemp("compose")
    secrets, data = directory / "secrets", directory / "data"
    secrets.mkdir()
    data.mkdir(mode=0o700)
    key = new_key()
    with postgresql_database() as url:
        for name, text in {
            "database_url": without_disk(url),
            "keys": render_ring([key], key.id),
            "integration_code": "ABCDEFGHIJKLMNOPQRSTUVWXYZ1",
        }.items():
            (secrets / name).write_text(f"{text}\n")
            (secrets / name).chmod(0o444)
        running = {
            name: Service(name, definition, secrets, data)
            for name, definition in bridge_services().items()
        }
        try:
            yield running
        finally:
            for service in running.values():
                service.process.kill()
                service.process.wait(60)


def test_services_become_healthy_and_end_when_they_are_stopped(services):
    assert sorted(services) == ["serve-1", "serve-2", "worker"]
    for service in services.values():
        wait_until(service.has_started)
        wait_until(lambda one=service: one.check_health() == 0)

    port = services["serve-1"].port
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as response:
        assert b"bridge_workers_alive 1.0" in response.read()

    for service in services.values():
        service.process.send_signal(signal.SIGTERM)
    assert [each.process.wait(120) for each in services.values()] == [0, 0, 0]
    assert [services[name].check_health() for name in ("serve-1", "worker")] == [1, 1]
