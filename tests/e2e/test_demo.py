"""The demo: it starts, serves, stops and leaves nothing."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from process_tree import descendants, is_alive
from sqlalchemy import create_engine, inspect

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
CALLS = re.findall(r"^    \$ (curl .*)$", README, re.MULTILINE)
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


def start(*arguments, env=None, stderr=None):
    return subprocess.Popen(
        [sys.executable, "-m", "bridge", "demo", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        env={**os.environ, **(env or {})},
    )


@pytest.mark.parametrize(
    "number",
    [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.campaign)],
)
def test_it_prints_its_address_serves_and_leaves_nothing(tmp_path, number):
    begun = time.monotonic()
    demo = start(
        *("--json", "--verbose", "--port", 0, "--sandbox-port", 0),
        env={"TMPDIR": str(tmp_path)},
        stderr=subprocess.PIPE,
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
    rest, log = demo.communicate()
    assert rest == ""
    assert '"path":"/elements/api-v2/hubs/crm/accounts' in log


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
def test_a_port_in_use_is_reported_in_one_line(tmp_path):
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


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_all_that_it_prints_to_paste_works_pasted_as_a_whole(tmp_path):
    said = tmp_path / "stderr"
    with said.open("w") as stderr:
        demo = start("--port", 0, "--sandbox-port", 0, stderr=stderr)
    try:
        text = ""
        while text.count("\ncurl ") < len(CALLS) or not text.endswith("\n"):
            text += demo.stdout.read(1)
        pasted = text[text.index("AUTH=") :]
        ended = subprocess.run(
            ["sh"],
            input=pasted,
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )

        assert pasted.splitlines()[2:] == CALLS
        accounts, contacts, made = map(json.loads, ended.stdout.splitlines())
        assert [len(accounts), len(contacts), made["firstName"]] == [2, 2, "Ida"]
        for what, page in (("Reference", "swagger"), ("Simulator", "Simulated")):
            url = re.search(rf"{what} +(http://\S+)", text)[1]
            with urllib.request.urlopen(url, timeout=120) as answer:
                assert page.encode() in answer.read()
        assert demo.poll() is None
    finally:
        demo.send_signal(signal.SIGTERM)
        assert demo.wait(120) == 0
        demo.stdout.close()
    assert '"level":"info"' not in said.read_text()


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
