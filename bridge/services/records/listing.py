"""List records: filtered, paged, sorted, counted.

Facade terms outside, vendor terms inside. Knows no HTTP, no tables and no format of
the vendor.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bridge.errors import InvalidRequestError
from bridge.interfaces import Entity
from bridge.services import paging
from bridge.services.paging import FIRST_PAGE, PageRequest, PageSlice
from bridge.services.records.lists import sorting, total_count
from bridge.services.records.lists.list_query import ListQuery
from bridge.services.records.mapping import Record, RecordMapping
from bridge.services.records.parents import ParentLink
from bridge.services.records.serializer import (
    ALL_MEMBERS,
    RecordOptions,
    open_serializer,
)
from bridge.services.records.vendor_records import read_parent
from bridge.store.caches.count_cache import CachedCount


@dataclass(frozen=True, slots=True)
class ListRequest:
    """One list call: `where` and `order` are the texts of `where` and `orderBy`."""

    where: str = ""
    order: str = ""
    page: PageRequest = FIRST_PAGE
    options: RecordOptions = ALL_MEMBERS


def list_records(
    mapping: RecordMapping,
    request: ListRequest,
    *,
    within: ParentLink | None = None,
) -> PageSlice[Record]:
    """Return the requested page of records, ascending by id.

    One vendor call for each 500 records of the page. By token nothing more; by page
    number, when the end of the page before is not stored, one for each 500 records
    skipped. A list that ends with a full vendor reply has one empty page more, because
    finding its end would cost a call. A filter that one query cannot hold costs what
    `cursors.open_fetch` says.

    `within` restricts the list to the children of one record; when there are none, one
    call more checks that the parent exists. Below a resource that is only a part of its
    entity (`leads`) that call is always made. Sorting reads the whole list for each
    page, up to eleven calls for a plain filter; a list that turns out too long to be
    sorted is read once in ten minutes. Pages by token may continue to twice that
    length, with up to 21 calls, because the list may have grown. A total costs up to
    twenty calls once in ten minutes, none when the page shows it. Labels cost what
    `labels` says.

    Raises:
        NotFoundError: no such parent.
        InvalidRequestError: `where` or `nextPage` is invalid.
        ProviderError: Autotask refused, or gave no usable response.
    """
    query = ListQuery.build(mapping, request.where, within)
    if request.order:
        page = _fetch_sorted(query, request.order, request.page)
    else:
        page = _fetch_by_id(query, request.page)
    if within is not None and (within.parent.fixed or not page.items):
        read_parent(mapping, within)
    page = _add_total(query, page) if request.page.total else replace(page, total=None)
    serializer = open_serializer(mapping, request.options)
    records = serializer.records(page.items)
    return PageSlice(
        records, page.next_page, page.total, (*page.notes, *serializer.notes)
    )


def _fetch_by_id(query: ListQuery, request: PageRequest) -> PageSlice[Entity]:
    cursor = query.cursor()
    if request.next_page:
        if paging.is_token(query.sorted_token_scope, request.next_page):
            raise InvalidRequestError(
                "nextPage goes on with a sorted list: send the same orderBy with it, "
                "or leave nextPage out to begin with the first page."
            )
        after = paging.read_token(query.token_scope, request.next_page)
        page = paging.collect(cursor, after, request.size)
    else:
        ctx = query.mapping.ctx
        page = paging.collect_numbered(ctx, cursor, request.number, request.size)
    last = paging.last_id(page.entities, None)
    if page.more and last is not None:
        return PageSlice(page.entities, paging.write_token(query.token_scope, last))
    total = None
    # An empty page behind the end does not show where the end is.
    if not request.next_page and (page.entities or request.number == 1):
        total = request.offset + len(page.entities)
    return PageSlice(page.entities, None, total)


def _fetch_sorted(
    query: ListQuery, order: str, request: PageRequest
) -> PageSlice[Entity]:
    """Return a page in the requested order, else one by id with a note that says why.

    A token decides how the list continues: one of a sorted page continues sorted, one
    of a page by id continues by id.
    """
    fields = query.mapping.metadata.get_to_show(
        lambda fields: sorting.names_unknown(fields, order)
    )
    keys, notes = sorting.read_order(fields, order)
    token, scope = request.next_page, query.sorted_token_scope
    start, max_records = request.offset, sorting.MAX_SORTED
    continued = token is not None and paging.is_token(scope, token)
    if token and continued:
        # The list may have grown since its first page was sorted.
        start, max_records = paging.read_token(scope, token), 2 * max_records
    elif token and keys:
        keys, reason = [], "nextPage goes on with a list that is not sorted"
        notes.append(f"orderBy was ignored: {reason}.")
    if keys:
        entities, reason = _read_all(query, max_records)
        if not reason:
            ordered = sorting.sort(entities, keys)
            shown = ordered[start:][: request.size]
            end = start + len(shown)
            next_page = paging.write_token(scope, end) if end < len(ordered) else None
            return PageSlice(shown, next_page, len(ordered), tuple(notes))
        if continued:
            raise InvalidRequestError(
                f"nextPage goes on with a sorted list, and now {reason}; leave it out "
                "to begin with the first page."
            )
        notes.append(f"orderBy was ignored: {reason}.")
    return replace(_fetch_by_id(query, request), notes=tuple(notes))


def _read_all(query: ListQuery, max_records: int) -> tuple[list[Entity], str]:
    """Return all entities of a list, or the reason why that is not possible.

    That a list is too long is stored for ten minutes.
    """
    too_long = f"more than {max_records} records match"
    ctx, cursor = query.mapping.ctx, query.cursor("sorted", str(max_records))
    if total_count.find(ctx, cursor) is not None:
        return [], too_long
    try:
        page = paging.collect(cursor, None, max_records + 1)
    except InvalidRequestError:
        return [], "reading all records that match takes too many vendor calls"
    if len(page.entities) > max_records:
        total_count.save(ctx, cursor, CachedCount(None))
        return [], too_long
    return page.entities, ""


def _add_total(query: ListQuery, page: PageSlice[Entity]) -> PageSlice[Entity]:
    if page.total is not None:
        return page
    ctx, cursor = query.mapping.ctx, query.cursor()
    total, reason = total_count.count(ctx, cursor, query.count)
    note = (f"returnTotalCount was ignored: {reason}.",) if reason else ()
    return replace(page, total=total, notes=(*page.notes, *note))
