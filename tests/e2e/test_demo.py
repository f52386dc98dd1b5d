"""The demo as a stranger meets it: starts, answers, stops, leaves nothing."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from urllib.parse import urlsplit

import pytest
from families import descendants, is_alive
from sqlalchemy import create_engine, inspect

MEMBERS = {
    "baseUrl": str,
    "userSecret": str,
    "organizationSecret": str,
    "instanceId": int,
    "elementToken": str,
    "sandboxUrl": str,
    "sandboxWsdl": str,
    "username": str,
    "password": str,
    "integrationCode": str,
    "login": dict,
}


def start(*arguments, env=None):
    return subprocess.Popen(
        [sys.executable, "-m", "bridge", "demo", *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **(env or {})},
    )


@pytest.mark.parametrize(
    "number",
    [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.campaign)],
)
def test_it_announces_itself_answers_and_leaves_nothing(tmp_path, number):
    begun = time.monotonic()
    demo = start(
        "--json", "--port", 0, "--sandbox-port", 0, env={"TMPDIR": str(tmp_path)}
    )
    line = json.loads(demo.stdout.readline())
    assert time.monotonic() - begun < 100  # ten times what the README promises
    for name, kind in MEMBERS.items():
        assert type(line[name]) is kind, name
    assert set(line) == set(MEMBERS)
    assert sorted(line["login"]) == ["password", "username"]
    request = urllib.request.Request(
        line["baseUrl"] + "/hubs/crm/accounts?pageSize=1",
        headers={
            "Authorization": f"User {line['userSecret']}, "
            f"Organization {line['organizationSecret']}, "
            f"Element {line['elementToken']}"
        },
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        assert len(json.loads(answer.read())) == 1
    with urllib.request.urlopen(line["sandboxWsdl"], timeout=120) as answer:
        assert line["sandboxUrl"].encode() in answer.read()
    below = descendants(demo.pid)
    assert len(below) >= 2

    demo.send_signal(number)

    assert demo.wait(120) == 0
    assert [pid for pid in below if is_alive(pid)] == []
    assert list(tmp_path.iterdir()) == []
    for url in (line["baseUrl"], line["sandboxUrl"]):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", urlsplit(url).port)) != 0
    demo.stdout.close()


@pytest.mark.campaign
def test_a_kept_directory_brings_back_the_same_instance(tmp_path):
    lines = []
    for _ in range(2):
        demo = start("--json", "--port", 0, "--sandbox-port", 0, "--data-dir", tmp_path)
        lines.append(json.loads(demo.stdout.readline()))
        demo.send_signal(signal.SIGTERM)
        assert demo.wait(120) == 0
        demo.stdout.close()

    for name in ("userSecret", "organizationSecret", "instanceId", "elementToken"):
        assert lines[0][name] == lines[1][name]


@pytest.mark.campaign
def test_a_port_in_use_is_said_in_one_line(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        ended = subprocess.run(
            [
                *(
                    sys.executable,
                    "-m",
                    "bridge",
                    "demo",
                    "--json",
                    "--port",
                    str(port),
                ),
                *("--sandbox-port", "0", "--data-dir", str(tmp_path)),
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    assert ended.returncode == 1
    assert ended.stdout == ""
    assert str(port) in ended.stderr
    assert "Traceback" not in ended.stderr


def test_it_uses_nothing_of_an_installation(tmp_path, postgresql_database):
    with postgresql_database() as url:
        demo = start(
            *("--json", "--port", 0, "--sandbox-port", 0),
            env={
                "TMPDIR": str(tmp_path),
                "BRIDGE_DATABASE_URL": url.render_as_string(hide_password=False),
                "bridge_data_dir": str(tmp_path / "configured"),
                "BRIDGE_KEYS": "the ring of an installation",
                "BRIDGE_KEYS_FILE": str(tmp_path / "absent"),
                "BRIDGE_CONFIG": str(tmp_path / "absent"),
                "BRIDGE_INTEGRATION_CODE": "of-an-installation",
            },
        )
        line = json.loads(demo.stdout.readline())
        demo.send_signal(signal.SIGTERM)
        assert demo.wait(120) == 0
        demo.stdout.close()
        engine = create_engine(url)
        tables = inspect(engine).get_table_names()
        schemas = inspect(engine).get_schema_names()
        engine.dispose()

    # Made after a login at the simulator, with its integration code.
    assert line["instanceId"]
    assert tables == []
    assert sorted(schemas) == ["information_schema", "public"]
    assert list(tmp_path.iterdir()) == []


def test_unknown_options_are_usage_errors():
    ended = subprocess.run(
        [sys.executable, "-m", "bridge", "demo", "--nonsense"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ended.returncode == 2
