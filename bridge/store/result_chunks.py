"""Results of long jobs, in chunks, and how far the walks that fill them have come.

A job's result has one or more parts, such as windows of ids. One walk fills each part,
a chunk for each page that it reads: chunks count from 0, and a chunk holds what lies
between two record ids. A chunk is stored in one transaction with the checkpoint after
it, so that neither exists without the other.

Records are the data of customers: chunks are compressed, then sealed. Rows expire, and
are deleted with their instance.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import starmap

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    delete,
    false,
    select,
    tuple_,
    update,
)

from bridge.errors import NotFoundError
from bridge.store.database.engine import Database
from bridge.store.database.sql import (
    insert_or_update,
    read_clock,
    rows_per_batch,
    upsert,
)
from bridge.store.models import instances, result_chunks, walk_checkpoints

# Level 6 takes about three times as long, for an eighth to a quarter less.
_COMPRESSION_LEVEL = 1
_LISTED = 500
_GONE = "The result is no longer stored; start the job again."


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a job's result.

    Args:
        owner_id: the id of the job.
        number: 0 or more; parts are read in the order of their numbers.
        instance_id: the instance whose records they are.
        expires_at: the same for every chunk of the owner, or a result ends in pieces.
    """

    owner_id: str
    number: int
    instance_id: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a walk has come.

    Args:
        sequence: chunks that are stored, and so the number of the next.
        after: the id that the next page starts after; None starts at the first.
        done: nothing follows.
    """

    sequence: int = 0
    after: int | None = None
    done: bool = False


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one page became: its bytes, and the number of rows in them."""

    data: bytes = field(repr=False)
    row_count: int


@dataclass(frozen=True, slots=True)
class ChunkInfo:
    """A stored chunk without its bytes; `size_bytes` counts them uncompressed."""

    part: int
    sequence: int
    row_count: int
    size_bytes: int


# The first lock of `save_page`, as it is of the deletion of an instance, which deletes
# checkpoints and chunks next: in another order the two could wait for each other.
_INSTANCE = (
    select(instances.c.id)
    .where(instances.c.id == bindparam("instance_id"))
    .with_for_update(read=True, key_share=True)
)
_CHECKPOINT_KEY = (
    walk_checkpoints.c.owner_id == bindparam("key_owner_id"),
    walk_checkpoints.c.part == bindparam("key_part"),
)
_READ = select(
    walk_checkpoints.c.sequence, walk_checkpoints.c.after_id, walk_checkpoints.c.done
).where(*_CHECKPOINT_KEY)
_START = upsert(
    walk_checkpoints,
    lambda row: row.on_conflict_do_nothing().returning(walk_checkpoints.c.part),
)
_ADVANCE = (
    update(walk_checkpoints)
    .where(
        *_CHECKPOINT_KEY,
        walk_checkpoints.c.sequence == bindparam("key_sequence"),
        walk_checkpoints.c.done == false(),
    )
    .returning(walk_checkpoints.c.part)
)
_SAVE = insert_or_update(
    result_chunks,
    "instance_id",
    "row_count",
    "size_bytes",
    "created_at",
    "expires_at",
    "sealed_data",
)
_PARTS = (
    select(walk_checkpoints.c.part, walk_checkpoints.c.sequence)
    .where(walk_checkpoints.c.owner_id == bindparam("owner_id"))
    .order_by(walk_checkpoints.c.part)
)
_INFOS = (
    select(
        result_chunks.c.part,
        result_chunks.c.sequence,
        result_chunks.c.row_count,
        result_chunks.c.size_bytes,
    )
    .where(
        result_chunks.c.owner_id == bindparam("owner_id"),
        tuple_(result_chunks.c.part, result_chunks.c.sequence)
        > tuple_(bindparam("part"), bindparam("sequence")),
    )
    .order_by(result_chunks.c.part, result_chunks.c.sequence)
    .limit(_LISTED)
)
_DATA = select(result_chunks.c.sealed_data).where(
    result_chunks.c.owner_id == bindparam("owner_id"),
    result_chunks.c.part == bindparam("part"),
    result_chunks.c.sequence == bindparam("sequence"),
)


