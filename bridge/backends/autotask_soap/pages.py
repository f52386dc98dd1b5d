"""Pages of a query: their order, and counting by reading them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bridge.backends.autotask_soap.batches import id_of
from bridge.errors import ProviderProtocolError
from bridge.interfaces import Entity, Page


def require_ascending(entities: Sequence[Entity], after: int | None) -> None:
    """Refuse a page out of order: paging by it would lose or repeat records.

    Raises:
        ProviderProtocolError: an id is missing, or not above the one before it.
    """
    last = after
    for entity in entities:
        entity_id = entity.get("id")
        if not isinstance(entity_id, int) or (last is not None and entity_id <= last):
            raise ProviderProtocolError(
                f"Autotask's page is not in order: id {entity_id} after {last}."
            )
        last = entity_id


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
        after = id_of(page.entities[-1])
    return None
