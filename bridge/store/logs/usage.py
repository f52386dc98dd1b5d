"""Reads and counts the request log."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any, Literal, TypeAlias

from sqlalchemy import ColumnElement, Connection, case, func, select

from bridge.store.database.engine import Database
from bridge.store.database.sql import is_storable, written_time
from bridge.store.models import instance_tags, request_log

_MAX_ID = 2**62

Aspect: TypeAlias = Literal["account_id", "element_key", "instance_id"]


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """Which requests of some accounts to find; times are aware, `until` is excluded.

    `element_keys` None includes requests without an element. `status` is a range of
    codes, both ends included. `before` finds rows with lower ids only.
    """

    account_ids: tuple[int, ...]
    since: datetime | None
    until: datetime | None
    element_keys: tuple[str, ...] | None
    tags: tuple[str, ...]
    status: tuple[int, int] | None
    text: str
    before: int | None = None
    offset: int = 0
    limit: int = 100


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One request and the status of its response."""

    id: int
    request_id: str
    answered_at: datetime
    organization_id: int
    account_id: int
    user_id: int
    element_key: str | None
    method: str
    path: str
    route: str
    status: int
    duration_ms: float
    remote_address: str | None


@dataclass(frozen=True, slots=True)
class RequestCount:
    """How many requests have one value or pair, and how many of them failed."""

    kind: Any
    count: int
    failed: int


_FAILED = case((request_log.c.status >= HTTPStatus.BAD_REQUEST, 1), else_=0)
_ROW = select(*(request_log.c[name] for name in LoggedRequest.__slots__))


def list_requests(db: Database, criteria: RequestFilter) -> list[LoggedRequest]:
    """Return the requests that match, newest first."""
    if not _is_storable(criteria):
        return []
    found = (
        _ROW.where(*_conditions(criteria))
        .order_by(request_log.c.id.desc())
        .offset(min(criteria.offset, _MAX_ID))
        .limit(criteria.limit)
    )
    with db.read() as connection:
        return [LoggedRequest(*row) for row in connection.execute(found)]


def count_requests(db: Database, criteria: RequestFilter) -> int:
    """Return how many requests match on all pages."""
    if not _is_storable(criteria):
        return 0
    matching = _conditions(replace(criteria, before=None))
    counted = select(func.count()).select_from(request_log).where(*matching)
    with db.read() as connection:
        return int(connection.execute(counted).scalar_one())


def count_by(
    db: Database, criteria: RequestFilter, aspect: Aspect
) -> list[RequestCount]:
    """Count the requests that match by one column, ascending; None comes first."""
    column = request_log.c[aspect]
    with db.read() as connection:
        counted = _count(connection, criteria, column)
    return sorted(counted, key=lambda each: (each.kind is not None, each.kind))


def count_by_time(
    db: Database, criteria: RequestFilter, width: int
) -> list[RequestCount]:
    """Count the requests that match by the start of their time, and by status.

    The start is the first `width` characters of a time, `2019-03-14 09:26:53` in UTC.
    """
    with db.read() as connection:
        time = written_time(connection, request_log.c.answered_at)
        start = func.substr(time, 1, width)
        return _count(connection, criteria, start, request_log.c.status)


def find_request(
    db: Database, account_id: int, id_or_request_id: str
) -> LoggedRequest | None:
    """Return one request of an account by either of its ids."""
    text = id_or_request_id
    wanted = request_log.c.request_id == (text if is_storable(text) else "")
    if text.isascii() and text.isdecimal() and int(text) < _MAX_ID:
        wanted |= request_log.c.id == int(text)
    found = _ROW.where(request_log.c.account_id == account_id, wanted)
    with db.read() as connection:
        row = connection.execute(found.order_by(request_log.c.id).limit(1)).first()
    return None if row is None else LoggedRequest(*row)


def _count(
    connection: Connection, criteria: RequestFilter, *keys: ColumnElement[Any]
) -> list[RequestCount]:
    if not _is_storable(criteria):
        return []
    counted = (
        select(*keys, func.count(), func.sum(_FAILED))
        .where(*_conditions(criteria))
        .group_by(*keys)
    )
    return [
        RequestCount(kind[0] if len(kind) == 1 else tuple(kind), count, failed)
        for *kind, count, failed in connection.execute(counted)
    ]


def _is_storable(criteria: RequestFilter) -> bool:
    return is_storable(criteria.text, *(criteria.element_keys or ()), *criteria.tags)


def _conditions(criteria: RequestFilter) -> list[ColumnElement[bool]]:
    log = request_log.c
    conditions: list[ColumnElement[bool]] = [log.account_id.in_(criteria.account_ids)]
    if criteria.since is not None:
        conditions.append(log.answered_at >= criteria.since)
    if criteria.until is not None:
        conditions.append(log.answered_at < criteria.until)
    if criteria.element_keys is not None:
        conditions.append(log.element_key.in_(criteria.element_keys))
    for tag in criteria.tags:
        tagged = select(instance_tags.c.instance_id).where(instance_tags.c.tag == tag)
        conditions.append(log.instance_id.in_(tagged))
    if criteria.status is not None:
        conditions.append(log.status.between(*criteria.status))
    if criteria.text:
        conditions.append(log.path.icontains(criteria.text, autoescape=True))
    if criteria.before is not None:
        conditions.append(log.id < criteria.before)
    return conditions
