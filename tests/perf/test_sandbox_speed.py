"""How fast the simulator answers: per second, and per second of its own processor time.

The latter is what one core would do: a machine that runs the callers as well cannot
give a core to the simulator alone.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

pytestmark = pytest.mark.perf

CALLERS = 2
SECONDS = 6.0
PAGE = 500
SPACE = "http://autotask.net/ATWS/v1_6/"
GOALS = {"one record by its id": 1500, f"a page of {PAGE}": 60}


@pytest.fixture
def sandbox(tmp_path):
    """A running simulator with 600 more contacts; what it says, and its process."""
    command = (sys.executable, "-m", "bridge", "sandbox", "--json", "--port", "0")
    process = subprocess.Popen(
        [*command, "--limits", "generous"], stdout=subprocess.PIPE, cwd=tmp_path
    )
    with process:
        line = json.loads(process.stdout.readline())
        seed(line)
        yield line, process.pid
        process.terminate()
        process.wait(60)


def seed(line) -> None:
    """Add contacts with all of their texts."""
    texts = "AddressLine City EMailAddress FaxNumber MobilePhone Phone Title ZipCode"
    row = {"AccountID": 0, "Active": 1, "FirstName": "F", "LastName": "L"}
    row |= {name: f"{name} 12" for name in texts.split()}
    body = json.dumps({"rows": {"Contact": [row] * 600}}).encode()
    with urlopen(f"{line['sandboxUrl']}/sandbox/seed", body, timeout=60) as answer:
        answer.read()


def envelope(line, operator: str) -> bytes:
    asked = (
        "<queryxml><entity>Contact</entity><query><field>id"
        f'<expression op="{operator}">4</expression></field></query></queryxml>'
    )
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>'
        f'<AutotaskIntegrations xmlns="{SPACE}"><IntegrationCode>'
        f"{line['integrationCode']}</IntegrationCode></AutotaskIntegrations>"
        f'</s:Header><s:Body><query xmlns="{SPACE}"><sXML><![CDATA[{asked}]]></sXML>'
        "</query></s:Body></s:Envelope>"
    ).encode()


def call(line, body: bytes, end: float, counts: list[int]) -> None:
    """Ask again and again over one connection until the time is over."""
    login = base64.b64encode(f"{line['username']}:{line['password']}".encode()).decode()
    headers = {
        "Authorization": f"Basic {login}",
        "Content-Type": "text/xml; charset=utf-8",
        "Accept-Encoding": "identity",
    }
    connection = http.client.HTTPConnection(urlsplit(line["sandboxUrl"]).netloc)
    number = 0
    while time.monotonic() < end:
        connection.request("POST", "/ATServices/1.6/atws.asmx", body, headers)
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content[:300]
        number += 1
    connection.close()
    counts.append(number)


def processor_s(pid: int) -> float:
    """Return what a process and its children have used."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    ticks = 0
    for one in (pid, *map(int, children)):
        stat = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(stat[11]) + int(stat[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def measure(line, pid: int, body: bytes) -> tuple[float, float]:
    """Return answers per second, and per second of the simulator's processor time."""
    counts: list[int] = []
    start, used = time.monotonic(), processor_s(pid)
    callers = [
        threading.Thread(target=call, args=(line, body, start + SECONDS, counts))
        for _ in range(CALLERS)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    number, used = sum(counts), processor_s(pid) - used
    return number / (time.monotonic() - start), number / used


def test_answers_per_second(sandbox, table):
    line, pid = sandbox
    operators = ("Equals", "GreaterThan")
    bodies = {n: envelope(line, o) for n, o in zip(GOALS, operators, strict=True)}

    rows = []
    for name, body in bodies.items():
        wall, own = measure(line, pid, body)
        rows.append((name, f"{wall:,.0f}", f"{own:,.0f}", f"{GOALS[name]:,}"))

    table(
        f"Answers of the simulator, {CALLERS} callers, {SECONDS:.0f} s each",
        ("query", "per second", "per core second", "goal"),
        *rows,
    )