def find_checkpoint(db: Database, part: Part) -> Checkpoint | None:
    """Return how far a part's walk has come; None before its first page."""
    with db.read() as connection:
        return _read_checkpoint(connection, part)


def save_page(
    db: Database,
    part: Part,
    chunk: Chunk | None,
    *,
    previous: Checkpoint,
    reached: Checkpoint,
) -> Checkpoint:
    """Store a chunk and the checkpoint after it; return the checkpoint to go on from.

    That is `reached`. If the stored checkpoint is not `previous` any more, another run
    of the walk has come further: then nothing is stored, and the stored checkpoint is
    returned. So a run that was repeated, or that its worker continued after it was
    given to another, neither loses nor doubles a record.

    A chunk with the same key, left by a deletion that was interrupted, is replaced.

    Args:
        db: where it is stored.
        part: what the chunk belongs to.
        chunk: None stores the checkpoint alone: after a page without records, which is
            the last one, or where the chunk was written to a file before.
        previous: the checkpoint that the page was read from.
        reached: the checkpoint at the end of the page.

    Raises:
        NotFoundError: the result or its instance was deleted meanwhile.
    """
    # Outside of the transaction, which blocks SQLite's other writers.
    sealed = None if chunk is None else _seal(db, chunk)
    with db.begin() as connection:
        instance = {"instance_id": part.instance_id}
        if connection.execute(_INSTANCE, instance).one_or_none() is None:
            raise NotFoundError("The instance of this job was removed.")
        if _advance(connection, part, previous, reached):
            if chunk is not None:
                row = _chunk_row(connection, part, previous.sequence, chunk)
                save = _SAVE[connection.dialect.name]
                connection.execute(save, {**row, "sealed_data": sealed})
            return reached
        stored = _read_checkpoint(connection, part)
    if stored is None:
        raise NotFoundError(_GONE)
    return stored


def list_chunks(db: Database, owner_id: str) -> Iterator[ChunkInfo]:
    """Yield the chunks of a job in order: by part, then by sequence.

    No transaction stays open between two of them. Chunks that are stored after the
    start are left out.

    Raises:
        NotFoundError: nothing is stored, or chunks are missing because they expired or
            were deleted meanwhile: a part of a result never passes for the whole.
    """
    with db.read() as connection:
        parts = connection.execute(_PARTS, {"owner_id": owner_id}).all()
    if not parts:
        raise NotFoundError(_GONE)
    stored = _infos(db, owner_id)
    for part, count in parts:
        for sequence in range(count):
            found = next(stored, None)
            # What a walk stored after the list of parts was read.
            while found is not None and (found.part, found.sequence) < (part, sequence):
                found = next(stored, None)
            if found is None or (found.part, found.sequence) != (part, sequence):
                raise NotFoundError(_GONE)
            yield found


def read_chunk(db: Database, owner_id: str, part: int, sequence: int) -> bytes:
    """Return the bytes of a chunk, as they were saved.

    Raises:
        NotFoundError: it is not stored, or not any more.
        StoreError: no key of the ring opens it.
    """
    key = {"owner_id": owner_id, "part": part, "sequence": sequence}
    with db.read() as connection:
        sealed = connection.execute(_DATA, key).scalar_one_or_none()
    if sealed is None:
        raise NotFoundError(_GONE)
    return zlib.decompress(db.keys.open_bytes(bytes(sealed)))


def read_chunks(db: Database, owner_id: str) -> Iterator[bytes]:
    """Yield the bytes of a job's chunks in order; one chunk is in memory at a time.

    Raises:
        NotFoundError: as `list_chunks`.
        StoreError: as `read_chunk`.
    """
    for chunk in list_chunks(db, owner_id):
        yield read_chunk(db, owner_id, chunk.part, chunk.sequence)


