"""Query strings: lenient parsing, and the requests to services that they hold.

Unknown parameters are ignored, empty ones count as absent. Source: elements-api 1.1,
1.9, 2.2 and 4.5, client-quirks part 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from flask import request

from bridge.errors import InvalidRequestError
from bridge.services.filtering.document_filter import select_documents
from bridge.services.instances.lifecycle import InstanceSearch
from bridge.services.paging import PageRequest
from bridge.services.records.listing import ListRequest
from bridge.services.records.serializer import RecordOptions
from bridge.services.usage.analytics import MetricsSearch
from bridge.services.usage.requests import UsageSearch
from bridge.types import JSON
from bridge.web.http.charsets import decode_unlabelled, is_stray

Query: TypeAlias = Mapping[str, Sequence[str]]
"""Values by parameter name in the order sent; empty values are left out."""

DEFAULT_PAGE_SIZE = 200
USAGE_PAGE_SIZE = 100
MAX_PAGE_SIZE = 5000
_LAST_PAGE = 10**9  # times the page size, the offset still fits 64 bits
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
_ESCAPES = re.compile("(?:%[0-9A-Fa-f]{2})+")
_PATTERN_BEGINS = re.compile(r"""(?:\b|%20)like(?:\s|%20)*['"]\Z""", re.IGNORECASE)
_PATTERN_LOOKS_BACK = 100  # bounds the search, which runs for every escape
_EMPTY_VALUES = frozenset({"", "none", "null", "undefined", "nan"})
"""What clients in Python and JavaScript send for a missing value; in lower case."""
_FALSE_VALUES = frozenset({"false", "0", "no", "off"})
# The Python SDK sends `query` for `where` here. Source: client-quirks part 1.
_QUERY_IS_WHERE = frozenset({"contacts", "leads"})


def current_query() -> Query:
    """Return the query of the current request."""
    return parse_query(request.environ.get("QUERY_STRING", ""))


def idempotency_key() -> str | None:
    """Return the `Idempotency-Key` of the current request; None when it is blank.

    Raises:
        InvalidRequestError: too long, or not printable ASCII.
    """
    key = request.headers.get("Idempotency-Key", "").strip()
    if not re.fullmatch(r"[\x20-\x7e]{0,255}", key):
        raise InvalidRequestError(
            "Idempotency-Key must be up to 255 printable ASCII characters."
        )
    return key or None


def parse_query(text: str) -> Query:
    """Parse a query string as WSGI passes it (bytes as latin-1).

    Bytes that are not UTF-8, raw or percent-encoded, are decoded as windows-1252. A
    percent sign that does not begin an escape is literal, because clients send
    `where=name like 'Har%'` unencoded. So is one directly behind the opening quote of
    an unencoded pattern, as in `name like '%ab%'`, unless UTF-8 begins there.
    """
    query: dict[str, list[str]] = {}
    for pair in decode_unlabelled(text.encode("latin-1", "replace")).split("&"):
        name, _, value = pair.partition("=")
        if value:
            query.setdefault(_decode(name), []).append(_decode(value))
    return query


def _decode(text: str) -> str:
    text = text.replace("+", " ")
    typed_until = 0

    def decode(run: re.Match[str]) -> str:
        nonlocal typed_until
        data = bytes.fromhex(run[0].replace("%", ""))
        if _begins_pattern(text, run.start(), data):
            closing = text.find(text[run.start() - 1], run.end())
            typed_until = closing if closing >= 0 else len(text)
        if run.start() < typed_until:
            return _decode_typed(run[0], data)
        return decode_unlabelled(data)

    return _ESCAPES.sub(decode, text)


def _decode_typed(run: str, data: bytes) -> str:
    """Decode escapes of UTF-8, and leave the others as they are."""
    parts: list[str] = []
    at = 0
    for character in data.decode("utf-8", "surrogateescape"):
        stray = is_stray(character)
        parts.append(run[3 * at : 3 * at + 3] if stray else character)
        at += 1 if stray else len(character.encode())
    return "".join(parts)


def _begins_pattern(text: str, at: int, data: bytes) -> bool:
    """Return whether an unencoded pattern begins with a wildcard, as in `'%ab%'`."""
    begins = max(0, at - _PATTERN_LOOKS_BACK)
    if not _PATTERN_BEGINS.search(text, begins, at):
        return False
    return is_stray(data.decode("utf-8", "surrogateescape")[0])


def text(query: Query, *names: str) -> str:
    """Return the first value of any of the names, or an empty text.

    Raises:
        InvalidRequestError: it contains NUL, which no database stores.
    """
    return next(iter(texts(query, *names)), "")


def texts(query: Query, *names: str) -> list[str]:
    """Return all values of the names, in the order of the names.

    Raises:
        InvalidRequestError: one contains NUL, which no database stores.
    """
    values = [value for name in names for value in query.get(name, ())]
    if any("\0" in value for value in values):
        raise InvalidRequestError(f"{names[0]} contains a NUL character.")
    return values


def flag(query: Query, name: str, *, default: bool) -> bool:
    """Return a boolean parameter; anything but true and false is `default`."""
    return {"true": True, "false": False}.get(text(query, name).lower(), default)


def current_flag(name: str, *, default: bool = False) -> bool:
    """Return a boolean parameter of the current request."""
    return flag(current_query(), name, default=default)


def list_request(query: Query, object_name: str) -> tuple[ListRequest, list[str]]:
    """Return the request for a list of records, and notes on ignored parameters.

    Raises:
        InvalidRequestError: `page` or `pageSize` is not a number.
    """
    where_names = ("where", "query") if object_name in _QUERY_IS_WHERE else ("where",)
    page, notes = _page_request(query)
    parameters = ListRequest(
        where=text(query, *where_names),
        order=",".join(query.get("orderBy", ())),
        page=page,
        options=record_options(query),
    )
    return parameters, notes


def record_options(query: Query) -> RecordOptions:
    """Return the requested form of records: fields and labels; never an error."""
    names = map(str.strip, ",".join(query.get("fields", ())).split(","))
    return RecordOptions(tuple(filter(None, names)), _is_true(query, "labels"))


def wants_page(query: Query) -> bool:
    """Return whether a page is requested of a list that is returned whole otherwise."""
    return any(_value(query, name) for name in ("page", "pageSize", "nextPage"))


def filter_documents(documents: list[dict[str, JSON]]) -> list[dict[str, JSON]]:
    """Return the documents of a short list that match `where`.

    Raises:
        InvalidQueryError: `where` is invalid.
    """
    return select_documents(text(current_query(), "where"), documents)


def wants_total(query: Query) -> bool:
    """Return whether the total number of items is requested."""
    return _is_true(query, "returnTotalCount", "returnCount")


def dry_run(query: Query) -> bool:
    """Return whether a write is a dry run.

    In doubt it is: the name is not case-sensitive, and every value but a clear "no"
    counts, so that a typing error never writes.
    """
    return any(
        value.strip().lower() not in _FALSE_VALUES
        for name, values in query.items()
        if name.strip().lower() == "dryrun"
        for value in values
    )


def _is_true(query: Query, *names: str) -> bool:
    """Return whether any of the names has the value true; never an error."""
    values = [value for name in names for value in query.get(name, ())]
    return any(value.strip().lower() == "true" for value in values)


def instance_search(
    query: Query, *, element_key: str | None = None
) -> tuple[InstanceSearch, list[str]]:
    """Return the request for a list of instances, and notes on ignored parameters.

    Raises:
        InvalidRequestError: `page` or `pageSize` is not a number.
    """
    page, notes = _page_request(query)
    search = InstanceSearch(
        tags=tuple(texts(query, "tags[]", "tags")),
        text=text(query, "searchText"),
        element_key=element_key,
        page=page,
        hydrate=flag(query, "hydrate", default=True),
    )
    return search, notes


def page_request(query: Query) -> tuple[PageRequest, list[str]]:
    """Return which page of a platform list is requested, and notes as `list_request`.

    Raises:
        InvalidRequestError: `page`, `pageSize`, `offset` or `pageOffset` is not a
            number.
    """
    return _page_request(query, "offset", "pageOffset")


def usage_search(query: Query) -> tuple[UsageSearch, list[str]]:
    """Return the search of the request log, and notes as `list_request`.

    Raises:
        InvalidRequestError: `page`, `pageSize` or `pageOffset` is not a number.
    """
    page, notes = _page_request(
        query, "pageOffset", "offset", default_size=USAGE_PAGE_SIZE
    )
    search = UsageSearch(
        since=text(query, "from"),
        until=text(query, "to"),
        hub=text(query, "hub"),
        keys=tuple(texts(query, "keys[]", "keys")),
        tags=tuple(texts(query, "tags[]", "tags")),
        status=text(query, "status"),
        text=text(query, "searchText"),
        page=page,
    )
    return search, notes


def metrics_search(query: Query) -> MetricsSearch:
    """Return the search whose matches in the request log are counted.

    Raises:
        InvalidRequestError: as `usage_search`.
    """
    search, _ = usage_search(query)
    accounts = tuple(texts(query, "accountIds[]", "accountIds"))
    return MetricsSearch(search, accounts, text(query, "interval"))


def _page_request(
    query: Query, *offset_names: str, default_size: int = DEFAULT_PAGE_SIZE
) -> tuple[PageRequest, list[str]]:
    """Return the requested page; a parameter with an offset replaces `page`."""
    notes: list[str] = []
    size = _number(query, "pageSize")
    if size is None or size < 1:
        size = default_size
    elif size > MAX_PAGE_SIZE:
        notes = [f"pageSize {size} was ignored: at most {MAX_PAGE_SIZE} is possible."]
        size = MAX_PAGE_SIZE
    offset = _number(query, *offset_names)
    if offset is None or offset < 0:
        number = min(max(_number(query, "page") or 1, 1), _LAST_PAGE)
        offset = (number - 1) * size
    next_page = _value(query, "nextPage") or None
    return PageRequest(offset, size, next_page, wants_total(query)), notes


def _number(query: Query, *names: str) -> int | None:
    value = _value(query, *names)
    if not value:
        return None
    if not _NUMBER.fullmatch(value):
        raise InvalidRequestError(f"{names[0]} must be a whole number.")
    return int(value)


def _value(query: Query, *names: str) -> str:
    """Return the first value that is not a client's spelling of a missing one."""
    values = (value.strip() for value in texts(query, *names))
    return next((value for value in values if value.lower() not in _EMPTY_VALUES), "")
