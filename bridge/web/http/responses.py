"""JSON responses: objects, lists, pages, and the headers of every response.

Paging is in headers, bodies are bare arrays. Source: elements-api 1.5, 1.8, 1.9, 4.3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypeVar

import orjson
from flask import Response, request

from bridge.errors import single_full_stops
from bridge.services.paging import PageSlice, slice_page
from bridge.services.records.write_result import WriteResult
from bridge.web.http import query_string, request_context
from bridge.web.http.route_auth import AuthRule, auth_rule

T = TypeVar("T")

JSON_TYPE = "application/json;charset=UTF-8"
_MAX_NOTE = 1000
_WIDTH = 63


def to_json(value: object) -> bytes:
    """Serialize a value as JSON; times to the second in UTC, decimals exactly."""
    # orjson would write the offset as `+00:00`.
    option = orjson.OPT_PASSTHROUGH_DATETIME
    try:
        return orjson.dumps(value, default=_jsonable, option=option)
    except orjson.JSONEncodeError:
        # Only after a failure: copying every response would be slow.
        return orjson.dumps(_exact(value), default=_jsonable, option=option)


def _exact(value: object) -> object:
    """Return a value whose integers beyond 64 bits, which orjson refuses, are text."""
    if isinstance(value, Mapping):
        return {name: _exact(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_exact(item) for item in value]
    is_wide = isinstance(value, int) and value.bit_length() > _WIDTH
    return orjson.Fragment(str(value)) if is_wide else value


def _jsonable(value: object) -> object:
    """Serialize types that JSON lacks."""
    # A `datetime` is also a `date`, so it is checked first.
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
    notes: Sequence[str] = (),
) -> Response:
    """Return one object; `ignored` names members of the request that were not used."""
    response = Response(to_json(body), content_type=JSON_TYPE)
    unused = [f"These members were ignored: {', '.join(ignored)}."] if ignored else []
    _add_notes(response, [*unused, *notes])
    return response


def json_page(page: PageSlice[T], notes: Sequence[str] = ()) -> Response:
    """Return a bare array; the token header is absent on the last page."""
    response = Response(to_json(page.items), content_type=JSON_TYPE)
    if page.total is not None:
        response.headers["Elements-Total-Count"] = str(page.total)
    if page.next_page is not None:
        response.headers["Elements-Next-Page-Token"] = page.next_page
    _add_notes(response, [*notes, *page.notes])
    response.headers["Elements-Returned-Count"] = str(len(page.items))
    return response


def json_list(items: Sequence[object]) -> Response:
    """Return a whole list, or the page of it that the query requests.

    Raises:
        InvalidRequestError: `page` or `pageSize` is not a number, or `nextPage` not a
            token of this list.
    """
    query = query_string.current_query()
    if not query_string.wants_page(query):
        total = len(items) if query_string.wants_total(query) else None
        return json_page(PageSlice(items, None, total))
    page, notes = query_string.page_request(query)
    # Page tokens contain the name of the endpoint: renaming a view invalidates them.
    return json_page(slice_page(str(request.endpoint), items, page), notes)


def dry_run_result(
    document_: Mapping[str, object], ignored: Sequence[str], notes: Sequence[str] = ()
) -> Response:
    """Return what a write would send, and which members it would ignore."""
    return json_object(document_, ignored=ignored, notes=notes)


def write_result(result: WriteResult) -> Response:
    """Return the record as stored, and in headers what its caller should know."""
    done = [f"The record was {result.notice}."] if result.notice else []
    response = json_object(
        result.record, ignored=result.ignored, notes=[*done, *result.notes]
    )
    return mark_replay(response, replayed=result.replayed)


def mark_replay(response: Response, *, replayed: bool) -> Response:
    """Mark a response that repeats that of an earlier request of the same create."""
    if replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def empty() -> Response:
    """Return 200 without a body, as after a delete."""
    return Response(b"", content_type=JSON_TYPE)


def _add_notes(response: Response, notes: Sequence[str]) -> None:
    """Set `Elements-Error`, in printable ASCII and limited in length."""
    # Notes repeat names of the caller's members, which may contain line breaks.
    if notes:
        sentences = single_full_stops(" ".join(notes))
        text = sentences.encode("ascii", "backslashreplace").decode("ascii")
        printable = re.sub(r"[^\x20-\x7e]", " ", text)
        response.headers["Elements-Error"] = printable[:_MAX_NOTE]


def finish(response: Response) -> Response:
    """Add the headers of every response, errors included."""
    response.headers["Elements-Request-Id"] = request_context.request_id()
    instance = request_context.find_instance()
    if instance is not None and _is_hub_call():
        response.headers["Elements-Element-Instance-Id"] = str(instance.id)
    return response


def _is_hub_call() -> bool:
    return (
        auth_rule(request.method, request.path, request_context.secrets())
        is AuthRule.HUB
    )
