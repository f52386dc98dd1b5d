"""Figures of several processes are one sum; the dead do nothing any more."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time

import pytest

from bridge.telemetry.metrics import Metrics

PROGRAM = """
import os, signal, sys
from pathlib import Path
from bridge.telemetry import metrics
metrics.share(Path(sys.argv[1]), reset=sys.argv[2] == "reset")
figures = metrics.Metrics(version="1.2")
figures.request_begins()
figures.request_begins()
figures.request_ends("GET", "/x", 200, 7.5)
figures.vendor_call("query", "answered", 5)
if sys.argv[2] == "die":
    os.kill(os.getpid(), signal.SIGKILL)
print(figures.exposition().decode())
"""


def figure(text, name):
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else None


def run(directory, how):
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(directory), how],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def both(tmp_path):
    """The figures after two processes counted, the first of them a second ago."""
    first = subprocess.Popen(
        [sys.executable, "-c", PROGRAM + "\ninput()", str(tmp_path), "live"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    while first.stdout.readline().strip():
        pass
    text = run(tmp_path, "live").stdout
    first.communicate("\n")
    return text


def test_processes_are_summed(both):
    requests = 'bridge_requests_total{method="GET",route="/x",status="200"}'

    assert figure(both, requests) == 2
    assert figure(both, 'bridge_requests_in_flight{server="facade"}') == 2
    assert figure(both, 'bridge_request_seconds_count{route="/x"}') == 2
    calls = 'bridge_vendor_calls_total{operation="query",outcome="answered"}'
    assert figure(both, calls) == 2
    assert figure(both, 'bridge_build_info{version="1.2"}') == 1


def test_a_killed_process_answers_nothing_any_more(tmp_path):
    run(tmp_path, "die")

    text = run(tmp_path, "live").stdout

    assert figure(text, 'bridge_requests_in_flight{server="facade"}') == 1


@pytest.mark.parametrize(("how", "count"), [("live", 2), ("reset", 1)])
def test_a_reset_removes_the_metrics_of_ended_processes(tmp_path, how, count):
    run(tmp_path, "live")

    text = run(tmp_path, how).stdout

    requests = 'bridge_requests_total{method="GET",route="/x",status="200"}'
    assert figure(text, requests) == count


def test_a_process_that_shares_nothing_counts_for_itself():
    metrics = Metrics(version="1.2")
    metrics.request_begins()
    metrics.request_ends("BREW", "/x", 405, 7.5)
    metrics.rows_lost("request_log", 3)

    text = metrics.exposition().decode()

    requests = 'bridge_requests_total{method="other",route="/x",status="405"}'
    assert figure(text, requests) == 1
    assert figure(text, 'bridge_log_rows_lost_total{table="request_log"}') == 3


@pytest.mark.parametrize(
    ("how", "age_days", "remains"),
    [("reset", 8, False), ("reset", 6, True), ("live", 8, True)],
)
def test_a_reset_removes_the_metrics_of_stale_machines(
    tmp_path, how, age_days, remains
):
    former = tmp_path / "container-4711"
    former.mkdir()
    file = former / "counter_7.db"
    file.write_bytes(b"")
    long_ago = time.time() - age_days * 24 * 3600
    for path in (file, former):
        os.utime(path, (long_ago, long_ago))

    run(tmp_path, how)

    assert file.exists() is remains
    assert former.exists() is remains


def test_a_machine_that_counts_is_kept_however_old_its_folder(tmp_path):
    other = tmp_path / "other-machine"
    other.mkdir()
    (other / "counter_7.db").write_bytes(b"")
    long_ago = time.time() - 30 * 24 * 3600
    os.utime(other, (long_ago, long_ago))

    run(tmp_path, "reset")

    assert (other / "counter_7.db").exists()


GONE = """
import shutil, sys
from pathlib import Path
from bridge.errors import StoreUnavailableError
from bridge.telemetry import metrics
metrics.share(Path(sys.argv[1]), reset=True)
shutil.rmtree(sys.argv[1])
figures = metrics.Metrics(version="1.2")
figures.request_begins()
figures.request_ends("GET", "/x", 200, 7.5)
figures.vendor_call("query", "answered", 5)
figures.rows_lost("traces", 1)
try:
    figures.exposition()
except StoreUnavailableError as error:
    print(error.message)
"""


def test_a_directory_that_is_gone_fails_no_call(tmp_path):
    directory = tmp_path / "metrics"

    done = subprocess.run(
        [sys.executable, "-c", GONE, str(directory)],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "put the data directory back" in done.stdout
    assert not directory.exists()


FULL = """
import resource, sys
from pathlib import Path
from bridge.telemetry import metrics

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

def count(number):
    figures.request_begins()
    for each in range(number):
        figures.request_begins()
        figures.request_ends("GET", f"/x{each}", 200, 7.5)

metrics.share(Path(sys.argv[1]), reset=True)
figures = metrics.Metrics(version="1.2")
limit(0)
count(1)
print(figures.exposition().decode())
figures.request_ends("GET", "/x0", 200, 7.5)
limit(2**17)
count(100)
limit(2**20)
figures.request_ends("GET", "/last", 200, 7.5)
print(figures.exposition().decode())
"""


def test_a_full_disk_fails_no_call_and_what_fits_again_is_counted(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    full, later = done.stdout.split("# HELP bridge_build_info")[1:]
    in_flight = 'bridge_requests_in_flight{server="facade"}'
    assert figure(full, in_flight) is None
    assert figure(later, in_flight) == 0
    total = 'bridge_requests_total{{method="GET",route="{}",status="200"}}'
    assert figure(later, total.format("/last")) == 1
    assert figure(later, 'bridge_request_seconds_count{route="/last"}') == 1
    assert figure(later, 'bridge_request_seconds_count{route="/x99"}') is None
    assert list(tmp_path.rglob("*.new")) == []


def test_files_have_no_holes_that_a_full_disk_could_not_fill(tmp_path):
    """To write into one would end the process: SIGBUS."""
    subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, check=True
    )

    files = list(tmp_path.rglob("*.db"))
    assert {path.name.partition("_")[0] for path in files} == {
        "counter",
        "gauge",
        "histogram",
    }
    for path in files:
        assert path.stat().st_blocks * 512 >= path.stat().st_size
