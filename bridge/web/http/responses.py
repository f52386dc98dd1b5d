"""JSON documents, listings and the headers that every answer carries.

Paging lives in headers and bodies are bare. Source: elements-api 1.5, 1.8, 1.9, 4.3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import orjson
from flask import Response, request

from bridge.errors import single_full_stops
from bridge.services import paging
from bridge.web.http import query_string, request_context
from bridge.web.http.route_auth import AuthRule, family_of

JSON_TYPE = "application/json;charset=UTF-8"
_MAX_NOTE = 1000
_WIDTH = 63


def to_json(value: object) -> bytes:
    """Return a value as JSON; times to the second in UTC, decimals digit by digit."""
    option = orjson.OPT_PASSTHROUGH_DATETIME
    try:
        return orjson.dumps(value, default=_jsonable, option=option)
    except orjson.JSONEncodeError:
        return orjson.dumps(_exact(value), default=_jsonable, option=option)


def _exact(value: object) -> object:
    """Return a value with whole numbers of more than 64 bits written digit by digit."""
    if isinstance(value, Mapping):
        return {name: _exact(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_exact(item) for item in value]
    is_wide = isinstance(value, int) and value.bit_length() > _WIDTH
    return orjson.Fragment(str(value)) if is_wide else value


def _jsonable(value: object) -> object:
    """Write what JSON has no type for; `datetime` first, it is a `date` as well."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise TypeError("A time without a zone cannot be written.")
        utc = value.astimezone(UTC).replace(microsecond=0, tzinfo=None)
        return f"{utc.isoformat()}+0000"
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00+0000"
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(format(value, "f"))
    raise TypeError(f"{type(value).__name__} has no JSON form.")


def json_object(
    body: Mapping[str, object],
    *,
    ignored: Sequence[str] = (),
    notice: str = "",
    notes: Sequence[str] = (),
) -> Response:
    """Answer one object; `ignored` names members of the request that were not used."""
    response = Response(to_json(body), content_type=JSON_TYPE)
    unused = [f"These members were ignored: {', '.join(ignored)}."] if ignored else []
    told = [f"The record was {notice}."] if notice else []
    _add_notes(response, [*unused, *told, *notes])
    return response


def json_page(
    items: Sequence[object],
    *,
    next_page: str | None,
    total: int | None = None,
    notes: Sequence[str] = (),
) -> Response:
    """Answer a bare array; the token header is absent on the last page."""
    response = Response(to_json(items), content_type=JSON_TYPE)
    if total is not None:
        response.headers["Elements-Total-Count"] = str(total)
    if next_page is not None:
        response.headers["Elements-Next-Page-Token"] = next_page
    _add_notes(response, notes)
    response.headers["Elements-Returned-Count"] = str(len(items))
    return response


def json_list(items: Sequence[object]) -> Response:
    """Answer a whole list, or the page of it that the call asks for.

    Raises:
        InvalidRequestError: `page` or `pageSize` is no number, `nextPage` no token of
            this list.
    """
    query = query_string.current_query()
    if not query_string.wants_page(query):
        total = len(items) if query_string.wants_total(query) else None
        return json_page(items, next_page=None, total=total)
    asked, notes = query_string.cut(query)
    piece = paging.slice_page(str(request.endpoint), items, asked)
    return json_page(
        piece.items, next_page=piece.next_page, total=piece.total, notes=notes
    )


def rehearsed(
    document_: Mapping[str, object], ignored: Sequence[str], notes: Sequence[str] = ()
) -> Response:
    """Answer what a write would send, and which members it would not use."""
    return json_object(document_, ignored=ignored, notes=notes)


def mark_replay(response: Response, *, replayed: bool) -> Response:
    """Tell a caller that the answer is that of an earlier call of the same create."""
    if replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def empty() -> Response:
    """Answer 200 without a body, as deletes and switches do."""
    return Response(b"", content_type=JSON_TYPE)


def _add_notes(response: Response, notes: Sequence[str]) -> None:
    """Set `Elements-Error`; member names are a caller's text and may hold anything."""
    if notes:
        sentences = single_full_stops(" ".join(notes))
        text = sentences.encode("ascii", "backslashreplace").decode("ascii")
        printable = re.sub(r"[^\x20-\x7e]", " ", text)
        response.headers["Elements-Error"] = printable[:_MAX_NOTE]


def finish(response: Response) -> Response:
    """Add the headers that every answer carries, errors included."""
    response.headers["Elements-Request-Id"] = request_context.request_id()
    instance = request_context.opened()
    if instance is not None and _is_hub_call():
        response.headers["Elements-Element-Instance-Id"] = str(instance.id)
    return response


def _is_hub_call() -> bool:
    return (
        family_of(request.method, request.path, request_context.secrets())
        is AuthRule.HUB
    )
