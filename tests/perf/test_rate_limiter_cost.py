"""What the rate limiter adds to a vendor call: acquire and release, no call.

Idle: one process, one call at a time. Under load: four more processes call other
tenants through the same database without a pause, and one calls the same tenant.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import make_url

from bridge.interfaces import Caller, CallRequest, Usage
from bridge.store.database.database_url import database_url
from bridge.store.database.engine import Database
from bridge.store.organizations import find_user
from bridge.store.rate_limit.ledger import LimiterSettings
from bridge.store.rate_limit.limiter import SharedRateLimiter
from bridge.store.secrets.key_ring import KeyRing

pytestmark = pytest.mark.perf

CALLS = 1_000
PLENTY = Usage(threshold=1_000_000_000, timeframe_minutes=60, used=0)
LOAD = """
import sys, time
from pathlib import Path
from bridge.interfaces import Caller, CallRequest
from bridge.store.secrets.key_ring import KeyRing
from bridge.store.database.engine import Database
from bridge.store.rate_limit.limiter import SharedRateLimiter
from bridge.store.rate_limit.ledger import LimiterSettings

url, data_dir, tenant = sys.argv[1:]
db = Database.open(url, keys=KeyRing.load(Path(data_dir), None))
limiter = SharedRateLimiter(db, LimiterSettings())
request = CallRequest(tenant, "shared", "Account", Caller(2))
while True:
    deadline = time.monotonic() + 60
    with limiter.acquire(request, deadline=deadline, read_usage=lambda: None):
        time.sleep(0.005)
"""


@pytest.fixture
def data_dir(tmp_path) -> Path:
    return tmp_path


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, data_dir, postgresql_schema) -> Iterator[str]:
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield database_url(data_dir, None)
        else:
            yield stack.enter_context(postgresql_schema())


def test_cost_of_a_call(url, data_dir, table):
    with ExitStack() as stack:
        db = Database.open(url, keys=KeyRing.load(data_dir, None))
        stack.callback(db.close)
        db.upgrade()
        rate_limiter = SharedRateLimiter(db, LimiterSettings())
        stack.callback(rate_limiter.close)
        tenants = ["one.example#1", *(f"other.example#{n}" for n in range(4))]
        for tenant in tenants:
            rate_limiter.report_usage(tenant, PLENTY)

        rows = [
            ("one look-up by key, idle", *measure_look_up(db)),
            ("rate limiter, idle", *measure(rate_limiter)),
        ]
        for tenant in tenants:
            load = [sys.executable, "-c", LOAD, url, str(data_dir), tenant]
            process = subprocess.Popen(load)
            stack.callback(process.wait)
            stack.callback(process.kill)
        time.sleep(5)
        rows += [
            ("one look-up by key, under load", *measure_look_up(db)),
            ("rate limiter, under load", *measure(rate_limiter)),
        ]

    headings = ("", "p50 ms", "p95 ms", "p99 ms")
    table(f"Cost of the rate limiter, {make_url(url).drivername}", headings, *rows)


def measure(rate_limiter: SharedRateLimiter) -> tuple[str, str, str]:
    """Return what a call costs; it never waits, as two slots are always free."""
    request = CallRequest("one.example#1", "shared", "Account", Caller(1))
    took = []
    for _ in range(CALLS):
        start = time.perf_counter()
        with rate_limiter.acquire(
            request, deadline=time.monotonic() + 60, read_usage=lambda: PLENTY
        ):
            entered = time.perf_counter()
            time.sleep(0.002)
            left = time.perf_counter()
        took.append((entered - start + time.perf_counter() - left) * 1000)
    return shown(took)


def measure_look_up(db: Database) -> tuple[str, str, str]:
    """Return what finding a user by secret costs, which is part of every call."""
    took = []
    for _ in range(CALLS):
        time.sleep(0.002)
        start = time.perf_counter()
        find_user(db, user_secret="nobody's", organization_secret=None)
        took.append((time.perf_counter() - start) * 1000)
    return shown(took)


def shown(took: list[float]) -> tuple[str, str, str]:
    percentiles = statistics.quantiles(took, n=100)
    return tuple(f"{percentiles[n - 1]:.2f}" for n in (50, 95, 99))
