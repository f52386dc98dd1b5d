"""Each call is timed, counted, logged and, when it is traced, kept.

The noting is done after the last byte of the answer was sent: no caller waits for it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, Response, request

from bridge.services import traces
from bridge.services.context import Context
from bridge.store.instances import Instance
from bridge.store.organizations import User
from bridge.store.request_log import RequestEntry
from bridge.telemetry import current_call
from bridge.telemetry.current_call import Call
from bridge.telemetry.redaction import redact
from bridge.web.http import request_context
from bridge.web.http.route_auth import BASE

_UNKNOWN_ROUTE = "unknown"
_CONVERTER = re.compile("<[a-z]+:")

_log = logging.getLogger(__name__)


def register(app: Flask) -> None:
    """Take note of every call; to be registered before all other hooks."""
    app.before_request(begin)
    app.after_request(finish)


def begin() -> None:
    """Begin to time a call."""
    current_call.begin(request_context.request_id())
    request_context.context().metrics.request_begins()


def finish(response: Response) -> Response:
    """Arrange that the call is noted once its answer was sent."""
    this = current_call.current()
    if this is None:
        return response
    noting = _Noting(
        ctx=request_context.context(),
        call=this,
        method=request.method,
        path=request.path,
        route=_route(),
        status=response.status_code,
        user=request_context.caller(),
        instance=request_context.opened(),
        remote_address=request.remote_addr,
    )
    if this.trace is not None:
        response.headers["Elements-Trace-Id"] = this.request_id
        response.call_on_close(_tracing(noting, response))
    response.call_on_close(noting.done)
    return response


@dataclass(frozen=True, slots=True)
class _Noting:
    """What is said of a call when it is over."""

    ctx: Context
    call: Call
    method: str
    path: str
    route: str
    status: int
    user: User | None
    instance: Instance | None
    remote_address: str | None

    def done(self) -> None:
        """Count and log the call, and forget that it was the current one."""
        ms = self.call.elapsed_ms()
        self.ctx.metrics.request_ends(self.method, self.route, self.status, ms)
        ours = self.path.startswith(f"{BASE}/")
        _log.log(
            logging.INFO if ours else logging.DEBUG,
            "request",
            extra={
                "method": self.method,
                "path": self.path,
                "status": self.status,
                "ms": round(ms, 1),
                "vendor_calls": self.call.vendor_calls,
                "remote": self.remote_address,
            },
        )
        if ours:
            self.ctx.request_log.record_request(self._row(ms))
        current_call.end()

    def _row(self, ms: float) -> RequestEntry:
        now = self.ctx.clock()
        user, instance = self.user, self.instance
        return RequestEntry(
            request_id=self.call.request_id,
            answered_at=now,
            organization_id=user.organization_id if user else None,
            account_id=user.account_id if user else None,
            user_id=user.id if user else None,
            instance_id=instance.id if instance else None,
            element_key=instance.element_key if instance else None,
            method=self.method[:16],
            path=redact(self.path, self.call.secrets),
            route=self.route,
            status=self.status,
            duration_ms=ms,
            vendor_calls=self.call.vendor_calls,
            remote_address=self.remote_address,
            expires_at=self.ctx.request_log.log_expiry(now),
        )


def _route() -> str:
    """Return the template of the path, which no caller can choose freely.

    Its names stand there without their converters.
    """
    rule = request.url_rule
    if rule is None:
        return _UNKNOWN_ROUTE
    return _CONVERTER.sub("<", rule.rule.removeprefix(BASE))


def _tracing(noting: _Noting, response: Response) -> Callable[[], None]:
    """Return what keeps the trace; all it needs of the request is taken now."""
    target = request.full_path if request.query_string else request.path
    request_headers = dict(request.headers)

    def keep() -> None:
        if noting.instance is None:
            return
        answer = traces.Answer(
            method=noting.method,
            target=target,
            request_headers=request_headers,
            status=noting.status,
            response_headers=dict(response.headers),
            body=b"" if response.is_streamed else response.get_data(),
        )
        traces.keep(noting.ctx, noting.instance.id, noting.call, answer)

    return keep
