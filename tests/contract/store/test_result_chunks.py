"""Result chunks: stored with their checkpoint, read in order, and deleted whole."""

from __future__ import annotations

import secrets
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, update

from bridge.errors import NotFoundError
from bridge.store import expired_rows, key_rotation
from bridge.store.database.backup import back_up
from bridge.store.database.engine import Database
from bridge.store.instances import remove_instance
from bridge.store.models import result_chunks, walk_checkpoints
from bridge.store.result_chunks import (
    Checkpoint,
    Chunk,
    ChunkInfo,
    Part,
    delete_result,
    find_checkpoint,
    list_chunks,
    read_chunk,
    read_chunks,
    save_page,
)
from bridge.store.secrets.key_ring import new_key

LATER = datetime(2126, 1, 2, tzinfo=UTC)
START = Checkpoint()


@pytest.fixture
def part(instance):
    def part(number=0, owner_id="job", expires_at=LATER):
        return Part(owner_id, number, instance.id, expires_at)

    return part


@pytest.fixture
def fill(db, part):
    """Return a function that saves pages of given bytes as one part."""

    def fill(*pages, number=0, owner_id="job", expires_at=LATER):
        chosen = part(number, owner_id, expires_at)
        checkpoint = START
        for data in pages:
            reached = Checkpoint(checkpoint.sequence + 1, checkpoint.sequence + 100)
            chunk = Chunk(data, row_count=len(data))
            checkpoint = save_page(
                db, chosen, chunk, previous=checkpoint, reached=reached
            )
        return checkpoint

    return fill


def count(db, table=result_chunks):
    with db.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar()


def test_chunks_are_read_in_order_of_part_and_sequence(db, fill):
    fill(b"c", b"d", number=7)
    fill(b"a", b"b", number=2)
    fill(b"other", owner_id="job 2")

    assert list(read_chunks(db, "job")) == [b"a", b"b", b"c", b"d"]
    assert list(list_chunks(db, "job")) == [
        ChunkInfo(2, 0, 1, 1),
        ChunkInfo(2, 1, 1, 1),
        ChunkInfo(7, 0, 1, 1),
        ChunkInfo(7, 1, 1, 1),
    ]
    assert read_chunk(db, "job", 7, 1) == b"d"
    assert find_checkpoint(db, Part("job", 7, 0, LATER)) == Checkpoint(2, 101)


def test_more_chunks_than_one_list_query_returns_are_all_listed(db, fill):
    fill(*[b"%d" % number for number in range(501)])
    fill(b"last", number=1)

    assert len(list(list_chunks(db, "job"))) == 502


