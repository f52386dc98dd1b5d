"""Searches the vendor for a record whose create had no response.

The vendor numbers no requests, so a record is recognized by its content and its age.
What a search can and cannot establish:

- A record that holds all that was sent, was made after the send and belongs to no other
  call is the one. "After" is decided by its time of creation, where the entity has one
  that only the vendor sets, with some minutes for clocks that differ; otherwise by an
  id above the highest that this bridge knew before the send, from its own creates of
  the last day, or for a create with a key from a query before it was sent. Ids ascend
  with creation. Unverified: so in all captured responses. Where a field is unique at
  the vendor, a record that is equal in it is the one, whatever its age.
- No similar record since a day before the send, or above that id, means that the record
  is not there now. Whether it may still appear is for the caller to wait out.
- Everything else is uncertain, and then nothing may be sent: a record that
  `record_match` finds uncertain, an equal one that looks older, several equal ones, one
  that may belong to another create that is being sent just now, or too many to compare.

A record whose texts were changed in these minutes is not recognized, and an equal
record that was made elsewhere in these minutes is taken for ours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bridge.ceql.ast import Expr, Operator, Predicate, all_of
from bridge.interfaces import DateKind, Entity, Field, FieldType, Scalar
from bridge.services.records.creates.record_match import MatchResult, match_record
from bridge.services.records.mapping import RecordMapping
from bridge.services.records.parents import ParentLink
from bridge.services.records.validation import ValidatedRecord
from bridge.store import idempotency_records
from bridge.store.idempotency_records import CreateRequest, IdempotencyRecord

_CREATION_FIELDS = ("CreateDate", "CreateDateTime", "AttachDate", "DateStamp")
"""Unverified: that an opportunity's `DateStamp` stays as it was at its creation."""

_CLOCK_SLACK = timedelta(minutes=5)
_LOOKBACK = timedelta(hours=26)
_MAX_PAGES = 4
_MAX_SHOWN = 5
_WORD = re.compile(r"[^\W_]{2,}")


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched for: a record that an earlier call tried to create.

    `earlier` is the idempotency record of that call, `within` the record's parent.
    """

    mapping: RecordMapping
    record: ValidatedRecord
    request: CreateRequest
    earlier: IdempotencyRecord
    within: ParentLink | None = None


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The record; or that it is not there; or `reason`, why neither is certain.

    `transient` means that another search may soon be certain.
    """

    record: Entity | None = None
    reason: str = ""
    transient: bool = False


def find(search: Search) -> SearchResult:
    """Search for the record of a create without a response. Up to four vendor calls.

    Raises:
        ProviderError: Autotask could not be queried.
    """
    found = _query(search)
    # Read after the vendor was queried: a record that another call has created by then
    # is known as its own, or that call still counts as sending.
    others = idempotency_records.find_concurrent(
        search.mapping.ctx.database,
        search.earlier.id,
        search.request,
        [*found.matches, *found.uncertain],
    )
    matches = [i for i in found.matches if i not in others.record_ids]
    uncertain = [i for i in found.uncertain if i not in others.record_ids]
    candidates = matches + uncertain
    # Also for one match: it may be what the other create has just made.
    if candidates and others.sending:
        return SearchResult(
            reason="another create is being sent just now", transient=True
        )
    if len(matches) == 1:
        return SearchResult(record=found.matches[matches[0]])
    if candidates:
        shown = ", ".join(str(i) for i in candidates[:_MAX_SHOWN])
        return SearchResult(reason=f"it may be one of these records: {shown}")
    if not found.complete:
        return SearchResult(
            reason="too many records were made since to look at them all"
        )
    return SearchResult()


def find_floor(mapping: RecordMapping, record: ValidatedRecord) -> int | None:
    """Return the highest id of the records like the one to create, 0 without any.

    None when its time of creation or a unique field identifies it better, which costs
    no vendor call, and when there are too many. Otherwise one call, four at most.

    Raises:
        ProviderError: Autotask could not be queried.
    """
    if _creation_field(record) or _is_unique(record):
        return None
    highest = 0
    for _ in range(_MAX_PAGES):
        page = mapping.backend.query(
            mapping.entity, all_of(*_word(record)), after=highest
        )
        highest = max([highest, *(entity.id for entity in page.entities)])
        if not page.more:
            return highest
    return None


@dataclass(slots=True)
class _Candidates:
    """Records by id: equal and recent ones, and those that may be the one."""

    matches: dict[int, Entity] = field(default_factory=dict)
    uncertain: dict[int, Entity] = field(default_factory=dict)
    complete: bool = False


def _query(search: Search) -> _Candidates:
    mapping, record, earlier = search.mapping, search.record, search.earlier
    created = _creation_field(record)
    where = _filter(search, created)
    unique = _is_unique(record)
    found = _Candidates()
    after = earlier.floor_id
    for _ in range(_MAX_PAGES):
        page = mapping.backend.query(mapping.typed_entity, where, after=after)
        for entity in page.entities:
            after = entity.id
            match = match_record(record, entity)
            recent = unique or _is_recent(entity, created, earlier)
            if match is MatchResult.SAME and recent:
                found.matches[after] = entity
            elif match is not MatchResult.DIFFERENT:
                found.uncertain[after] = entity
        if not page.more or not page.entities:
            found.complete = True
            break
    return found


def _filter(search: Search, created: Field | None) -> Expr[Field, Scalar] | None:
    conditions: list[Expr[Field, Scalar]] = []
    if created is not None:
        oldest = search.earlier.sent_at - _LOOKBACK
        conditions.append(Predicate(created, Operator.GREATER_OR_EQUAL, (oldest,)))
    where = all_of(*conditions, *_word(search.record))
    return where if search.within is None else search.within.narrow(where)


def _is_recent(
    entity: Entity, created: Field | None, earlier: IdempotencyRecord
) -> bool:
    """Return whether a record above the floor was certainly made after the send."""
    if created is None:
        return earlier.floor_id is not None
    made_at = entity.get(created)
    earliest = earlier.sent_at - _CLOCK_SLACK
    return isinstance(made_at, datetime) and made_at >= earliest


def _is_unique(record: ValidatedRecord) -> bool:
    """Return whether a value is in a field that is unique at the vendor."""
    unique = record.fields.resource.facts.unique
    return any(
        not info.udf and info.name in unique for info, _ in record.given.values()
    )


def _creation_field(record: ValidatedRecord) -> Field | None:
    """Return the field of the creation time that only the vendor sets, if any."""
    for name in _CREATION_FIELDS:
        info = record.fields.standard.get(name)
        if info and info.read_only and not info.required and info.queryable:
            typed = record.fields.typed(info)
            given = (False, name) in record.given
            is_instant = typed.date_kind is DateKind.INSTANT
            if info.type is FieldType.DATETIME and is_instant and not given:
                return typed
    return None


def _word(record: ValidatedRecord) -> list[Predicate[Field, Scalar]]:
    """Return a test for one word of one text, which the vendor stores unchanged."""
    for info, value in record.given.values():
        if info.type is not FieldType.STRING or info.udf or not info.queryable:
            continue
        if match := _WORD.search(str(value or "")):
            pattern = f"%{match[0]}%"
            return [Predicate(record.fields.typed(info), Operator.LIKE, (pattern,))]
    return []
