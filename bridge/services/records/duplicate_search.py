"""Looking at the vendor for a record whose create was never answered.

The vendor numbers no requests, so a record can only be known by what it holds and by
its age. What can be told from a look, and what cannot:

- A record that holds all that was sent, was made after the send and is no other
  call's is the one. "After" is told by its time of creation, where the entity has one
  that only the vendor sets, with some minutes for clocks that disagree; otherwise by
  an id above the highest that this bridge knew before the send, from its own creates
  of the last day, or for a create with a key from a look before it was sent. Ids
  ascend with creation. Unverified: so in all captured answers. Where the vendor has
  room for one record only, by a field that is unique, it is the one whatever its age.
- Nothing alike since a day before the send, or above that id, means that the record
  is not there now. Whether it may still come is for the caller to wait out.
- All else cannot be told, and then nothing may be sent: a record in doubt (`likeness`
  says which), one that is equal and looks older, several that are equal, one that may
  be another create's which is being sent just now, or too many to look at.

A record whose texts somebody changed in these minutes is not recognised, and an equal
one that somebody else made in these minutes is taken for ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bridge.catalog.model import JSON
from bridge.ceql.ast import Expr, Operator, Predicate, all_of
from bridge.interfaces import (
    Backend,
    DateKind,
    Entity,
    EntityType,
    Field,
    FieldType,
    Scalar,
)
from bridge.services.fields import EntityFields
from bridge.services.records.mapping import RecordMapping, entity_type
from bridge.services.records.parents import ParentLink
from bridge.services.records.record_match import MatchResult, match_record
from bridge.services.records.validation import ValidatedRecord
from bridge.services.records.vendor_records import validate_new
from bridge.store import idempotency_records
from bridge.store.idempotency_records import CreateRequest, IdempotencyRecord

_STAMPS = ("CreateDate", "CreateDateTime", "AttachDate", "DateStamp")
"""Unverified: that an opportunity's `DateStamp` stays as it was at its creation."""

