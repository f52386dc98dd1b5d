"""The log of a caller's requests, and metrics from it. Source: elements-api appendix A.

None of these makes a vendor call.
"""

from __future__ import annotations

from flask import Response

from bridge.services.context import Context
from bridge.services.usage import analytics, requests
from bridge.services.usage.analytics import Grouping, MetricsSearch
from bridge.store.organizations import User
from bridge.web.http import query_string, request_context, responses
from bridge.web.http.route_auth import BASE
from bridge.web.http.routing import Route

_ANALYTICS = f"{BASE}/usage/analytics"


def list_usage() -> Response:
    """Return a page of the log, newest first."""
    search, notes = query_string.usage_search(query_string.current_query())
    page = requests.list_usage(*request_context.caller(), search)
    return responses.json_page(page, notes)


def get_usage(usage_id: str) -> Response:
    """Return one request, by its number or its `Elements-Request-Id`."""
    return responses.json_object(
        requests.get_usage(*request_context.caller(), usage_id)
    )


def count_over_time() -> Response:
    """Return the number of requests in each interval."""
    return responses.json_list(analytics.count_over_time(*_arguments()))


def count_statuses() -> Response:
    """Return the number of requests with each status in each interval."""
    return responses.json_list(analytics.count_statuses(*_arguments()))


def count_by_instance() -> Response:
    """Return the number of requests of each instance."""
    return responses.json_object(analytics.count_by_instance(*_arguments()))


def count_created_instances() -> Response:
    """Return the number of instances that were created."""
    return responses.json_object(analytics.count_created_instances(*_arguments()))


def count_by(kind: Grouping) -> Response:
    """Return the number of requests of each account or element."""
    return responses.json_list(analytics.count_by(*_arguments(), kind))


def _arguments() -> tuple[Context, User, MetricsSearch]:
    search = query_string.metrics_search(query_string.current_query())
    return *request_context.caller(), search


ROUTES = (
    Route(f"{BASE}/usage", list_usage),
    Route(f"{BASE}/usage/<usage_id>", get_usage),
    Route(_ANALYTICS, count_over_time),
    Route(f"{_ANALYTICS}/times", count_over_time),
    Route(f"{_ANALYTICS}/statuses", count_statuses),
    Route(f"{_ANALYTICS}/activity/element-instances", count_by_instance),
    Route(
        f"{_ANALYTICS}/activity/element-instances/created-count",
        count_created_instances,
    ),
    *(
        Route(
            f"{_ANALYTICS}/{kind}",
            count_by,
            endpoint=f"usage by {kind}",
            defaults={"kind": kind},
        )
        for kind in analytics.GROUPINGS
    ),
)