def delete_result(db: Database, owner_id: str) -> int:
    """Delete everything of a job; return the number of chunks.

    The checkpoints first, so that a walk that still runs stores nothing more and a
    reader finds nothing, rather than a part. If it is interrupted, call it again; what
    is left expires.
    """
    with db.begin() as connection:
        of_owner = walk_checkpoints.c.owner_id == owner_id
        connection.execute(delete(walk_checkpoints).where(of_owner))
    return _delete_chunks(db, result_chunks.c.owner_id == owner_id)


def delete_of_instance(db: Database, instance_id: int) -> int:
    """Delete everything of an instance; return the number of chunks.

    To be called before the instance is deleted: the foreign key would delete the same
    rows, but all of them in one transaction.
    """
    with db.begin() as connection:
        of_instance = walk_checkpoints.c.instance_id == instance_id
        connection.execute(delete(walk_checkpoints).where(of_instance))
    return _delete_chunks(db, result_chunks.c.instance_id == instance_id)


def _read_checkpoint(connection: Connection, part: Part) -> Checkpoint | None:
    row = connection.execute(_READ, _checkpoint_key(part)).one_or_none()
    if row is None:
        return None
    return Checkpoint(row.sequence, row.after_id, done=row.done)


def _advance(
    connection: Connection, part: Part, previous: Checkpoint, reached: Checkpoint
) -> bool:
    """Replace `previous` by `reached`; return whether `previous` was the stored one."""
    values = {
        "sequence": reached.sequence,
        "after_id": reached.after,
        "done": reached.done,
        "expires_at": part.expires_at,
    }
    key = _checkpoint_key(part)
    sequence = {"key_sequence": previous.sequence}
    advanced = connection.execute(_ADVANCE.values(values), {**key, **sequence})
    if advanced.one_or_none() is not None:
        return True
    if previous.sequence > 0:
        return False
    row = {
        "owner_id": part.owner_id,
        "part": part.number,
        "instance_id": part.instance_id,
        **values,
    }
    started = connection.execute(_START[connection.dialect.name], row)
    return started.one_or_none() is not None


def _checkpoint_key(part: Part) -> dict[str, object]:
    return {"key_owner_id": part.owner_id, "key_part": part.number}


def _seal(db: Database, chunk: Chunk) -> bytes:
    return db.keys.seal_bytes(zlib.compress(chunk.data, _COMPRESSION_LEVEL))


def _chunk_row(
    connection: Connection, part: Part, sequence: int, chunk: Chunk
) -> dict[str, object]:
    return {
        "owner_id": part.owner_id,
        "part": part.number,
        "sequence": sequence,
        "instance_id": part.instance_id,
        "row_count": chunk.row_count,
        "size_bytes": len(chunk.data),
        "created_at": read_clock(connection),
        "expires_at": part.expires_at,
    }


def _infos(db: Database, owner_id: str) -> Iterator[ChunkInfo]:
    """Yield what is stored of a job, in order, from one short read after another."""
    part, sequence = -1, -1
    while True:
        key = {"owner_id": owner_id, "part": part, "sequence": sequence}
        with db.read() as connection:
            rows = connection.execute(_INFOS, key).all()
        yield from starmap(ChunkInfo, rows)
        if len(rows) < _LISTED:
            return
        part, sequence, *_ = rows[-1]


def _delete_chunks(db: Database, chosen: ColumnElement[bool]) -> int:
    size = rows_per_batch(result_chunks)
    key = result_chunks.primary_key.columns
    batch = select(*key).where(chosen).limit(size)
    statement = delete(result_chunks).where(tuple_(*key).in_(batch))
    deleted = 0
    while True:
        with db.begin() as connection:
            count = connection.execute(statement).rowcount
        deleted += count
        if count < size:
            return deleted
