"""A worker whose tasks leave traces: run as a program by the tests beside it.

An effect is a row that can be there once; a trace records each run of a step.
Both are in a SQLite file of their own, the outside world of these tests.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import time
from contextlib import closing, nullcontext

from bridge.cli.commands.worker import run
from bridge.interfaces import Caller, CallRequest
from bridge.jobs.pieces import Workflow
from bridge.jobs.steps import step
from bridge.jobs.tasks import Queue, Task

TABLES = """
CREATE TABLE IF NOT EXISTS effects (job TEXT, step INTEGER, PRIMARY KEY (job, step));
CREATE TABLE IF NOT EXISTS traces (
    job TEXT, step INTEGER, pid INTEGER, event TEXT, at REAL
);
"""


def write(statement, *values):
    path = os.environ["PROBE_FILE"]
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as world:
        world.executescript(TABLES)
        world.execute(statement, values)


def trace(job, step, event):
    row = (job, step, os.getpid(), event, time.time())
    write("INSERT INTO traces VALUES (?, ?, ?, ?, ?)", *row)


def affect(job, step, pause_s):
    trace(job, step, "begin")
    time.sleep(pause_s)
    write("INSERT OR IGNORE INTO effects VALUES (?, ?)", job, step)
    trace(job, step, "end")
    return step


def walk(ctx, key):
    """Run as many steps as the key says, those of "lane" with a rate limiter slot."""
    job, steps, pause_s, partition = json.loads(key)
    trace(job, -1, "begin")
    with lane(ctx) if partition == "lane" else nullcontext():
        done = [step(f"step {n}", affect, job, n, pause_s) for n in range(steps)]
    trace(job, -1, "end")
    return done


def lane(ctx):
    request = CallRequest("lane.example#1", "shared", "Account", Caller(1))
    deadline = time.monotonic() + 60
    return ctx.rate_limiter.acquire(request, deadline=deadline, read_usage=print)


def tick(_ctx, key):
    step("tick", affect, key, 0, 0.0)


WORKFLOWS = (
    Workflow(Task("walk", Queue.BULK), walk),
    Workflow(Task("tick"), tick, schedule="* * * * * *"),
)

if __name__ == "__main__":
    run(WORKFLOWS if "--tick" in sys.argv else WORKFLOWS[:1], as_json=True)
