"""The request log as its callers read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select

from bridge.store.engine import Database
from bridge.store.models import instance_tags, request_log
from bridge.store.sql import is_storable

_LARGEST_ID = 2**62


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked for in an account's log; times are aware, `until` is excluded.

    `status` is a range of codes, both ends included. `before` starts below a row's
    id. `with_element` leaves out what no instance was asked.
    """

    account_id: int
    since: datetime | None
    until: datetime | None
    element_keys: tuple[str, ...]
    tags: tuple[str, ...]
    status: tuple[int, int] | None
    text: str
    before: int | None
    offset: int
    limit: int
    with_element: bool


@dataclass(frozen=True, slots=True)
class Noted:
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


_ROW = select(*(request_log.c[name] for name in Noted.__slots__))


def list_noted(db: Database, asked: Asked) -> list[Noted]:
    """Return the requests that match, newest first."""
    if not is_storable(asked.text, *asked.element_keys, *asked.tags):
        return []
    found = (
        _ROW.where(*_conditions(asked))
        .order_by(request_log.c.id.desc())
        .offset(min(asked.offset, _LARGEST_ID))
        .limit(asked.limit)
    )
    with db.read() as connection:
        return [Noted(*row) for row in connection.execute(found)]


def find_noted(db: Database, account_id: int, id_or_request_id: str) -> Noted | None:
    """Return one request of an account by either of its ids."""
    text = id_or_request_id
    wanted = request_log.c.request_id == (text if is_storable(text) else "")
    if text.isascii() and text.isdecimal() and int(text) < _LARGEST_ID:
        wanted |= request_log.c.id == int(text)
    found = _ROW.where(request_log.c.account_id == account_id, wanted)
    with db.read() as connection:
        row = connection.execute(found.order_by(request_log.c.id).limit(1)).first()
    return None if row is None else Noted(*row)


def _conditions(asked: Asked) -> list[ColumnElement[bool]]:
    log = request_log.c
    conditions = [log.account_id == asked.account_id]
    if asked.since is not None:
        conditions.append(log.answered_at >= asked.since)
    if asked.until is not None:
        conditions.append(log.answered_at < asked.until)
    if asked.with_element:
        conditions.append(log.element_key.is_not(None))
    if asked.element_keys:
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
