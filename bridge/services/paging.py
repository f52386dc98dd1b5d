"""Pages: tokens that hold a position, and page numbers turned into positions.

The vendor starts a reply after an id, never at an offset. A token therefore holds the
last id of its page, or an offset where the list is in memory. For a page number, the
end of the page before is stored for a while; where it is not stored, the records before
the page are read.
"""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeAlias, TypeVar

from bridge.errors import InvalidRequestError
from bridge.interfaces import Entity, Page
from bridge.services.context import Context
from bridge.store.caches import page_positions

T = TypeVar("T")

_LAYOUT = struct.Struct(">qI")

FetchPage: TypeAlias = Callable[[int | None, int], Page]
"""Return up to so many (at most a vendor page) entities after an id, ascending."""

MAX_SKIPPED = 100_000
"""Records one call may skip to reach a page by number: 200 vendor calls."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page of a list a caller requests; `offset` counts from 0.

    `next_page` is a token and takes precedence over `offset`. `total` requests the
    number of items in the whole list.
    """

    offset: int = 0
    size: int = 200
    next_page: str | None = None
    total: bool = False

    @property
    def number(self) -> int:
        """The page that contains `offset`, counting from 1."""
        return self.offset // self.size + 1


FIRST_PAGE = PageRequest()


@dataclass(frozen=True, slots=True)
class PageSlice(Generic[T]):
    """One page of a list; `next_page` is given only when a further page may exist.

    `total` is given when it was requested and is known; `notes` are sentences on what
    differs from the request.
    """

    items: Sequence[T]
    next_page: str | None
    total: int | None = None
    notes: tuple[str, ...] = ()


def write_token(scope: str, position: int) -> str:
    """Return a token of `[A-Za-z0-9_-]` for a position in `scope`.

    The position is the last id of the page, or an offset where the list is in memory.
    """
    packed = _LAYOUT.pack(position, _checksum(scope, position))
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def is_token(scope: str, token: str) -> bool:
    """Return whether a token belongs to this scope."""
    try:
        read_token(scope, token)
    except InvalidRequestError:
        return False
    return True


def read_token(scope: str, token: str) -> int:
    """Return the position that a token of this scope holds.

    Raises:
        InvalidRequestError: not a token, or one of another scope.
    """
    try:
        packed = base64.b64decode(
            token + "=" * (-len(token) % 4), altchars=b"-_", validate=True
        )
        position, checksum = _LAYOUT.unpack(packed)
    except (binascii.Error, ValueError, struct.error):
        position, checksum = 0, -1
    if checksum != _checksum(scope, position):
        raise InvalidRequestError(
            "nextPage is not a token of this list; send the value of "
            "Elements-Next-Page-Token unchanged, or none for the first page."
        )
    return int(position)


def _checksum(scope: str, position: int) -> int:
    # No signature: it only detects a token of another list.
    return zlib.crc32(f"{scope}\0{position}".encode())


@dataclass(frozen=True, slots=True)
class Cursor:
    """A query that can be read from any id: one instance, one entity, one filter.

    It holds no position: each call of `fetch_page` gets the id to start after, and
    costs one vendor call for a plain query. `identity` is equal for equal queries,
    whatever the page size. A fetch returns at most `page_size` entities. `skip_page`
    fetches entities of which only the ids are used, where that is another function.
    """

    instance_id: int
    identity: bytes
    page_size: int
    fetch_page: FetchPage
    skip_page: FetchPage | None = None


def collect(cursor: Cursor, after: int | None, size: int) -> Page:
    """Return up to `size` entities after an id. One vendor call for each full page."""
    entities: list[Entity] = []
    more = True
    while more and len(entities) < size:
        page = cursor.fetch_page(after, min(cursor.page_size, size - len(entities)))
        entities += page.entities
        # After an empty page the cursor could not move on.
        more = page.more and bool(page.entities)
        after = last_id(entities, after)
    return Page(entities=entities, more=more)


def collect_numbered(ctx: Context, cursor: Cursor, number: int, size: int) -> Page:
    """Return page `number`, counting from 1, of `size` entities.

    The end of a full page is stored, so that reading page after page by number costs
    no more than by token. Any other page is reached from the nearest end stored.
    """
    exists, after = _find_start(ctx, cursor, number, size)
    if not exists:
        return Page(entities=[], more=False)
    page = collect(cursor, after, size)
    if page.more and len(page.entities) == size:
        _save_position(ctx, cursor, number, size, last_id(page.entities, None))
    return page


def _find_start(
    ctx: Context, cursor: Cursor, number: int, size: int
) -> tuple[bool, int | None]:
    """Return whether page `number` exists, and the id that it starts after.

    Raises:
        InvalidRequestError: the page is too far from any stored position.
    """
    if number == 1:
        return True, None
    nearest = page_positions.find_nearest(
        ctx.database, cursor.instance_id, cursor.identity, size, number - 1
    )
    done, after = nearest or (0, None)
    remaining = (number - 1 - done) * size
    if remaining > MAX_SKIPPED:
        raise InvalidRequestError(
            f"page {number} would skip {remaining} records, and Autotask can only be "
            f"read in order: at most {MAX_SKIPPED} are skipped for one call. Walk by "
            "nextPage, or narrow the list with `where`."
        )
    skip_page = cursor.skip_page or cursor.fetch_page
    while remaining:
        page = skip_page(after, min(cursor.page_size, remaining))
        remaining -= len(page.entities)
        after = last_id(page.entities, after)
        if not page.more:
            return False, None
    _save_position(ctx, cursor, number - 1, size, after)
    return True, after


def _save_position(
    ctx: Context, cursor: Cursor, number: int, size: int, after: int | None
) -> None:
    if after is None:
        return
    expires_at = ctx.clock() + timedelta(seconds=ctx.settings.page_positions_ttl_s)
    page_positions.save_position(
        ctx.database,
        cursor.instance_id,
        cursor.identity,
        size,
        number,
        after,
        expires_at,
    )


def last_id(entities: list[Entity], default: int | None) -> int | None:
    """Return the id of the last entity, or `default` without entities."""
    return entities[-1].id if entities else default


def slice_page(scope: str, items: Sequence[T], request: PageRequest) -> PageSlice[T]:
    """Return one page of a list that is in memory.

    Raises:
        InvalidRequestError: `next_page` is not a token of this list.
    """
    start = request.offset
    if request.next_page:
        start = read_token(scope, request.next_page)
    end = start + request.size
    token = write_token(scope, end) if end < len(items) else None
    return PageSlice(items[start:end], token, len(items) if request.total else None)
