"""What is listed, whatever the page: the filter from its text to vendor queries."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial

from bridge.ceql.ast import Expr
from bridge.ceql.parser import parse_where
from bridge.interfaces import EntityType, Field, Page, Scalar
from bridge.services.fields import EntityFields
from bridge.services.filtering.record_filter import names_unknown, read_filter
from bridge.services.paging import Cursor
from bridge.services.records.discriminator import lacks_fixed, narrow
from bridge.services.records.lists import cursors, total_count
from bridge.services.records.lists.query_plan import QueryPlan, Where, make_plan
from bridge.services.records.mapping import RecordMapping
from bridge.services.records.parents import ParentLink


@dataclass(frozen=True, slots=True)
class ListQuery:
    """The records of one list; every cursor reads them from wherever it starts.

    `identity` is equal for equal lists of one instance.
    """

    mapping: RecordMapping
    plan: QueryPlan
    identity: str

    @classmethod
    def build(
        cls, mapping: RecordMapping, where: str, within: ParentLink | None
    ) -> ListQuery:
        """Return the query for the text of `where`, below a parent or not.

        Vendor calls as `mapping.metadata`; none without a filter, unless the resource
        is only a part of its entity (`fixed`).

        Raises:
            InvalidQueryError: the text cannot be parsed, names an unknown field, or
                needs more than the vendor's queries can hold.
        """
        filter_ = _parse_filter(mapping, where)
        if within is not None:
            filter_ = within.narrow(filter_)
        # In the vendor's terms: what a caller's name stands for may change.
        identity = f"{mapping.resource.entity} {filter_!r}"
        plan = make_plan(filter_, mapping.backend.limits)
        return cls(mapping, plan, identity)

    @property
    def token_scope(self) -> str:
        """What the tokens of pages in the order of ids belong to."""
        # Not the filter: an id is a position in any list of the entity.
        return self.mapping.resource.entity

    @property
    def sorted_token_scope(self) -> str:
        """What the tokens of sorted pages belong to."""
        return f"{self.mapping.resource.entity} sorted"

    def cursor(self, *purpose: str, max_calls: int | None = None) -> Cursor:
        """Return a cursor; a `purpose` separates what is stored for it.

        A cursor that needs more than `max_calls` vendor calls raises an
        InvalidRequestError.
        """
        backend = self.mapping.backend
        run: cursors.RunQuery = partial(self._run, self.mapping.typed_entity)
        if max_calls is not None:
            run = cursors.limit_calls(run, max_calls, total_count.BEYOND)
        fetch_page = cursors.open_fetch(
            self.plan, run, backend.times.comparable, backend.limits
        )
        skip_page = None
        if self._is_one_query and max_calls is None:
            # Types may cost calls for metadata, and records that are skipped have no
            # use for them.
            (query,) = self.plan.subqueries
            skip_page = partial(self._run, self.mapping.entity, query.where)
        # No filter holds NUL, so that different lists have different names.
        name = "\0".join((self.identity, *purpose)).encode()
        digest = hashlib.sha256(name).digest()
        size = backend.limits.page
        return Cursor(self.mapping.instance.id, digest, size, fetch_page, skip_page)

    def _run(
        self, entity: EntityType, where: Where | None, after: int | None, limit: int
    ) -> Page:
        query = self.mapping.backend.query
        return query(entity, where, after=after, limit=limit, shared=True)

    @property
    def _is_one_query(self) -> bool:
        return not self.plan.local_filter and len(self.plan.subqueries) == 1

    def count(self) -> int | None:
        """Return how many records the list has, None where that costs too much.

        Vendor calls as `Backend.count`, at most `total_count.MAX_CALLS`. What is merged
        or filtered in this process is read for it.

        Raises:
            InvalidRequestError: reading it takes too many vendor calls.
        """
        max_calls = total_count.MAX_CALLS
        if not self._is_one_query:
            return total_count.walk(self.cursor(max_calls=max_calls))
        (query,) = self.plan.subqueries
        backend, entity = self.mapping.backend, self.mapping.entity
        return backend.count(entity, query.where, max_calls=max_calls)


def _parse_filter(mapping: RecordMapping, where: str) -> Expr[Field, Scalar] | None:
    expr = parse_where(where)
    if expr is None and mapping.resource.fixed is None:
        return None

    def in_doubt(fields: EntityFields) -> bool:
        return lacks_fixed(fields) or (expr is not None and names_unknown(fields, expr))

    fields = mapping.metadata.get(in_doubt)
    if expr is None:
        return narrow(fields, None)
    return narrow(fields, read_filter(expr, partial(mapping.read_condition, fields)))
