"""The log of requests, as callers may read it. No vendor call.

Source: elements-api appendix A.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from datetime import datetime

from bridge.errors import InvalidRequestError, NotFoundError
from bridge.services import paging
from bridge.services.context import Context
from bridge.services.paging import FIRST_PAGE, PageRequest, PageSlice
from bridge.services.times import write_time
from bridge.services.values import read_time_text
from bridge.store.logs import usage as rows
from bridge.store.logs.usage import LoggedRequest, RequestFilter
from bridge.store.organizations import User
from bridge.types import JSON

_SCOPE = "usage"
_REQUEST_ID = re.compile("[0-9a-f]{24}")
_SUCCESS, _FAILED = (100, 399), (400, 599)
_STATUS_WORDS = {
    "success": _SUCCESS,
    "successful": _SUCCESS,
    "failed": _FAILED,
    "failure": _FAILED,
    "error": _FAILED,
}
_OTHERS_WRITE_WITHIN_S = 1.0
_PAUSE_S = 0.1


@dataclass(frozen=True, slots=True)
class UsageSearch:
    """The parameters of a search in the log."""

    since: str = ""
    until: str = ""
    hub: str = ""
    keys: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    status: str = ""
    text: str = ""
    page: PageRequest = FIRST_PAGE


def list_usage(
    ctx: Context, user: User, search: UsageSearch
) -> PageSlice[dict[str, JSON]]:
    """Return requests of the caller's account, newest first.

    They include all requests that this process completed before this call.

    Raises:
        InvalidRequestError: a date, the status or the token is invalid.
        NotFoundError: the time is in the future.
    """
    query = read_search(ctx, user, search)
    page = search.page
    before = paging.read_token(_SCOPE, page.next_page) if page.next_page else None
    query = replace(
        query,
        before=before,
        # A token replaces the offset, which would skip records twice.
        offset=0 if before else page.offset,
        # One more than a page shows whether there is a next one.
        limit=page.size + 1,
    )
    found = rows.list_requests(ctx.database, query)
    shown = found[: page.size]
    more = len(found) > len(shown)
    return PageSlice(
        [_document(ctx, user, logged) for logged in shown],
        next_page=paging.write_token(_SCOPE, shown[-1].id) if more else None,
        total=rows.count_requests(ctx.database, query) if page.total else None,
    )


def read_search(ctx: Context, user: User, search: UsageSearch) -> RequestFilter:
    """Return the filter of a search in the log of the caller's account.

    The queued rows of this process are written first.

    Raises:
        InvalidRequestError: a date or the status is invalid.
        NotFoundError: the time is in the future.
    """
    since, until = _time("from", search.since), _time("to", search.until)
    if since and since > ctx.clock():
        raise NotFoundError("No usage found")
    if since and until and until < since:
        raise InvalidRequestError("to must not be before from.")
    status = _status(search.status)
    ctx.request_log.flush()
    return RequestFilter(
        account_ids=(user.account_id,),
        since=since,
        until=until,
        element_keys=_element_keys(ctx, search),
        tags=search.tags,
        status=status,
        text=search.text,
    )


def get_usage(ctx: Context, user: User, usage_id: str) -> dict[str, JSON]:
    """Return one request by its traffic id, or by its `Elements-Request-Id`.

    Waits up to a second for the row of a request that another process served.

    Raises:
        NotFoundError: it does not exist, or belongs to another account.
    """
    ctx.request_log.flush()
    deadline = time.monotonic() + _OTHERS_WRITE_WITHIN_S
    while True:
        logged = rows.find_request(ctx.database, user.account_id, usage_id)
        if logged is not None:
            return _document(ctx, user, logged)
        # Only a request id can be newer than the log; traffic ids come out of it.
        if time.monotonic() > deadline or not _REQUEST_ID.fullmatch(usage_id):
            raise NotFoundError(f"There is no usage with ID {usage_id[:80]}.")
        time.sleep(_PAUSE_S)


def _document(ctx: Context, user: User, logged: LoggedRequest) -> dict[str, JSON]:
    element = ctx.elements.get(logged.element_key or "")
    members: dict[str, JSON] = {
        "user_id": logged.user_id,
        "account_id": logged.account_id,
        "company_id": logged.organization_id,
        "process_time": round(logged.duration_ms, 1),
        "traffic_id": str(logged.id),
        "request_status": str(logged.status),
        "request_ip": logged.remote_address,
        "element_key": logged.element_key,
        "element_name": element.name if element else None,
        "request_uri": logged.path,
        "element_api": f"{logged.method} {logged.route}",
        "request_id": logged.request_id,
        "traffic_date": write_time(logged.answered_at),
        "company_external_id": "",
        "company_external_name": user.organization_name,
    }
    return {name: value for name, value in members.items() if value is not None}


def _element_keys(ctx: Context, search: UsageSearch) -> tuple[str, ...] | None:
    """Return the elements of the keys and the hub; None when neither is given."""
    if not search.hub:
        return search.keys or None
    of_hub = [e.key for e in ctx.elements.values() if e.hub["key"] == search.hub]
    return tuple(key for key in of_hub if not search.keys or key in search.keys)


def _time(name: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        return read_time_text(text).instant
    except ValueError as error:
        raise InvalidRequestError(f"{name} {error}.") from None


def _status(text: str) -> tuple[int, int] | None:
    """Parse `404`, `4xx`, `success` or `failed` as a range of codes."""
    word = text.strip().lower()
    if not word:
        return None
    if word in _STATUS_WORDS:
        return _STATUS_WORDS[word]
    if len(word) == 3 and word[0].isdecimal() and word[1:] == "xx":  # noqa: PLR2004
        return int(word[0]) * 100, int(word[0]) * 100 + 99
    if word.isascii() and word.isdecimal() and len(word) < 5:  # noqa: PLR2004
        return int(word), int(word)
    raise InvalidRequestError(
        "status must be a code such as 404, 4xx, success or failed."
    )
