"""The log of a caller's requests. Source: elements-api appendix A."""

from __future__ import annotations

from flask import Flask, Response

from bridge.services.usage import analytics, requests
from bridge.services.usage.analytics import Grouping
from bridge.web.http import query_string, request_context, responses
from bridge.web.http.route_auth import BASE


def register(app: Flask) -> None:
    """Add the routes."""
    app.add_url_rule(f"{BASE}/usage", view_func=list_usage)
    app.add_url_rule(f"{BASE}/usage/<usage_id>", view_func=get_usage)
    for path, view in (
        ("", count_over_time),
        ("/times", count_over_time),
        ("/statuses", count_statuses),
        ("/activity/element-instances", count_by_instance),
        ("/activity/element-instances/created-count", count_created_instances),
    ):
        app.add_url_rule(f"{BASE}/usage/analytics{path}", view_func=view)
    for kind in analytics.GROUPINGS:
        app.add_url_rule(
            f"{BASE}/usage/analytics/{kind}",
            endpoint=f"usage by {kind}",
            view_func=count_by,
            defaults={"kind": kind},
        )


def list_usage() -> Response:
    """Answer a page of the log, newest first."""
    search, notes = query_string.usage_search(query_string.current_query())
    page = requests.list_usage(
        request_context.context(), request_context.user(), search
    )
    return responses.json_page(
        page.documents, next_page=page.next_page, total=page.total, notes=notes
    )


def get_usage(usage_id: str) -> Response:
    """Answer one request, by its number or its `Elements-Request-Id`."""
    return responses.json_object(
        requests.get_usage(request_context.context(), request_context.user(), usage_id)
    )


def count_over_time() -> Response:
    """Answer how many requests there were, interval by interval."""
    search = query_string.figures_search(query_string.current_query())
    return responses.json_list(
        analytics.count_over_time(
            request_context.context(), request_context.user(), search
        )
    )


def count_statuses() -> Response:
    """Answer how many requests had which status, interval by interval."""
    search = query_string.figures_search(query_string.current_query())
    return responses.json_list(
        analytics.count_statuses(
            request_context.context(), request_context.user(), search
        )
    )


def count_by_instance() -> Response:
    """Answer how many requests there were of each instance."""
    search = query_string.figures_search(query_string.current_query())
    return responses.json_object(
        analytics.count_by_instance(
            request_context.context(), request_context.user(), search
        )
    )


def count_created_instances() -> Response:
    """Answer how many instances were created."""
    search = query_string.figures_search(query_string.current_query())
    return responses.json_object(
        analytics.count_created_instances(
            request_context.context(), request_context.user(), search
        )
    )


def count_by(kind: Grouping) -> Response:
    """Answer how many requests there were of each account or element."""
    search = query_string.figures_search(query_string.current_query())
    return responses.json_list(
        analytics.count_by(
            request_context.context(), request_context.user(), search, kind
        )
    )
