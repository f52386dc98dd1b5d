"""The log of a caller's requests. Source: elements-api appendix A."""

from __future__ import annotations

from flask import Flask, Response

from bridge.services import usage
from bridge.web import current, params, responses
from bridge.web.families import BASE


def register(app: Flask) -> None:
    """Add the routes."""
    app.add_url_rule(f"{BASE}/usage", view_func=list_usage)
    app.add_url_rule(f"{BASE}/usage/<usage_id>", view_func=get_usage)


def list_usage() -> Response:
    """Answer a page of the log, newest first."""
    search, notes = params.usage_search(params.current_query())
    page = usage.list_usage(current.context(), current.user(), search)
    return responses.listing(page.documents, next_page=page.next_page, notes=notes)


def get_usage(usage_id: str) -> Response:
    """Answer one request, by its number or its `Elements-Request-Id`."""
    return responses.document(
        usage.get_usage(current.context(), current.user(), usage_id)
    )
