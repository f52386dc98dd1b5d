"""What became of each row of a create or update of several entities.

The vendor applies a call completely or not at all. A refusal names the rows by their
number, from 1, in the message or in a second one behind it; some refusals name
none. A success has one result for each entity, in the order of the request.
Source: SOAP contract notes, sections 5, 8.1 and 14.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bridge.backends.autotask_soap import faults
from bridge.backends.autotask_soap.decode.reply import Reply
from bridge.backends.autotask_soap.limits import LIMITS
from bridge.backends.autotask_soap.request import Request
from bridge.errors import (
    ProviderError,
    ProviderOutcomeUnknownError,
    ProviderRejectedError,
)
from bridge.interfaces import (
    Entity,
    RowApplied,
    RowRefused,
    RowResult,
    RowSkipped,
    RowUnknown,
)

# Both only where the vendor writes them: a value that a message repeats may hold
# anything.
_AT_RECORD = re.compile(r"on record number \[(\d{1,9})\]\.?\s*\Z", re.IGNORECASE)
_SECOND = re.compile(
    r"\s*error (?:creating|updating|deleting) entity for record number"
    r" \[(\d{1,9})\]\.?\s*\Z",
    re.IGNORECASE,
)
_FIELDS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"required field:? ([^.;\[\]]+)",
        r"(?:in|on) field: ([^.;\[\]]+?)(?: of type:|[.;]|$)",
        r"\(field:([^)]+)\)",
        r"picklist value \[.{0,99}?\] does not exist for ([^.;\[\]]+)",
        r"existing entity for ([^.;\[\]]+)",
        r"^(\w+) is required",
    )
)
"""Where messages name a field. Source: SOAP contract notes, section 14.3."""


def check_rows(operation: str, ids: Sequence[int]) -> None:
    """Check the rows of one call by their ids.

    Raises:
        ValueError: too many rows, or one entity twice.
    """
    if len(ids) > LIMITS.batch:
        message = f"{len(ids)} rows in one call; Autotask takes {LIMITS.batch}."
        raise ValueError(message)
    if operation == "update" and len(set(ids)) < len(ids):
        raise ValueError("One call changes the same entity twice; make it two calls.")


def applied(
    request: Request, ids: Sequence[int], reply: Reply, entities: Sequence[Entity]
) -> list[RowResult]:
    """Return the results of a call that the vendor confirmed; ids as they were sent."""
    if request.operation == "create":
        return _created(request, len(ids), reply, entities)
    return _updated(request, ids, reply, entities)


def failed(
    request: Request, count: int, error: ProviderError, messages: Sequence[str]
) -> list[RowResult]:
    """Return the results of a call that failed, by the messages of its last reply.

    Raises:
        ProviderError: nothing was applied, and no row is to blame for it.
    """
    if isinstance(error, ProviderOutcomeUnknownError):
        return [RowUnknown(error)] * count
    results = _refused(request, count, error, messages)
    if results is None:
        raise error
    return results


def _created(
    request: Request, count: int, reply: Reply, entities: Sequence[Entity]
) -> list[RowResult]:
    """Return the results of a create that the vendor confirmed.

    Only where there are as many ids as rows is it known which row has which.
    """
    infos = reply.infos if len(reply.infos) == count else ()
    ids = [entity.id for entity in entities]
    if len(ids) != count:
        ids = [info.entity_id for info in infos]
    named = [entity_id for entity_id in ids if entity_id > 0]
    in_doubt = _unknown(request, len(named), count)
    if len(ids) != count or len(set(named)) < len(named):
        return [in_doubt] * count
    results: list[RowResult] = [
        RowApplied(entity_id) if entity_id > 0 else in_doubt for entity_id in ids
    ]
    for row, info in enumerate(infos):
        if info.duplicate_found and not info.duplicate_ignored:
            results[row] = RowRefused(faults.duplicate(request, info.match_info).error)
    return results


def _updated(
    request: Request, ids: Sequence[int], reply: Reply, entities: Sequence[Entity]
) -> list[RowResult]:
    """Return the results of an update that the vendor confirmed, by the ids it names.

    An entity that it does not name is in doubt: to read it again costs little.
    """
    named = {entity.id for entity in entities}
    named |= {info.entity_id for info in reply.infos if info.entity_id > 0}
    in_doubt = _unknown(request, len(named.intersection(ids)), len(ids))
    return [
        RowApplied(entity_id) if entity_id in named else in_doubt for entity_id in ids
    ]


def _refused(
    request: Request, count: int, error: ProviderError, messages: Sequence[str]
) -> list[RowResult] | None:
    """Return the results of a call that was refused, None if it names no row.

    The only row of a call needs no name.
    """
    rows = _messages_by_row(messages)
    if count == 1 and isinstance(error, ProviderRejectedError):
        return [RowRefused(error, _fields(messages))]
    if not rows or max(rows) > count or min(rows) < 1:
        return None
    results: list[RowResult] = [RowSkipped()] * count
    for number, said in rows.items():
        failure = faults.refused(request, said)
        results[number - 1] = RowRefused(failure.error, _fields(said))
    return results


def _messages_by_row(messages: Sequence[str]) -> dict[int, list[str]]:
    """Return the messages of each row that is named, without its number.

    A second message belongs to all before it that name no row themselves.
    """
    rows: dict[int, list[str]] = {}
    reasons: list[str] = []
    for message in messages:
        if second := _SECOND.match(message):
            rows.setdefault(int(second[1]), []).extend(reasons or [message])
            reasons = []
        elif named := _AT_RECORD.search(message):
            bare = message[: named.start()].rstrip(" ;")
            rows.setdefault(int(named[1]), []).append(bare)
        else:
            reasons.append(message)
    return rows


def _fields(messages: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_named_fields(messages)))


def _named_fields(messages: Sequence[str]) -> Iterator[str]:
    for message in messages:
        found = next(filter(None, (each.search(message) for each in _FIELDS)), None)
        if found is not None:
            yield found[1].strip()


def _unknown(request: Request, named: int, count: int) -> RowUnknown:
    return RowUnknown(
        ProviderOutcomeUnknownError(
            f"Autotask confirmed the {request} of {count} records, but named only"
            f" {named} of them; look for the others before sending them again."
        )
    )