_CLOCK_SLACK = timedelta(minutes=5)
_LONG_BEFORE = timedelta(hours=26)
_MOST_PAGES = 4
_MOST_SHOWN = 5
_WORD = re.compile(r"[^\W_]{2,}")


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What can be told: the record; that it is not there; or `reason`, why neither.

    `passing` tells that another look may soon tell more.
    """

    record: Entity | None = None
    reason: str = ""
    passing: bool = False


def find(
    mapping: RecordMapping,
    body: Mapping[str, JSON],
    wanted: CreateRequest,
    intent: IdempotencyRecord,
) -> SearchResult:
    """Look for the record of an unanswered create. One vendor call, four at most.

    Reading the body costs what `draft_new` says.

    Raises:
        ProviderError: Autotask could not be asked.
    """
    fields, draft = validate_new(mapping, body)
    return find_alike(mapping, fields, draft, wanted, intent)


def find_alike(
    mapping: RecordMapping,
    fields: EntityFields,
    draft: ValidatedRecord,
    wanted: CreateRequest,
    intent: IdempotencyRecord,
    *,
    within: ParentLink | None = None,
) -> SearchResult:
    """Look for a record that holds what a draft says, as `find` does.

    `within` leaves the records of one parent.
    """
    trace = _trace(fields, draft, intent)
    if within is not None:
        trace = replace(trace, where=within.narrow(trace.where))
    seen = _collect(mapping.backend, trace, draft)
    # Asked after the look: what another call has created by then is its own, or that
    # call still counts as sending.
    others = idempotency_records.find_concurrent(
        mapping.ctx.database, intent.id, wanted, [*seen.matches, *seen.doubtful]
    )
    matches = [i for i in seen.matches if i not in others.record_ids]
    doubtful = [i for i in seen.doubtful if i not in others.record_ids]
    in_question = matches + doubtful
    if in_question and others.sending:
        return SearchResult(
            reason="another create is being sent just now", passing=True
        )
    if len(matches) == 1:
        return SearchResult(record=seen.matches[matches[0]])
    if in_question:
        shown = ", ".join(str(i) for i in in_question[:_MOST_SHOWN])
        return SearchResult(reason=f"it may be one of these records: {shown}")
    if not seen.complete:
        return SearchResult(
            reason="too many records were made since to look at them all"
        )
    return SearchResult()


def find_floor(mapping: RecordMapping, body: Mapping[str, JSON]) -> int | None:
    """Return the highest id of the records like one that is to be created, 0 for none.

    None when its time of creation or a unique field will tell more, when the body will
    be refused anyway, and when there are too many. One vendor call, four at most.

    Raises:
        ProviderError: Autotask could not be asked.
    """
    fields, draft = validate_new(mapping, body)
    if draft.problems or _stamp(fields, draft) or _is_unique(fields, draft):
        return None
    highest = 0
    for _ in range(_MOST_PAGES):
        page = mapping.backend.query(
            mapping.entity, all_of(*_word(fields, draft)), after=highest
        )
        highest = max([highest, *map(_id, page.entities)])
        if not page.more:
            return highest
    return None


@dataclass(frozen=True, slots=True)
class _Trace:
    """How the record would be found: its entity, a filter it passes, its age."""

    entity: EntityType
    where: Expr[Field, Scalar] | None
    stamp: Field | None
    unique: bool
    sent_at: datetime
    floor_id: int | None

    def is_recent(self, entity: Entity) -> bool:
        """Tell whether a record above the floor was certainly made after the send.

        One that is equal in a unique field need not be: there is room for no other.
        """
        if self.unique:
            return True
        if self.stamp is None:
            return self.floor_id is not None
        made_at = entity.get(self.stamp.name)
        earliest = self.sent_at - _CLOCK_SLACK
        return isinstance(made_at, datetime) and made_at >= earliest


@dataclass(slots=True)
class _Seen:
    """Records by id: equal and recent ones, and those that may be the one."""

    matches: dict[int, Entity] = field(default_factory=dict)
    doubtful: dict[int, Entity] = field(default_factory=dict)
    complete: bool = False


def _trace(
    fields: EntityFields, draft: ValidatedRecord, intent: IdempotencyRecord
) -> _Trace:
    stamp = _stamp(fields, draft)
    predicates: list[Predicate[Field, Scalar]] = []
    if stamp is not None:
        oldest = intent.sent_at - _LONG_BEFORE
        predicates.append(Predicate(stamp, Operator.GREATER_OR_EQUAL, (oldest,)))
    return _Trace(
        entity=entity_type(fields.resource),
        where=all_of(*predicates, *_word(fields, draft)),
        stamp=stamp,
        unique=_is_unique(fields, draft),
        sent_at=intent.sent_at,
        floor_id=intent.floor_id,
    )


def _is_unique(fields: EntityFields, draft: ValidatedRecord) -> bool:
    """Tell whether the draft has a value of which the vendor takes but one record."""
    unique = fields.resource.facts.unique
    return any(not info.udf and info.name in unique for info, _ in draft.given.values())


def _stamp(fields: EntityFields, draft: ValidatedRecord) -> Field | None:
    """Return the time of creation that only the vendor sets, if there is one."""
    for name in _STAMPS:
        info = fields.standard.get(name)
        if info and info.read_only and not info.required and info.queryable:
            typed = fields.typed(info)
            given = (False, name) in draft.given
            is_instant = typed.date_kind is DateKind.INSTANT
            if info.type is FieldType.DATETIME and is_instant and not given:
                return typed
    return None


def _word(
    fields: EntityFields, draft: ValidatedRecord
) -> list[Predicate[Field, Scalar]]:
    """Ask for one word of one text, which no way of storing the text changes."""
    for info, value in draft.given.values():
        if info.type is not FieldType.STRING or info.udf or not info.queryable:
            continue
        if match := _WORD.search(str(value or "")):
            pattern = f"%{match[0]}%"
            return [Predicate(fields.typed(info), Operator.LIKE, (pattern,))]
    return []


def _collect(backend: Backend, trace: _Trace, draft: ValidatedRecord) -> _Seen:
    seen = _Seen()
    after = trace.floor_id
    for _ in range(_MOST_PAGES):
        page = backend.query(trace.entity, trace.where, after=after)
        for entity in page.entities:
            after = _id(entity)
            likeness = match_record(draft, entity)
            if likeness is MatchResult.SAME and trace.is_recent(entity):
                seen.matches[after] = entity
            elif likeness is not MatchResult.DIFFERENT:
                seen.doubtful[after] = entity
        if not page.more or not page.entities:
            seen.complete = True
            break
    return seen


def _id(entity: Entity) -> int:
    entity_id = entity["id"]
    if not isinstance(entity_id, int):
        raise TypeError(entity_id)
    return entity_id
