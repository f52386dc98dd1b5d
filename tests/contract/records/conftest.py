"""Servers beside the demo's, on its database, each with settings of its own."""

import json
import os
import signal
import subprocess
import sys

import pytest


class Server:
    """A `bridge serve` on the demo's database, in a process group of its own."""

    def __init__(self, demo, demo_dir, *, arguments=(), **env):
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "bridge", "serve", "--no-worker"),
                *("--port", "0", "--json", *arguments),
            ],
            stdout=subprocess.PIPE,
            env={
                **os.environ,
                "BRIDGE_DATA_DIR": str(demo_dir),
                "BRIDGE_AUTOTASK_ALLOW_LOOPBACK": "true",
                "BRIDGE_INTEGRATION_CODE": demo["integrationCode"],
                **env,
            },
            start_new_session=True,
        )
        self.line = {**demo, **json.loads(self.process.stdout.readline())}

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)
        self.process.wait(60)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def open_server(demo, demo_dir):
    """Start a server and return it; all that are left are stopped at the end."""
    servers = []

    def open_server(**env):
        servers.append(Server(demo, demo_dir, **env))
        return servers[-1]

    yield open_server
    for server in servers:
        if not server.process.stdout.closed:
            server.stop()


@pytest.fixture(scope="module")
def start_server(open_server, api):
    """Start a server and return a caller of it."""
    return lambda **env: type(api)(open_server(**env).line)
