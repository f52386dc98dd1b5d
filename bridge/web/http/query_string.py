"""Query strings, as loosely as old clients write them, parsed into requests.

Unknown parameters are ignored, empty ones are absent. Source: elements-api 1.1, 1.9,
2.2 and 4.5, client-quirks part 1.
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
_LAST_PAGE = 10**9
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
_ESCAPES = re.compile("(?:%[0-9A-Fa-f]{2})+")
_PATTERN_BEGINS = re.compile(r"""(?:\b|%20)like(?:\s|%20)*['"]\Z""", re.IGNORECASE)
_PATTERN_LOOKS_BACK = 100
_NOTHING = frozenset({"", "none", "null", "undefined", "nan"})
"""What Python and JavaScript make of no value; in lower case."""
_NO = frozenset({"false", "0", "no", "off"})
_QUERY_IS_WHERE = frozenset({"contacts", "leads"})


def current_query() -> Query:
    """Return the query of the current request."""
    return parse_query(request.environ.get("QUERY_STRING", ""))


def idempotency_key() -> str | None:
    """Return the `Idempotency-Key` of the current request; None if blank.

    Raises:
        InvalidRequestError: too long, or not of printable ASCII.
    """
    key = request.headers.get("Idempotency-Key", "").strip()
    if not re.fullmatch(r"[\x20-\x7e]{0,255}", key):
        raise InvalidRequestError(
            "Idempotency-Key must be up to 255 printable ASCII characters."
        )
    return key or None


def parse_query(text: str) -> Query:
    """Decode a query string as WSGI hands it over (bytes as latin-1).

    Bytes that are no UTF-8, raw or percent-encoded, are read as windows-1252. A percent
    sign that begins no escape stands for itself, because clients send
    `where=name like 'Har%'` as typed; and so does one right behind the opening quote
    of a pattern that was not encoded either, as in `name like '%ab%'`, unless UTF-8
    begins there.
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
    """Decode what is UTF-8, and leave the other escapes as they were typed."""
    parts: list[str] = []
    at = 0
    for character in data.decode("utf-8", "surrogateescape"):
        stray = is_stray(character)
        parts.append(run[3 * at : 3 * at + 3] if stray else character)
        at += 1 if stray else len(character.encode())
    return "".join(parts)


def _begins_pattern(text: str, at: int, data: bytes) -> bool:
    """Return whether a pattern as typed begins with a wildcard that looks encoded."""
    begins = max(0, at - _PATTERN_LOOKS_BACK)
    if not _PATTERN_BEGINS.search(text, begins, at):
        return False
    return is_stray(data.decode("utf-8", "surrogateescape")[0])


def text(query: Query, *names: str) -> str:
    """Return the first value given under any of the names, or an empty text.

    Raises:
        InvalidRequestError: a NUL character, which no database stores.
    """
    return next(iter(texts(query, *names)), "")


def texts(query: Query, *names: str) -> list[str]:
    """Return all values given under any of the names, in the order of the names.

    Raises:
        InvalidRequestError: a NUL character, which no database stores.
    """
    values = [value for name in names for value in query.get(name, ())]
    if any("\0" in value for value in values):
        raise InvalidRequestError(f"{names[0]} contains a NUL character.")
    return values


def flag(query: Query, name: str, *, default: bool) -> bool:
    """Return a boolean parameter; whatever is neither true nor false is default."""
    return {"true": True, "false": False}.get(text(query, name).lower(), default)


def list_request(query: Query, object_name: str) -> tuple[ListRequest, list[str]]:
    """Return the request for a list of records, and notes on what was ignored.

    Raises:
        InvalidRequestError: `page` or `pageSize` is not a number.
    """
    where_names = ("where", "query") if object_name in _QUERY_IS_WHERE else ("where",)
    page_size, notes = _page_size(query)
    return (
        ListRequest(
            where=text(query, *where_names),
            order=",".join(query.get("orderBy", ())),
            page=PageRequest(
                offset=(_page(query) - 1) * page_size,
                size=page_size,
                next_page=_next_page(query),
                total=wants_total(query),
            ),
            options=record_options(query),
        ),
        notes,
    )


def record_options(query: Query) -> RecordOptions:
    """Return which members a call requests, and whether with labels; never fails."""
    names = map(str.strip, ",".join(query.get("fields", ())).split(","))
    return RecordOptions(tuple(filter(None, names)), _wished(query, "labels"))


def wants_page(query: Query) -> bool:
    """Return whether a call requests one page of a list, not the whole of it."""
    return any(_meant(query, name) for name in ("page", "pageSize", "nextPage"))


def chosen(documents: list[dict[str, JSON]]) -> list[dict[str, JSON]]:
    """Return the documents of a short list that `where` lets pass.

    Raises:
        InvalidQueryError: `where` cannot be used.
    """
    return select_documents(text(current_query(), "where"), documents)


def wants_total(query: Query) -> bool:
    """Return whether a list is to include its total count."""
    return _wished(query, "returnTotalCount", "returnCount")


def dry_run(query: Query) -> bool:
    """Return whether a write is a dry run.

    In doubt it is: the name counts in any case, and every value but a plain no.
    """
    return any(
        value.strip().lower() not in _NO
        for name, values in query.items()
        if name.strip().lower() == "dryrun"
        for value in values
    )


def _wished(query: Query, *names: str) -> bool:
    """Return whether any of the names has the value true; never fails."""
    values = [value for name in names for value in query.get(name, ())]
    return any(value.strip().lower() == "true" for value in values)


def instance_search(
    query: Query, *, element_key: str | None = None
) -> tuple[InstanceSearch, list[str]]:
    """Return the request for a list of instances, and notes on what was ignored.

    Raises:
        InvalidRequestError: `page` or `pageSize` is not a number.
    """
    page_size, notes = _page_size(query)
    return (
        InstanceSearch(
            tags=tuple(texts(query, "tags[]", "tags")),
            text=text(query, "searchText"),
            element_key=element_key,
            page=_page(query),
            page_size=page_size,
            next_page=_next_page(query),
            hydrate=flag(query, "hydrate", default=True),
        ),
        notes,
    )


def cut(query: Query) -> tuple[PageRequest, list[str]]:
    """Return the requested page of a platform list, and notes as `list_request`.

    Raises:
        InvalidRequestError: `page`, `pageSize`, `offset` or `pageOffset` is not a
            number.
    """
    page_size, notes = _page_size(query)
    offset = _number(query, "offset", "pageOffset")
    if offset is None or offset < 0:
        offset = (_page(query) - 1) * page_size
    return PageRequest(offset, page_size, _next_page(query), wants_total(query)), notes


def usage_search(query: Query) -> tuple[UsageSearch, list[str]]:
    """Return a search of the usage log, and notes as `list_request`.

    Raises:
        InvalidRequestError: `page`, `pageSize` or `pageOffset` is not a number.
    """
    page_size, notes = _page_size(query, USAGE_PAGE_SIZE)
    offset = _number(query, "pageOffset", "offset")
    if offset is None or offset < 0:
        offset = (_page(query) - 1) * page_size
    return (
        UsageSearch(
            since=text(query, "from"),
            until=text(query, "to"),
            hub=text(query, "hub"),
            keys=tuple(texts(query, "keys[]", "keys")),
            tags=tuple(texts(query, "tags[]", "tags")),
            status=text(query, "status"),
            text=text(query, "searchText"),
            page_size=page_size,
            offset=offset,
            next_page=_next_page(query),
            total=wants_total(query),
        ),
        notes,
    )


def figures_search(query: Query) -> MetricsSearch:
    """Return what is to be counted in the usage log.

    Raises:
        InvalidRequestError: as `usage_search`.
    """
    search, _ = usage_search(query)
    accounts = tuple(texts(query, "accountIds[]", "accountIds"))
    return MetricsSearch(search, accounts, text(query, "interval"))


def _page_size(query: Query, default: int = DEFAULT_PAGE_SIZE) -> tuple[int, list[str]]:
    size = _number(query, "pageSize")
    if size is None or size < 1:
        return default, []
    if size > MAX_PAGE_SIZE:
        note = f"pageSize {size} was ignored: at most {MAX_PAGE_SIZE} is possible."
        return MAX_PAGE_SIZE, [note]
    return size, []


def _page(query: Query) -> int:
    return min(max(_number(query, "page") or 1, 1), _LAST_PAGE)


def _next_page(query: Query) -> str | None:
    return _meant(query, "nextPage") or None


def _number(query: Query, *names: str) -> int | None:
    value = _meant(query, *names)
    if not value:
        return None
    if not _NUMBER.fullmatch(value):
        raise InvalidRequestError(f"{names[0]} must be a whole number.")
    return int(value)


def _meant(query: Query, *names: str) -> str:
    """Return the first value that is more than a client's word for none, or none."""
    values = (value.strip() for value in texts(query, *names))
    return next((value for value in values if value.lower() not in _NOTHING), "")
