"""The data set `million`: made once, opened at once, and never hopeless to ask."""

import json
import resource
import subprocess
import sys
import time

import pytest

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(600)]


def start(cache):
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "bridge", "sandbox", "--port", "0", "--json"),
            *("--seed", "million", "--limits", "generous", "--cache", str(cache)),
        ],
        stdout=subprocess.PIPE,
        cwd=cache,
        text=True,
    )
    began = time.monotonic()
    return process, json.loads(process.stdout.readline()), time.monotonic() - began


def where(name, operator, value):
    return f'<field>{name}<expression op="{operator}">{value}</expression></field>'


def stop(process):
    process.terminate()
    process.communicate(timeout=30)


def processor_s():
    """Return what all children that have ended used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_a_million(tmp_path, soap):
    # Processor time: the machine may have other work to do.
    before = processor_s()
    process, _, _ = start(tmp_path)
    stop(process)
    assert processor_s() - before < 180

    fastest = 60.0
    for _ in range(3):
        process, info, took = start(tmp_path)
        fastest = min(fastest, took)
        if took < 2:
            break
        stop(process)
    assert fastest < 2
    client = type(soap)(info["sandboxUrl"], soap.username, soap.password, soap.code)
    with client.session:
        ask(client)
        began = time.monotonic()
        client.session.post(f"{client.url}/sandbox/reset").raise_for_status()
        assert time.monotonic() - began < 90
        (log,) = tmp_path.glob("*.sqlite-wal")
        assert log.stat().st_size < 1_000_000
    stop(process)


def ask(client):
    def timed(entity, *conditions):
        began = time.monotonic()
        reply = client.query(entity, "".join(conditions))
        return reply, time.monotonic() - began

    page, took = timed("Contact", where("id", "GreaterThan", 10_900_000))
    assert (len(page.ids), took < 2) == (500, True)
    one = page.entities[0]

    for name in ("AccountID", "EMailAddress", "LastModifiedDate"):
        found, took = timed("Contact", where(name, "Equals", one[name]))
        assert one["id"] in [entity["id"] for entity in found.entities]
        assert took < 1, name

    for operator in ("Contains", "BeginsWith", "Equals"):
        found, took = timed("Contact", where("LastName", operator, "nobody of them"))
        assert (found.ids, took < 20) == ([], True), operator

    text = client.session.get(f"{client.url}/").text
    assert "1,000,000" in text
    assert "50,000" in text
