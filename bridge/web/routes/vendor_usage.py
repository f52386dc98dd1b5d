"""Usage of the Autotask call budgets; an addition of ours to the old API."""

from __future__ import annotations

from flask import Flask, Response

from bridge.services.usage.call_budgets import list_vendor_usage
from bridge.web.http import request_context, responses
from bridge.web.http.route_auth import BASE


def register(app: Flask) -> None:
    """Add the route; it requires User and Organization."""
    path = f"{BASE}/usage/vendor"
    app.add_url_rule(path, view_func=show_vendor_usage, methods=["GET"])


def show_vendor_usage() -> Response:
    """Return the usage of the caller's Autotask databases. No vendor call."""
    documents = list_vendor_usage(request_context.context(), request_context.user())
    return responses.json_list(documents)
