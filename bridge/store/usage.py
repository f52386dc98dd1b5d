"""The request log as its callers read it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any, Literal, TypeAlias

from sqlalchemy import ColumnElement, Connection, case, func, select

from bridge.store.database.engine import Database
from bridge.store.database.sql import is_storable, written_time
from bridge.store.models import instance_tags, request_log

_LARGEST_ID = 2**62

Aspect: TypeAlias = Literal["account_id", "element_key", "instance_id"]


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """What is looked for in accounts' log; times are aware, `until` is excluded.

    `element_keys` None are all, and what no instance was asked. `status` is a range
    of codes, both ends included. `before` starts below a row's id.
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
    """One request as it was answered."""

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
    """How many requests there were of one kind, and how many of them failed."""

    kind: Any
    count: int
    failed: int


_FAILED = case((request_log.c.status >= HTTPStatus.BAD_REQUEST, 1), else_=0)
_ROW = select(*(request_log.c[name] for name in LoggedRequest.__slots__))


def list_requests(db: Database, asked: RequestFilter) -> list[LoggedRequest]:
    """Return the requests that match, newest first."""
    if not _is_storable(asked):
        return []
    found = (
        _ROW.where(*_conditions(asked))
        .order_by(request_log.c.id.desc())
        .offset(min(asked.offset, _LARGEST_ID))
        .limit(asked.limit)
    )
    with db.read() as connection:
        return [LoggedRequest(*row) for row in connection.execute(found)]


def count_requests(db: Database, asked: RequestFilter) -> int:
    """Return how many requests match, on whichever page."""
    if not _is_storable(asked):
        return 0
    matching = _conditions(replace(asked, before=None))
    counted = select(func.count()).select_from(request_log).where(*matching)
    with db.read() as connection:
        return int(connection.execute(counted).scalar_one())


def count_by(db: Database, asked: RequestFilter, aspect: Aspect) -> list[RequestCount]:
    """Return how many requests match by one aspect, ascending.

    What has none, such as calls of no element, comes first.
    """
    column = request_log.c[aspect]
    with db.read() as connection:
        counted = _count(connection, asked, column)
    return sorted(counted, key=lambda each: (each.kind is not None, each.kind))


def count_by_time(db: Database, asked: RequestFilter, width: int) -> list[RequestCount]:
    """Return how many requests match by the first `width` characters of their time.

    A time is written `2019-03-14 09:26:53`, in UTC.
    """
    with db.read() as connection:
        return _count(connection, asked, _start_of_time(connection, width))


def count_statuses_by_time(
    db: Database, asked: RequestFilter, width: int
) -> list[RequestCount]:
    """Return how many requests match by time, as `count_by_time`, and by status.

    The kinds are pairs of the two.
    """
    with db.read() as connection:
        time = _start_of_time(connection, width)
        return _count(connection, asked, time, request_log.c.status)


def find_request(
    db: Database, account_id: int, id_or_request_id: str
) -> LoggedRequest | None:
    """Return one request of an account by either of its ids."""
    text = id_or_request_id
    wanted = request_log.c.request_id == (text if is_storable(text) else "")
    if text.isascii() and text.isdecimal() and int(text) < _LARGEST_ID:
        wanted |= request_log.c.id == int(text)
    found = _ROW.where(request_log.c.account_id == account_id, wanted)
    with db.read() as connection:
        row = connection.execute(found.order_by(request_log.c.id).limit(1)).first()
    return None if row is None else LoggedRequest(*row)


def _start_of_time(connection: Connection, width: int) -> ColumnElement[Any]:
    time = written_time(connection, request_log.c.answered_at)
    return func.substr(time, 1, width)


def _count(
    connection: Connection, asked: RequestFilter, *keys: ColumnElement[Any]
) -> list[RequestCount]:
    if not _is_storable(asked):
        return []
    counted = (
        select(*keys, func.count(), func.sum(_FAILED))
        .where(*_conditions(asked))
        .group_by(*keys)
    )
    return [
        RequestCount(kind[0] if len(kind) == 1 else tuple(kind), count, failed)
        for *kind, count, failed in connection.execute(counted)
    ]


def _is_storable(asked: RequestFilter) -> bool:
    return is_storable(asked.text, *(asked.element_keys or ()), *asked.tags)


def _conditions(asked: RequestFilter) -> list[ColumnElement[bool]]:
    log = request_log.c
    conditions: list[ColumnElement[bool]] = [log.account_id.in_(asked.account_ids)]
    if asked.since is not None:
        conditions.append(log.answered_at >= asked.since)
    if asked.until is not None:
        conditions.append(log.answered_at < asked.until)
    if asked.element_keys is not None:
        conditions.append(log.element_key.in_(asked.element_keys))
    for tag in asked.tags:
        tagged = select(instance_tags.c.instance_id).where(instance_tags.c.tag == tag)
        conditions.append(log.instance_id.in_(tagged))
    if asked.status is not None:
        conditions.append(log.status.between(*asked.status))
    if asked.text:
        conditions.append(log.path.icontains(asked.text, autoescape=True))
    if asked.before is not None:
        conditions.append(log.id < asked.before)
    return conditions
