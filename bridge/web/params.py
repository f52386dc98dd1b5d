"""Query strings, as loosely as old clients write them, to what services ask for.

Unknown parameters are ignored, empty ones are absent. Source: elements-api 1.1, 1.9,
2.2 and 4.5, client-quirks part 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from flask import request

from bridge.errors import InvalidRequestError
from bridge.services.instances.instances import InstanceSearch
from bridge.services.paging import Cut
from bridge.services.records.listings import Listing
from bridge.services.records.shapes import View
from bridge.services.usage.usage import UsageSearch
from bridge.services.usage.usage_analytics import FiguresSearch

Query: TypeAlias = Mapping[str, Sequence[str]]
"""Values by parameter name in the order sent; empty values are left out."""

DEFAULT_PAGE_SIZE = 200
USAGE_PAGE_SIZE = 100
MAX_PAGE_SIZE = 5000
_LAST_PAGE = 10**9
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
_TAIL = "%[89ABab][0-9A-Fa-f]"
_ESCAPE = re.compile(
    "%[0-7][0-9A-Fa-f]"
    f"|%[CDcd][0-9A-Fa-f]{_TAIL}"
    f"|%[Ee][0-9A-Fa-f](?:{_TAIL}){{2}}"
    f"|%[Ff][0-4](?:{_TAIL}){{3}}"
)
_NO = frozenset({"false", "0", "no", "off"})
_QUERY_IS_WHERE = frozenset({"contacts", "leads"})


def current_query() -> Query:
    """Return the query of the call being answered."""
    return parse_query(request.environ.get("QUERY_STRING", ""))


def idempotency_key() -> str | None:
    """Return the `Idempotency-Key` of the call being answered; a blank one is none.

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

    A percent sign that begins no UTF-8 character stands for itself, because clients
    send `where=name like 'Har%'` and even `'%ab%'` as typed. Raw bytes that are no
    UTF-8 are read as latin-1.
    """
    query: dict[str, list[str]] = {}
    for pair in _text(text).split("&"):
        name, _, value = pair.partition("=")
        if value:
            query.setdefault(_decode(name), []).append(_decode(value))
    return query


def _text(wsgi_text: str) -> str:
    try:
        return wsgi_text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return wsgi_text


def _decode(text: str) -> str:
    return _ESCAPE.sub(_character, text.replace("+", " "))


def _character(escape: re.Match[str]) -> str:
    """Decode one character; overlong forms and surrogates match, yet are none."""
    try:
        return bytes.fromhex(escape[0].replace("%", "")).decode("utf-8")
    except UnicodeDecodeError:
        return escape[0]


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


def listing(query: Query, object_name: str) -> tuple[Listing, list[str]]:
    """Return what a hub list asks for, and notes on what was ignored.

    Raises:
        InvalidRequestError: `page` or `pageSize` is no number.
    """
    where_names = ("where", "query") if object_name in _QUERY_IS_WHERE else ("where",)
    page_size, notes = _page_size(query)
    return (
        Listing(
            where=text(query, *where_names),
            page=_page(query),
            page_size=page_size,
            next_page=_next_page(query),
            view=view(query),
            order=",".join(query.get("orderBy", ())),
            total=wants_total(query),
        ),
        notes,
    )


def view(query: Query) -> View:
    """Return how a call wants its records shown; never an error."""
    names = map(str.strip, ",".join(query.get("fields", ())).split(","))
    return View(tuple(filter(None, names)), _wished(query, "labels"))


def wants_page(query: Query) -> bool:
    """Tell whether a call asks for a piece of a list that is whole otherwise."""
    return any(text(query, name) for name in ("page", "pageSize", "nextPage"))


def wants_total(query: Query) -> bool:
    """Tell whether a list is to say how many items there are in all."""
    return _wished(query, "returnTotalCount", "returnCount")


def dry_run(query: Query) -> bool:
    """Tell whether a write is only to be shown.

    In doubt it is: the name counts in any case, and every value but a plain no.
    """
    return any(
        value.strip().lower() not in _NO
        for name, values in query.items()
        if name.strip().lower() == "dryrun"
        for value in values
    )


def _wished(query: Query, *names: str) -> bool:
    """Tell whether any of the names has the value true; never an error."""
    values = [value for name in names for value in query.get(name, ())]
    return any(value.strip().lower() == "true" for value in values)


def instance_search(
    query: Query, *, element_key: str | None = None
) -> tuple[InstanceSearch, list[str]]:
    """Return what an instance list asks for, and notes on what was ignored.

    Raises:
        InvalidRequestError: `page` or `pageSize` is no number.
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


def cut(query: Query) -> tuple[Cut, list[str]]:
    """Return which piece of a platform list is asked for, and notes as `listing`.

    Raises:
        InvalidRequestError: `page`, `pageSize`, `offset` or `pageOffset` is no number.
    """
    page_size, notes = _page_size(query)
    offset = _number(query, "offset", "pageOffset")
    if offset is None or offset < 0:
        offset = (_page(query) - 1) * page_size
    return Cut(offset, page_size, _next_page(query), wants_total(query)), notes


def usage_search(query: Query) -> tuple[UsageSearch, list[str]]:
    """Return what a look into the usage log asks for, and notes as `listing`.

    Raises:
        InvalidRequestError: `page`, `pageSize` or `pageOffset` is no number.
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


def figures_search(query: Query) -> FiguresSearch:
    """Return what is to be counted in the usage log.

    Raises:
        InvalidRequestError: as `usage_search`.
    """
    search, _ = usage_search(query)
    accounts = tuple(texts(query, "accountIds[]", "accountIds"))
    return FiguresSearch(search, accounts, text(query, "interval"))


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
    """Return the cursor; one old client sends Python's `None` for its first page."""
    token = text(query, "nextPage").strip()
    return None if token in {"", "None"} else token


def _number(query: Query, *names: str) -> int | None:
    value = text(query, *names).strip()
    if value in {"", "None"}:
        return None
    if not _NUMBER.fullmatch(value):
        raise InvalidRequestError(f"{names[0]} must be a whole number.")
    return int(value)