@settings(
    deadline=None,
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(pages=st.lists(st.binary(max_size=300), min_size=1, max_size=5))
def test_any_bytes_come_back_as_they_were(db, fill, pages):
    owner_id = secrets.token_hex(8)
    fill(*pages, owner_id=owner_id)

    assert list(read_chunks(db, owner_id)) == pages


def test_save_from_an_older_checkpoint_changes_nothing(db, part, fill):
    stored = fill(b"a", b"b")

    # A run that was repeated, or that was given to another worker meanwhile.
    reached = save_page(
        db, part(), Chunk(b"x", 1), previous=START, reached=Checkpoint(1, 999)
    )

    assert reached == stored
    assert list(read_chunks(db, "job")) == [b"a", b"b"]


def test_two_runs_at_once_save_each_page_once(db, part):
    barrier = threading.Barrier(2)

    def run(name):
        checkpoint = START
        for _ in range(20):
            barrier.wait()
            following = Checkpoint(checkpoint.sequence + 1, checkpoint.sequence)
            chunk = Chunk(name, 1)
            checkpoint = save_page(
                db, part(), chunk, previous=checkpoint, reached=following
            )
        return checkpoint

    with ThreadPoolExecutor(2) as threads:
        ends = list(threads.map(run, [b"one", b"two"]))

    assert ends[0] == ends[1] == Checkpoint(20, 19)
    assert count(db) == 20


def test_empty_last_page_ends_a_part_without_a_chunk(db, part, fill):
    stored = fill(b"a")
    done = Checkpoint(1, stored.after, done=True)

    assert save_page(db, part(), None, previous=stored, reached=done) == done
    assert list(read_chunks(db, "job")) == [b"a"]
    # Nothing is added to what is done.
    later = Checkpoint(2, 500)
    assert save_page(db, part(), Chunk(b"x", 1), previous=stored, reached=later) == done
    assert list(read_chunks(db, "job")) == [b"a"]


def test_part_without_records_is_an_empty_result(db, part):
    save_page(db, part(), None, previous=START, reached=Checkpoint(done=True))

    assert list(read_chunks(db, "job")) == []


def test_chunk_left_by_an_interrupted_deletion_is_replaced(db, part, fill):
    fill(b"left", b"left")
    with db.begin() as connection:
        connection.execute(delete(walk_checkpoints))

    fill(b"new")

    assert list(read_chunks(db, "job")) == [b"new"]
    assert count(db) == 2


@pytest.mark.parametrize("sequence", [0, 1, 2])
def test_result_with_a_missing_chunk_is_never_read_as_whole(db, fill, sequence):
    fill(b"a", b"b", b"c")
    fill(b"d", number=1)
    with db.begin() as connection:
        at = (result_chunks.c.part == 0, result_chunks.c.sequence == sequence)
        connection.execute(delete(result_chunks).where(*at))

    with pytest.raises(NotFoundError, match="no longer stored"):
        list(read_chunks(db, "job"))


def test_unknown_result_is_not_an_empty_one(db):
    with pytest.raises(NotFoundError):
        next(read_chunks(db, "job"))
    with pytest.raises(NotFoundError):
        read_chunk(db, "job", 0, 0)


def test_chunks_saved_while_a_result_is_read_do_not_disturb_it(db, part, fill):
    stored = fill(b"a", b"b")
    fill(b"c", number=1)
    chunks = read_chunks(db, "job")

    read = [next(chunks)]
    save_page(db, part(), Chunk(b"x", 1), previous=stored, reached=Checkpoint(3, 200))
    fill(b"y", number=2)

    assert [*read, *chunks] == [b"a", b"b", b"c"]


def test_open_reader_does_not_block_writers_or_checkpoints(db, fill):
    fill(b"a", b"b")
    chunks = read_chunks(db, "job")
    next(chunks)

    fill(b"x", owner_id="job 2")

    if db.file:
        # It fails if a reader still has a transaction open.
        with closing(sqlite3.connect(db.file, timeout=0)) as other:
            [(busy, _, _)] = other.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
        assert busy == 0
    assert list(chunks) == [b"b"]


def test_deleted_result_is_gone_and_its_walk_stops(db, part, fill):
    stored = fill(*[b"x"] * 25)
    fill(b"kept", owner_id="job 2")

    assert delete_result(db, "job") == 25

    assert (count(db), count(db, walk_checkpoints)) == (1, 1)
    with pytest.raises(NotFoundError):
        save_page(
            db, part(), Chunk(b"x", 1), previous=stored, reached=Checkpoint(26, 500)
        )
    assert delete_result(db, "job") == 0
    assert list(read_chunks(db, "job 2")) == [b"kept"]


def test_results_are_deleted_with_their_instance(db, instance, part, fill):
    stored = fill(*[b"x"] * 25)

    remove_instance(db, instance.id)

    assert (count(db), count(db, walk_checkpoints)) == (0, 0)
    for previous in (stored, START):
        with pytest.raises(NotFoundError, match="instance"):
            save_page(
                db,
                part(),
                Chunk(b"x", 1),
                previous=previous,
                reached=Checkpoint(previous.sequence + 1, 500),
            )


def test_walk_and_deletion_of_its_instance_do_not_wait_for_each_other(
    db, instance, part
):
    started = threading.Event()

    def run():
        checkpoint = START
        while True:
            following = Checkpoint(checkpoint.sequence + 1, checkpoint.sequence)
            checkpoint = save_page(
                db, part(), Chunk(b"x", 1), previous=checkpoint, reached=following
            )
            if checkpoint.sequence == 20:
                started.set()

    with ThreadPoolExecutor(1) as threads:
        walk = threads.submit(run)
        assert started.wait(60)
        remove_instance(db, instance.id)
        with pytest.raises(NotFoundError):
            walk.result(60)

    assert (count(db), count(db, walk_checkpoints)) == (0, 0)


def test_expired_results_are_purged_and_others_stay(db, fill):
    fill(*[b"x"] * 25, expires_at=datetime.now(UTC) - timedelta(hours=1))
    fill(b"kept", owner_id="job 2")

    assert expired_rows.purge(db, "result_chunks") == 25
    assert expired_rows.purge(db, "walk_checkpoints") == 1
    assert list(read_chunks(db, "job 2")) == [b"kept"]


def test_records_are_sealed_and_compressed(db, fill):
    record = b'{"lastName":"Winther","phone":"555-0100"}\n'
    fill(record * 1000)

    with db.read() as connection:
        row = connection.execute(select(result_chunks)).one()
    assert b"Winther" not in row.sealed_data
    assert len(row.sealed_data) < len(record) * 100
    assert (row.row_count, row.size_bytes) == (len(record) * 1000,) * 2


def test_another_key_seals_all_chunks_and_opens_them(fresh_db, db, kind, fill):
    fill(*[b"%d" % number for number in range(25)])
    former = db.keys.keys
    db.keys.change([new_key(), *former])
    try:
        assert key_rotation.reseal(db) >= 25

        assert set(key_rotation.count_seals(db)) == {db.keys.keys[0].id}
        assert len(list(read_chunks(db, "job"))) == 25
    finally:
        db.keys.change([*former, db.keys.keys[0]])
        key_rotation.reseal(db)


def test_chunk_with_a_lost_key_is_an_error_and_no_data(db, fill):
    fill(b"a")
    with db.begin() as connection:
        connection.execute(update(result_chunks).values(sealed_data=b"not a seal"))

    with pytest.raises(Exception, match="does not open with any key"):
        list(read_chunks(db, "job"))


def test_backup_holds_the_chunks(db, kind, fill, tmp_path: Path):
    if kind == "postgresql":
        pytest.skip("backed up by its own tool")
    fill(b"a", b"b")

    copy, *_ = back_up(db, tmp_path / "copy.db")

    with closing(Database.open(f"sqlite:///{copy}", keys=db.keys)) as restored:
        assert list(read_chunks(restored, "job")) == [b"a", b"b"]
        assert find_checkpoint(restored, Part("job", 0, 0, LATER)) == Checkpoint(2, 101)
