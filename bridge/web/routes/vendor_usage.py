"""Usage of the Autotask call budgets; an addition of ours to the old API."""

from __future__ import annotations

from flask import Response

from bridge.services.usage.call_budgets import list_vendor_usage
from bridge.web.http import request_context, responses
from bridge.web.http.route_auth import BASE
from bridge.web.http.routing import Route


def show_vendor_usage() -> Response:
    """Return the usage of the caller's Autotask databases. No vendor call."""
    return responses.json_list(list_vendor_usage(*request_context.caller()))


ROUTES = (Route(f"{BASE}/usage/vendor", show_vendor_usage),)
