"""Reads all records of a query in the order of their ids, a bounded piece at a time.

A walk may be interrupted at any point and continued by another process. Each page is
saved together with the checkpoint after it, so every record that exists throughout the
walk is saved exactly once, whatever is created or deleted meanwhile: a page holds the
records between two ids, and the next page starts where the saved one ended.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from bridge.errors import ProviderProtocolError
from bridge.interfaces import Page
from bridge.services.paging import FetchPage
from bridge.store import result_chunks
from bridge.store.database.engine import Database
from bridge.store.result_chunks import Checkpoint, Chunk, Part

SavePage: TypeAlias = Callable[[Page, Checkpoint, Checkpoint], Checkpoint]
"""Save a page with the checkpoint after it, in one transaction.

The arguments are the page, the checkpoint that it was read from and the one at its end.
Returns the checkpoint to go on from: of another run of the same walk if that has come
further, and then the page is not saved.
"""

Encode: TypeAlias = Callable[[Page], Chunk]
"""Return a page with records as a chunk; its rows may be fewer than the records."""


def walk(
    fetch_page: FetchPage,
    save_page: SavePage,
    checkpoint: Checkpoint,
    *,
    max_pages: int,
    page_size: int,
) -> Checkpoint:
    """Read and save up to `max_pages` pages; return the checkpoint reached.

    `fetch_page` is that of a `Cursor`, such as `ListQuery.cursor` returns; `page_size`
    is at most the cursor's.

    Call it with the checkpoint that was returned, or with any earlier one, until it is
    `done`. One page is in memory at a time. One vendor call for each page of a plain
    query; none if the checkpoint is done.

    Raises:
        ProviderError: as `fetch_page`; the pages before are saved.
        ProviderProtocolError: the vendor's records are not in the order of their ids.
        NotFoundError: what the pages are saved for was deleted meanwhile.
    """
    for _ in range(max_pages):
        if checkpoint.done:
            break
        page = fetch_page(checkpoint.after, page_size)
        checkpoint = save_page(page, checkpoint, _end_of(page, checkpoint))
    return checkpoint


def open_walk(db: Database, part: Part, start_after: int | None = None) -> Checkpoint:
    """Return the stored checkpoint of a part; a new one after an id if it has none."""
    stored = result_chunks.find_checkpoint(db, part)
    return Checkpoint(after=start_after) if stored is None else stored


def save_chunks(db: Database, part: Part, encode: Encode) -> SavePage:
    """Return a function that saves pages as the chunks of a part."""

    def save(page: Page, previous: Checkpoint, reached: Checkpoint) -> Checkpoint:
        chunk = encode(page) if page.entities else None
        return result_chunks.save_page(
            db, part, chunk, previous=previous, reached=reached
        )

    return save


def _end_of(page: Page, start: Checkpoint) -> Checkpoint:
    after = start.after
    for entity in page.entities:
        # The next page would start at the wrong place: records lost, or read for ever.
        if after is not None and entity.id <= after:
            raise ProviderProtocolError(
                f"Autotask sent the record {entity.id} after the record {after}, out of"
                " the order of ids."
            )
        after = entity.id
    # After an empty page the walk could not move on.
    done = not (page.more and page.entities)
    return Checkpoint(start.sequence + bool(page.entities), after, done=done)
