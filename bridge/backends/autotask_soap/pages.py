"""Pages of a query: their order, and counting by reading them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bridge.errors import ProviderProtocolError
from bridge.interfaces import Entity, Page


def require_ascending(entities: Sequence[Entity], after: int | None) -> None:
    """Refuse a page out of order: paging by it would lose or repeat records.

    Raises:
        ProviderProtocolError: an id is not above the one before it.
    """
    last = after
    for entity in entities:
        if last is not None and entity.id <= last:
            raise ProviderProtocolError(
                f"Autotask's page is not in order: id {entity.id} after {last}."
            )
        last = entity.id


def count_entities(
    fetch_page: Callable[[int | None], Page], max_calls: int
) -> int | None:
    """Count by reading, because the vendor cannot count; None after `max_calls`.

    `fetch_page` returns the page after an id. One vendor call for each page.
    """
    counted, after = 0, None
    for _ in range(max_calls):
        page = fetch_page(after)
        counted += len(page.entities)
        if not page.more or not page.entities:
            return counted
        after = page.entities[-1].id
    return None
