"""The logs hold what they are given, whatever it is, and for as long as they say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from bridge.store import expired_rows, instances
from bridge.store.logs.request_log import (
    TraceEntry,
    VendorCallEntry,
    add_requests,
    add_traces,
    add_vendor_calls,
    read_traces,
)
from bridge.store.models import request_log, traces, vendor_call_log

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = datetime.now(UTC) + timedelta(days=1)


def called(**changes):
    values = {
        "request_id": None,
        "instance_id": 900001,
        "operation": "query",
        "entity": "Account",
        "attempt": 1,
        "outcome": "answered",
        "started_at": NOW,
        "duration_ms": 7.25,
        "expires_at": LATER,
    }
    return VendorCallEntry(**{**values, **changes})


def rows(db, table):
    with db.read() as connection:
        return connection.execute(select(table).order_by(table.c.id)).all()


def test_requests_and_vendor_calls_are_stored_as_they_are(db, request_entry):
    add_requests(db, [request_entry(NOW), request_entry(instance_id=None, status=404)])
    add_vendor_calls(db, [called(), called(outcome="quota")])

    first, second = rows(db, request_log)
    assert (first.path, first.duration_ms, first.answered_at) == (
        "/hubs/crm/accounts",
        12.5,
        NOW,
    )
    assert (second.instance_id, second.status, second.id) == (None, 404, first.id + 1)
    assert [row.outcome for row in rows(db, vendor_call_log)] == ["answered", "quota"]


def test_unusual_path_does_not_prevent_others_from_being_stored(db, request_entry):
    add_requests(
        db,
        [request_entry(path="/a\0b\ud800" + "x" * 9000), request_entry(path="/plain")],
    )

    odd, plain = rows(db, request_log)
    assert odd.path.startswith("/a�b?xx")
    assert len(odd.path) == 2000
    assert plain.path == "/plain"


def test_empty_batch_is_accepted(db):
    add_requests(db, [])

    assert rows(db, request_log) == []


def test_rows_expire(db, request_entry):
    gone = datetime.now(UTC) - timedelta(seconds=1)
    add_requests(db, [request_entry(expires_at=gone), request_entry()])
    add_vendor_calls(db, [called(expires_at=gone), called()])
    add_traces(
        db,
        [TraceEntry("3fbc", 900001, {}, gone), TraceEntry("3fbd", 900001, {}, LATER)],
    )

    for table in (request_log, vendor_call_log, traces):
        assert expired_rows.purge(db, table.name) == 1
        assert len(rows(db, table)) == 1


def test_a_trace_is_sealed_and_read_back_oldest_first(db):
    made = [
        TraceEntry(f"r{number}", instance_id, {"body": f"Größe {number}"}, LATER)
        for number, instance_id in enumerate([900001, 900002, 900001, 900001])
    ]
    add_traces(db, made)

    assert all(b"body" not in row.sealed_exchange for row in rows(db, traces))
    bodies = [trace["body"] for trace in read_traces(db, 900001, newest=2)]
    assert bodies == ["Größe 2", "Größe 3"]
    assert [*read_traces(db, 900001, request_id="r0")] == [{"body": "Größe 0"}]
    assert [*read_traces(db, 900001, request_id="r1")] == []


def test_instance_is_traced_until_tracing_stops(db, instance):
    instances.trace_until(db, instance.id, LATER)
    assert instances.get_instance(db, instance.id).traced_until == LATER

    instances.trace_until(db, instance.id, None)
    assert instances.get_instance(db, instance.id).traced_until is None
