"""Making a data set: reported while it is made, and gone when it is given up."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from bridge.sandbox.control.vendor import Vendor
from bridge.sandbox.data import seed
from bridge.sandbox.data.initial_data import _progress_reported
from bridge.sandbox.facts.loader import load_facts


class GivenUpError(Exception):
    pass


@pytest.fixture(scope="module")
def facts():
    return load_facts()


@pytest.fixture
def vendor(facts, tmp_path):
    vendor = Vendor(facts, seed.hostile(facts), tmp_path / "it.sqlite", durable=False)
    yield vendor
    vendor.database.close()


def test_what_is_made_is_reported_with_its_amount(vendor):
    reports = []

    vendor.initial_data.prepare(lambda *report: reports.append(report))

    parts = list(dict.fromkeys(what for what, _, _ in reports))
    assert parts == ["records", "indexes", "copied bytes"]
    assert all(0 <= done < total for _, done, total in reports)
    rows = vendor.dataset.tenants[0].rows.values()
    assert reports[0] == ("records", 0, sum(map(len, rows)))


@pytest.mark.parametrize("part", ["records", "indexes", "copied bytes"])
def test_what_is_given_up_leaves_nothing_half_made(vendor, tmp_path, part):
    def give_up(what, _done, _total):
        if what == part:
            raise GivenUpError

    with pytest.raises(GivenUpError):
        vendor.initial_data.prepare(give_up)

    whole = ["it.sqlite.start"] if part == "copied bytes" else []
    assert [path.name for path in tmp_path.iterdir()] == whole
    vendor.initial_data.prepare()
    assert vendor.find_user(seed.DEMO_USERNAME) is not None
    assert not list(tmp_path.glob("*.new"))


def test_the_log_of_a_deleted_database_is_not_applied_to_the_next(vendor, tmp_path):
    vendor.initial_data.prepare()
    vendor.database.close()
    path = tmp_path / "it.sqlite"
    whole = path.read_bytes()
    connection = sqlite3.connect(path)
    with closing(connection):
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE of_the_deleted_one (it TEXT)")
        log = path.with_name("it.sqlite-wal").read_bytes()
        assert log
    path.write_bytes(whole)
    path.with_name("it.sqlite-wal").write_bytes(log)
    path.unlink()

    vendor.initial_data.prepare()

    tables = vendor.database.reading().execute("SELECT name FROM sqlite_master")
    assert "of_the_deleted_one" not in {name for (name,) in tables}


def test_a_statement_ends_with_what_is_raised_while_it_runs():
    calls = iter(range(3))

    def watch():
        if next(calls) == 2:
            raise GivenUpError

    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT * "
    with (
        closing(sqlite3.connect(":memory:")) as connection,
        pytest.raises(GivenUpError),
        _progress_reported(connection, watch),
    ):
        connection.execute(f"{endless} FROM n WHERE i = 2").fetchall()
