"""Health, readiness and metrics, for the operator."""

from __future__ import annotations

from http import HTTPStatus
from ipaddress import ip_network

from flask import Response, request

from bridge.errors import BridgeError, ForbiddenError
from bridge.services.diagnostics.state_metrics import read_state_metrics
from bridge.store.database.health_checks import check_ready
from bridge.telemetry.metrics import CONTENT_TYPE
from bridge.web.http import request_context, responses
from bridge.web.http.proxy_headers import UNKNOWN_CALLER, is_within, read_address
from bridge.web.http.routing import Route


def health() -> Response:
    """Return 200: this process serves. Uses neither database nor vendor."""
    return responses.json_object({"status": "ok"})


def readiness() -> Response:
    """Return 200 if requests can be served, else 503 with the reason. No vendor call.

    Also 503 when a restart would fail because the database or its key ring is gone. A
    database that hangs does not delay the response.
    """
    reason = find_problem()
    if reason is None:
        return responses.json_object({"status": "ready"})
    response = responses.json_object({"status": "not ready", "reason": reason})
    response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return response


def find_problem() -> str | None:
    """Return why requests cannot be served, or None. No vendor call."""
    ctx = request_context.context()
    try:
        # The reader has a timeout, so that a hanging database fails the check in time.
        ctx.readiness_reader.read(lambda: check_ready(ctx.database))
    except BridgeError as error:
        return error.message
    return None


def metrics() -> Response:
    """Return the metrics of all processes, to this machine and allowed networks.

    At most five SQL statements, no vendor call.

    Raises:
        ForbiddenError: the caller is another machine, or unknown behind a proxy.
    """
    # Every request comes from this machine when a proxy runs on it, so a loopback
    # address counts only if no proxy, or a trusted one, forwarded the request.
    ctx = request_context.context()
    address = read_address(request.remote_addr or "")
    allowed = map(ip_network, ctx.settings.metrics_networks)
    if (
        address is None
        or UNKNOWN_CALLER in request.environ
        or not (address.is_loopback or is_within(address, allowed))
    ):
        raise ForbiddenError(
            "The metrics are for this machine and for BRIDGE_METRICS_NETWORKS."
        )
    state = read_state_metrics(ctx.database, ctx.state_reader)
    return Response(ctx.metrics.exposition(state), content_type=CONTENT_TYPE)


ROUTES = (
    Route("/healthz", health),
    Route("/readyz", readiness),
    Route("/metrics", metrics),
)
