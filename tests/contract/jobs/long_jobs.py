"""A worker whose workflows wait, fail, start children and kill their own process.

Run as a program by the tests beside it. The key of each job is a JSON array that begins
with the job's name, by which effects and traces are found: see `probe`.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime

from probe import TABLES, affect, trace, write

from bridge import errors
from bridge.cli.commands.worker import run
from bridge.errors import BridgeError
from bridge.jobs import engine
from bridge.jobs.pieces import Workflow
from bridge.jobs.steps import cancellation_check, start, step, wait, wait_for
from bridge.jobs.tasks import Queue, Task

CHILD = Task("child", Queue.BULK)


def first_time(job, what):
    """Return whether this is said for the first time of this job."""
    path = os.environ["PROBE_FILE"]
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as world:
        world.executescript(TABLES)
        row = (f"{job} {what}", 0)
        done = world.execute("INSERT OR IGNORE INTO effects VALUES (?, ?)", row)
        return done.rowcount == 1


def die(job, kill, point):
    """Kill this process at the point that the job names, once."""
    if kill == point and first_time(job, "killed"):
        os.kill(os.getpid(), signal.SIGKILL)


def deadly(job, kill, number):
    trace(job, number, "begin")
    die(job, kill, f"begin {number}")
    write("INSERT OR IGNORE INTO effects VALUES (?, ?)", job, number)
    die(job, kill, f"end {number}")
    trace(job, number, "end")
    return number


def journey(_ctx, key):
    job, kill, wait_s = json.loads(key)
    die(job, kill, "before 0")
    take(job, kill, 0)
    die(job, kill, "before 1")
    start(CHILD, json.dumps([f"{job} child"]))
    die(job, kill, "before 2")
    wait("nap", wait_s)
    die(job, kill, "before 3")
    take(job, kill, 1)
    die(job, kill, "before 4")
    found = wait_for(CHILD, json.dumps([f"{job} child"]))
    die(job, kill, "before 5")
    take(job, kill, 2)
    die(job, kill, "before 6")
    return {"child": found}


def take(job, kill, number):
    step(f"step {number}", deadly, job, kill, number)
    trace(job, number, "known")


def child(_ctx, key):
    [job] = json.loads(key)
    for number in range(3):
        step(f"step {number}", affect, job, number, 0.2)
        trace(job, number, "known")
    return [0, 1, 2]


def patient(_ctx, key):
    """Wait for a moment, and then for an hour."""
    [job] = json.loads(key)
    wait("moment", 0.1)
    trace(job, 0, "begin")
    wait("hour", 3600)


def fail(job, number, kind, failures):
    trace(job, number, "begin")
    if failures is None or first_time(job, f"failure {number}"):
        error = getattr(errors, kind)("It went wrong.")
        error.provider_message = "No; really."
        raise error
    return "done"


def failing(_ctx, key):
    """Fail in a step, say how the error looks here, and die once before the end."""
    job, kind, kill = json.loads(key)
    try:
        step("fail", fail, job, 0, kind, None)
    except BridgeError as error:
        look(job, error)
        die(job, kill, "at the end")
        raise


def look(job, error):
    seen = [
        type(error).__name__,
        error.message,
        error.provider_message,
        error.retryable,
        isinstance(error, getattr(errors, type(error).__name__)),
    ]
    trace(job, 99, json.dumps(seen))


def parent_of_failing(_ctx, key):
    job, kind = json.loads(key)
    child_key = json.dumps([f"{job} child", kind, ""])
    start(Task("failing"), child_key)
    try:
        wait_for(Task("failing"), child_key)
    except BridgeError as error:
        look(job, error)
        raise


def recovering(_ctx, key):
    """Fail once in each of two steps; both are repeated."""
    [job] = json.loads(key)
    done = [
        step(f"fail {n}", fail, job, n, "ProviderUnavailableError", 1) for n in (0, 1)
    ]
    return {"steps": done}


def buggy(_ctx, key):
    [job] = json.loads(key)
    step("divide", divmod, len(job), 0)


def returning(_ctx, key):
    """Run a step that returns a pair or a time, and say how it looks in each run."""
    job, kind = json.loads(key)
    trace(job, 0, "begin")
    found = step("return", return_value, kind)
    trace(job, 0, repr(found))
    wait("moment", 0.1)


def return_value(kind):
    return divmod(7, 2) if kind == "pair" else datetime.now(UTC)


def pages(_ctx, key):
    """Run two steps of many pages, the first with a check of the cancellation."""
    [job] = json.loads(key)
    start(Task("late"), json.dumps([f"{job} child"]), delay_s=3600)
    check = cancellation_check()
    step("many pages", read_pages, job, 0, check)
    step("not any more", read_pages, job, 1, check)


def read_pages(job, number, check):
    trace(job, number, "begin")
    try:
        for _ in range(6000):
            check()
            time.sleep(0.02)
    finally:
        trace(job, number, "left")


def slow(_ctx, key):
    """Run two steps that do not check; the first lasts until a file of the job."""
    job, file = json.loads(key)
    step("long", await_file, job, 0, file)
    step("next", await_file, job, 1, file)


def await_file(job, number, file):
    trace(job, number, "begin")
    while not os.path.exists(file):  # noqa: PTH110
        time.sleep(0.02)
    trace(job, number, "end")


def late(_ctx, key):
    [job] = json.loads(key)
    step("late", affect, job, 0, 0.0)


def waiting(_ctx, key):
    """Run short steps with short waits between them, for half an hour."""
    [job] = json.loads(key)
    for number in range(1000):
        step(f"step {number}", affect, job, number, 0.0)
        wait("nap", 0.1)


def parent_of_late(_ctx, key):
    [job] = json.loads(key)
    child_key = json.dumps([f"{job} child"])
    start(Task("late"), child_key, delay_s=3600)
    return wait_for(Task("late"), child_key)


def forgetting(_ctx, _key):
    """Delete the jobs that have ended before now, two at a time."""
    return step("forget", engine.purge_finished, datetime.now(UTC), 2)


WORKFLOWS = (
    Workflow(Task("journey", Queue.BULK), journey),
    Workflow(CHILD, child),
    Workflow(Task("failing"), failing, retry_delays_s=()),
    Workflow(Task("parent of failing"), parent_of_failing),
    Workflow(Task("forgetting"), forgetting),
    Workflow(Task("patient"), patient),
    Workflow(Task("recovering"), recovering, retry_delays_s=(0.5,)),
    Workflow(Task("tired"), failing, retry_delays_s=(0.1, 0.2, 0.3)),
    Workflow(Task("stuck"), failing, retry_delays_s=(3600.0,)),
    Workflow(Task("buggy"), buggy),
    Workflow(Task("returning"), returning),
    Workflow(Task("pages"), pages),
    Workflow(Task("slow"), slow),
    Workflow(Task("late"), late),
    Workflow(Task("parent of late"), parent_of_late),
    Workflow(Task("waiting"), waiting),
)

if __name__ == "__main__":
    run(WORKFLOWS, as_json=True)
