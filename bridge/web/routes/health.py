"""What those who run the bridge ask: does it serve, is it ready, how busy is it."""

from __future__ import annotations

from http import HTTPStatus
from ipaddress import ip_network

from flask import Flask, Response, request

from bridge.errors import BridgeError, ForbiddenError
from bridge.services.diagnostics.state_metrics import read_state_metrics
from bridge.store.database.health_checks import check_ready
from bridge.telemetry.metrics import CONTENT_TYPE
from bridge.web.http import request_context, responses
from bridge.web.http.proxy_headers import HIDDEN, is_within, read_address


def register(app: Flask) -> None:
    """Add the routes; none of them needs secrets."""
    app.add_url_rule("/healthz", view_func=health, methods=["GET"])
    app.add_url_rule("/readyz", view_func=readiness, methods=["GET"])
    app.add_url_rule("/metrics", view_func=metrics, methods=["GET"])


def health() -> Response:
    """Answer that this process serves; asks neither database nor vendor."""
    return responses.json_object({"status": "ok"})


def readiness() -> Response:
    """Answer whether calls can be served, else 503 with the reason. No vendor call.

    Also 503 when what a restart would need is gone: the database, its key ring. The
    response does not wait for a database that hangs.
    """
    ctx = request_context.context()
    try:
        ctx.readiness_reader.read(lambda: check_ready(ctx.database))
    except BridgeError as error:
        answer = responses.json_object({"status": "not ready", "reason": error.message})
        answer.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        return answer
    return responses.json_object({"status": "ready"})


def metrics() -> Response:
    """Answer the figures of all processes, to this machine and allowed networks.

    Five statements at most, and no vendor call.

    Raises:
        ForbiddenError: somebody else asks, or a proxy that nobody vouched for: all
            the world comes from this machine when a proxy runs on it.
    """
    ctx = request_context.context()
    address = read_address(request.remote_addr or "")
    allowed = map(ip_network, ctx.settings.metrics_networks)
    if (
        address is None
        or HIDDEN in request.environ
        or not (address.is_loopback or is_within(address, allowed))
    ):
        raise ForbiddenError(
            "The metrics are for this machine and for BRIDGE_METRICS_NETWORKS."
        )
    state = read_state_metrics(ctx.database, ctx.state_reader)
    return Response(ctx.metrics.exposition(state), content_type=CONTENT_TYPE)
