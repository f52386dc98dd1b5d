"""Starting and stopping the tracing of an instance. Source: elements-api 2.2."""

from __future__ import annotations

from flask import Response, request

from bridge.services import traces
from bridge.web.http import bodies, request_context, responses
from bridge.web.http.route_auth import BASE
from bridge.web.http.routing import Route
from bridge.web.routes.instances import find_instance


def switch_tracing(instance_id: str | None = None) -> Response:
    """Start (`PUT`) or stop (`DELETE`) tracing an instance. No vendor call."""
    ctx = request_context.context()
    instance = find_instance(instance_id)
    if request.method == "PUT":
        traces.start(ctx, instance, bodies.optional_object())
    else:
        traces.stop(ctx, instance)
    return responses.empty()


ROUTES = tuple(
    Route(f"{BASE}{path}/trace-logging", switch_tracing, ["PUT", "DELETE"])
    for path in ("/instances/<instance_id>", "/instances")
)
