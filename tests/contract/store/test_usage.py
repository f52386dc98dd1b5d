"""The request log is counted: by time, by account, element and status."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from bridge.store.logs.request_log import add_requests
from bridge.store.logs.usage import (
    RequestCount,
    RequestFilter,
    count_by,
    count_by_time,
    count_requests,
)

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.fixture
def log(db, request_entry):
    """Six requests of two accounts."""
    east = timezone(timedelta(hours=-5))
    rows = [
        request_entry(NOON),
        request_entry(NOON.astimezone(east) + timedelta(seconds=59.9), status=404),
        request_entry(NOON + timedelta(minutes=1), status=502),
        request_entry(NOON + timedelta(days=40), element_key=None, instance_id=None),
        request_entry(NOON, account_id=41202),
        request_entry(NOON, account_id=41203),
    ]
    add_requests(db, rows)
    return db


def criteria(**changes):
    values = {
        "account_ids": (41201,),
        "since": None,
        "until": None,
        "element_keys": None,
        "tags": (),
        "status": None,
        "text": "",
    }
    return RequestFilter(**{**values, **changes})


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (19, {"2026-01-02 12:00:00": (1, 0), "2026-01-02 12:00:59": (1, 1)}),
        (16, {"2026-01-02 12:00": (2, 1), "2026-01-02 12:01": (1, 1)}),
        (10, {"2026-01-02": (3, 2), "2026-02-11": (1, 0)}),
        (4, {"2026": (4, 2)}),
    ],
)
def test_by_time(log, width, expected):
    found = {}
    for counted in count_by_time(log, criteria(), width):
        start, _status = counted.kind
        count, failed = found.get(start, (0, 0))
        found[start] = count + counted.count, failed + counted.failed

    assert expected.items() <= found.items()
    assert sum(count for count, _ in found.values()) == 4


def test_by_other_aspects(log):
    both = criteria(account_ids=(41202, 41201))

    assert count_by(log, both, "account_id") == [
        RequestCount(41201, 4, 2),
        RequestCount(41202, 1, 0),
    ]
    assert count_by(log, criteria(), "instance_id") == [
        RequestCount(None, 1, 0),
        RequestCount(900001, 3, 2),
    ]
    by_status = {each.kind: each for each in count_by_time(log, criteria(), width=4)}
    assert by_status == {
        ("2026", 200): RequestCount(("2026", 200), 2, 0),
        ("2026", 404): RequestCount(("2026", 404), 1, 1),
        ("2026", 502): RequestCount(("2026", 502), 1, 1),
    }
    assert count_by(log, criteria(), "element_key") == [
        RequestCount(None, 1, 0),
        RequestCount("autotaskcrm", 3, 2),
    ]


def test_the_total_is_that_of_all_pages(log):
    assert count_requests(log, criteria(limit=1, offset=3, before=1)) == 4
    assert count_requests(log, criteria(element_keys=("autotaskcrm",))) == 3
    assert count_requests(log, criteria(element_keys=())) == 0
    assert count_requests(log, criteria(text="\0")) == 0
    assert count_by(log, criteria(text="\0"), "element_key") == []
