"""Lists of records: filtered, paged, sorted, counted.

Facade terms outside, vendor terms inside. Knows no HTTP, no SOAP and no tables.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import partial

from bridge.catalog.model import Resource, Verb
from bridge.ceql.ast import Expr
from bridge.ceql.parser import parse_where
from bridge.errors import InvalidRequestError
from bridge.interfaces import Entity, Field, Page, Scalar
from bridge.services import paging
from bridge.services.context import Context
from bridge.services.credentials import open_backend, vendor_zone
from bridge.services.metadata import entity_fields, fields_to_show
from bridge.services.objects import find_object
from bridge.services.records import query_plan, sorting, total_count
from bridge.services.records.discriminator import lacks_fixed, narrow
from bridge.services.records.filters import names_unknown, read_filter
from bridge.services.records.parents import ParentLink
from bridge.services.records.serializer import (
    PLAIN,
    Record,
    RecordOptions,
    open_serializer,
)
from bridge.services.records.vendor_records import entity_type, read_parent
from bridge.store.count_cache import CachedCount
from bridge.store.instances import Instance


@dataclass(frozen=True, slots=True)
class ListRequest:
    """What a list call asks for. `page` counts from 1; `next_page` wins over it.

    `order` is the text of `orderBy`; `total` asks how many records match in all.
    """

    where: str = ""
    page: int = 1
    page_size: int = 200
    next_page: str | None = None
    view: RecordOptions = PLAIN
    order: str = ""
    total: bool = False


@dataclass(frozen=True, slots=True)
class RecordPage:
    """One page of records; `next_page` only when a further page may exist.

    `total` is given when it was asked for and found; `notes` say what was not as
    asked for.
    """

    records: list[Record]
    next_page: str | None
    total: int | None = None
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Slice:
    entities: list[Entity]
    next_page: str | None
    total: int | None = None
    notes: list[str] = field(default_factory=list)


def list_records(
    ctx: Context,
    instance: Instance,
    object_name: str,
    listing: ListRequest,
    *,
    within: ParentLink | None = None,
) -> RecordPage:
    """Return the page of records that `listing` asks for, ascending by id.

    One vendor call for each 500 records of the page. By token nothing more; by
    number, when the end of the page before is no longer remembered, one for each
    500 records skipped. A list that ends with a full vendor reply has one empty page
    more: to know better would cost a call. A filter that one query cannot hold costs
    what `queries.open_fetch` says.

    `within` leaves the children of one record; when there are none, one call more
    tells whether the parent exists. Below a lead it is asked for in any case. Sorting
    reads the whole list for each page, up to eleven calls of a plain filter; of a list
    that turns out too long to be sorted, so many once in ten minutes. Pages by token
    may go on to twice that length, because the list may have grown. A total costs up to
    twenty calls once in ten minutes, none when the page tells it. Labels cost what
    `labels` says.

    Raises:
        NotFoundError: no such resource or parent.
        VerbNotSupportedError: this resource cannot be listed.
        InvalidRequestError: `where` or `nextPage` cannot be used.
        ProviderError: Autotask refused, or gave no usable answer.
    """
    resource = find_object(ctx, instance, object_name)
    resource.require(Verb.LIST, "GET")
    question = _ask(ctx, instance, resource, listing, within)
    found = _sorted(question, listing) if listing.order else _by_id(question, listing)
    if within is not None and (within.parent.fixed or not found.entities):
        read_parent(ctx, instance, within)
    if listing.total and found.total is None:
        walk = question.walk(most_calls=total_count.MAX_CALLS)
        found.total, reason = total_count.count(ctx, walk)
        if reason:
            found.notes.append(f"returnTotalCount was ignored: {reason}.")
    shape = open_serializer(ctx, instance, resource, listing.view)
    records = shape.records(found.entities)
    return RecordPage(
        records,
        found.next_page,
        found.total if listing.total else None,
        (*found.notes, *shape.notes),
    )


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What is listed, whatever the page. Every walk reads it from where it likes."""

    ctx: Context
    instance: Instance
    resource: Resource
    where: Expr[Field, Scalar] | None
    identity: tuple[str, ...]

    @property
    def sorted_scope(self) -> str:
        """What tokens of sorted pages belong to."""
        return f"{self.resource.entity} sorted"

    def walk(self, *purpose: str, most_calls: int | None = None) -> paging.Cursor:
        """Return a walk from the start, with a purpose for what is remembered of it.

        One that takes more vendor calls ends with an InvalidRequestError.
        """
        backend = open_backend(self.ctx, self.instance)
        entity = entity_type(self.resource)

        def ask(
            where: Expr[Field, Scalar] | None, after: int | None, limit: int
        ) -> Page:
            return backend.query(entity, where, after=after, limit=limit, shared=True)

        zone = partial(vendor_zone, self.ctx, self.instance)
        asked: query_plan.RunQuery = ask
        if most_calls is not None:
            asked = query_plan.limit_calls(ask, most_calls, total_count.BEYOND)
        fetch = query_plan.open_fetch(query_plan.make_plan(self.where), asked, zone)
        named = "\0".join((*self.identity, *purpose)).encode()
        return paging.Cursor(self.instance.id, hashlib.sha256(named).digest(), fetch)


