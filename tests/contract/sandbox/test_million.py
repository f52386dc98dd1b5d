"""The data set `million`: built once, opened at once, and queries stay fast."""

import json
import subprocess
import sys
import time

import pytest

pytestmark = [
    pytest.mark.campaign,
    pytest.mark.full_size,
    pytest.mark.timeout(900),
]


def start(cache):
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "bridge", "sandbox", "--port", "0", "--json"),
            *("--seed", "million", "--limits", "generous", "--cache", str(cache)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=cache,
        text=True,
    )
    began = time.monotonic()
    return process, json.loads(process.stdout.readline()), time.monotonic() - began


def where(name, operator, value):
    return f'<field>{name}<expression op="{operator}">{value}</expression></field>'


def stop(process):
    """Stop it and return the lines of its stderr."""
    process.terminate()
    _, err = process.communicate(timeout=120)
    return err.splitlines()


def test_a_million(tmp_path, soap):
    process, _, made_s = start(tmp_path)
    first, last = stop(process)
    assert first == "Making the data set million …"
    assert last.startswith("Making the data set million: done in ")
    process, info, opened_s = start(tmp_path)
    assert opened_s < 20
    assert opened_s < made_s / 3
    client = type(soap)(info["sandboxUrl"], soap.username, soap.password, soap.code)
    with client.session:
        ask(client)
        client.session.post(f"{client.url}/sandbox/reset").raise_for_status()
        (log,) = tmp_path.glob("*.sqlite-wal")
        assert log.stat().st_size < 1_000_000
    assert stop(process) == []


def ask(client):
    def timed(entity, *conditions):
        began = time.monotonic()
        reply = client.query(entity, "".join(conditions))
        return reply, time.monotonic() - began

    page, took = timed("Contact", where("id", "GreaterThan", 10_900_000))
    assert (len(page.ids), took < 20) == (500, True)
    one = page.entities[0]

    for name in ("AccountID", "EMailAddress", "LastModifiedDate"):
        found, took = timed("Contact", where(name, "Equals", one[name]))
        assert one["id"] in [entity["id"] for entity in found.entities]
        assert took < 10, name

    for operator in ("Contains", "BeginsWith", "Equals"):
        found, took = timed("Contact", where("LastName", operator, "nobody of them"))
        assert (found.ids, took < 200) == ([], True), operator

    text = client.session.get(f"{client.url}/").text
    assert "1,000,000" in text
    assert "50,000" in text
