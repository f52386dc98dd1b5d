"""Rows reach their writer later, once each, and nobody waits for it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest
from waiting import wait_until

from bridge.errors import StoreError
from bridge.telemetry.batch_writer import BatchWriter


class Store:
    """Takes batches, refuses them, or fails."""

    def __init__(self):
        self.batches = []
        self.failure = None
        self.lost = 0
        self.writers = set()
        self.open = threading.Event()
        self.open.set()

    def write(self, rows):
        self.writers.add(threading.current_thread())
        self.open.wait(120)
        if self.failure:
            raise self.failure
        self.batches.append(list(rows))

    def lose(self, count):
        self.lost += count

    @property
    def rows(self):
        return [row for batch in self.batches for row in batch]


@pytest.fixture
def store():
    return Store()


def test_rows_are_written_together_a_little_later(store):
    store.open.clear()
    batches = BatchWriter(store.write, lost=store.lose, interval_s=0.05)

    for number in range(10):
        batches.enqueue(number)

    # One batch may have been begun while the rows came, the rest are another.
    store.open.set()
    wait_until(lambda: store.rows == list(range(10)))
    assert len(store.batches) <= 2
    assert threading.current_thread() not in store.writers


def test_every_row_of_many_threads_is_written_once(store):
    batches = BatchWriter(store.write, lost=store.lose, interval_s=0.01)
    threads = [
        threading.Thread(
            target=lambda n=n: [batches.enqueue((n, i)) for i in range(500)]
        )
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    batches.close()

    assert sorted(store.rows) == [(n, i) for n in range(8) for i in range(500)]


def test_put_does_not_wait_for_a_database_that_hangs(store):
    store.open.clear()
    batches = BatchWriter(store.write, lost=store.lose, interval_s=0.001, max_rows=100)
    begin = time.perf_counter()

    for number in range(1000):
        batches.enqueue(number)

    assert time.perf_counter() - begin < 10
    store.open.set()
    batches.close()
    assert len(store.rows) + store.lost == 1000
    assert store.rows[:3] == [0, 1, 2]


def test_rows_that_cannot_be_written_wait_in_order(store, caplog):
    store.failure = StoreError("locked")
    batches = BatchWriter(store.write, lost=store.lose, interval_s=0.01)
    for number in range(5):
        batches.enqueue(number)
    wait_until(lambda: "kept for now" in caplog.text)

    store.failure = None

    wait_until(lambda: store.rows == [0, 1, 2, 3, 4])
    assert store.lost == 0
    assert caplog.text.count("kept for now") == 1


def test_rows_that_break_the_writer_are_counted_and_the_next_are_written(store):
    store.failure = TypeError("a bug")
    batches = BatchWriter(store.write, lost=store.lose, interval_s=0.01)
    batches.enqueue("odd")
    wait_until(lambda: store.lost == 1)

    store.failure = None
    batches.enqueue("even")

    wait_until(lambda: store.rows == ["even"])


def test_what_is_there_at_the_end_of_the_process_is_written():
    program = (
        "from bridge.telemetry.batch_writer import BatchWriter\n"
        "b = BatchWriter(lambda rows: print(rows), lost=print, interval_s=60)\n"
        "b.enqueue(1); b.put(2)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout == "[1, 2]\n"