def _sorted(question: ListQuery, listing: ListRequest) -> _Slice:
    """Return the slice in the order asked for, or by id with a note why."""
    fields = fields_to_show(
        question.ctx,
        question.instance,
        question.resource,
        lambda fields: sorting.names_unknown(fields, listing.order),
    )
    keys, notes = sorting.read_order(fields, listing.order)
    token, scope = listing.next_page, question.sorted_scope
    start, most = (listing.page - 1) * listing.page_size, sorting.MAX_SORTED
    continued = token is not None and paging.is_token(scope, token)
    if token and continued:
        # The list may have grown since its first page was sorted.
        start, most = paging.read_token(scope, token), 2 * most
    elif token and keys:
        keys, reason = [], "nextPage goes on with a list that is not sorted"
        notes.append(f"orderBy was ignored: {reason}.")
    if keys:
        whole, reason = _read_whole(question, most)
        if not reason:
            zone = vendor_zone(question.ctx, question.instance)
            shown = sorting.sort(whole, keys, zone)[start:][: listing.page_size]
            end = start + len(shown)
            further = paging.write_token(scope, end) if end < len(whole) else None
            return _Slice(shown, further, len(whole), notes)
        if continued:
            raise InvalidRequestError(
                f"nextPage goes on with a sorted list, and now {reason}; leave it out "
                "to begin with the first page."
            )
        notes.append(f"orderBy was ignored: {reason}.")
    plain = _by_id(question, listing)
    plain.notes += notes
    return plain


def _read_whole(question: ListQuery, most: int) -> tuple[list[Entity], str]:
    """Return all entities of a list, or the reason why not.

    That a list is too long is remembered for ten minutes.
    """
    too_long = f"more than {most} records match"
    walk = question.walk("sorted", str(most))
    if total_count.recall(question.ctx, walk) is not None:
        return [], too_long
    try:
        whole = paging.collect(walk, None, most + 1)
    except InvalidRequestError:
        return [], "reading all records that match takes too many vendor calls"
    if len(whole.entities) > most:
        total_count.keep(question.ctx, walk, CachedCount(None))
        return [], too_long
    return whole.entities, ""


def _by_id(question: ListQuery, listing: ListRequest) -> _Slice:
    entity, walk = question.resource.entity, question.walk()
    if listing.next_page:
        if paging.is_token(question.sorted_scope, listing.next_page):
            raise InvalidRequestError(
                "nextPage goes on with a sorted list: send the same orderBy with it, "
                "or leave nextPage out to begin with the first page."
            )
        after = paging.read_token(entity, listing.next_page)
        page = paging.collect(walk, after, listing.page_size)
    else:
        page = paging.collect_numbered(
            question.ctx, walk, listing.page, listing.page_size
        )
    last = paging.last_id(page.entities, None)
    if page.more and last is not None:
        return _Slice(page.entities, paging.write_token(entity, last))
    total = None
    if not listing.next_page and (page.entities or listing.page == 1):
        total = (listing.page - 1) * listing.page_size + len(page.entities)
    return _Slice(page.entities, None, total)


def _ask(
    ctx: Context,
    instance: Instance,
    resource: Resource,
    listing: ListRequest,
    within: ParentLink | None,
) -> ListQuery:
    where = _read_where(ctx, instance, resource, listing.where)
    identity: tuple[str, ...] = (resource.name, listing.where.strip())
    if within is not None:
        where = within.narrow(where)
        identity += within.identity
    return ListQuery(ctx, instance, resource, where, identity)


def _read_where(
    ctx: Context, instance: Instance, resource: Resource, where: str
) -> Expr[Field, Scalar] | None:
    expr = parse_where(where)
    if expr is None and resource.fixed is None:
        return None
    fields = entity_fields(
        ctx,
        instance,
        resource,
        lambda fields: (
            lacks_fixed(fields) or (expr is not None and names_unknown(fields, expr))
        ),
    )
    zone = partial(vendor_zone, ctx, instance)
    return narrow(fields, None if expr is None else read_filter(fields, expr, zone))
