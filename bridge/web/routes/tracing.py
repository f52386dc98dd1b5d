"""Switching traces on and off, by id and by token. Source: elements-api 2.2."""

from __future__ import annotations

from flask import Flask, Response, request

from bridge.services import traces
from bridge.services.instances import lifecycle
from bridge.web.http import bodies, request_context, responses
from bridge.web.http.route_auth import BASE


def register(app: Flask) -> None:
    """Add the routes."""
    for path in ("/instances/<instance_id>", "/instances"):
        app.add_url_rule(
            f"{BASE}{path}/trace-logging",
            view_func=switch_tracing,
            methods=["PUT", "DELETE"],
        )


def switch_tracing(instance_id: str | None = None) -> Response:
    """Trace an instance for a while (`PUT`) or no more (`DELETE`). No vendor call."""
    ctx = request_context.context()
    instance = (
        request_context.instance()
        if instance_id is None
        else lifecycle.find_instance(ctx, request_context.user(), instance_id)
    )
    if request.method == "PUT":
        traces.start(ctx, instance, bodies.optional_object())
    else:
        traces.stop(ctx, instance)
    return responses.empty()
