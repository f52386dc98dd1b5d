"""The access log: each request is timed, counted, logged and, if traced, saved.

All of it happens after the last byte of the response was sent: no caller waits for it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass

from flask import Response, request

from bridge.services import traces
from bridge.services.context import Context
from bridge.store.instances import Instance
from bridge.store.logs.request_log import RequestEntry
from bridge.store.organizations import User
from bridge.telemetry import current_call
from bridge.telemetry.current_call import Call
from bridge.telemetry.redaction import redact
from bridge.web.http import request_context
from bridge.web.http.route_auth import BASE

_UNKNOWN_ROUTE = "unknown"
_CONVERTER = re.compile("<[a-z]+:")

_log = logging.getLogger(__name__)


def begin() -> None:
    """Start timing a request."""
    current_call.begin(request_context.request_id())
    request_context.context().metrics.request_begins()


def finish(response: Response) -> Response:
    """Have the request logged once its response was sent."""
    call = current_call.current()
    if call is None:
        return response
    record = _RequestRecord(
        ctx=request_context.context(),
        call=call,
        method=request.method,
        path=request.path,
        route=_route(),
        status=response.status_code,
        user=request_context.find_user(),
        instance=request_context.find_instance(),
        remote_address=request.remote_addr,
    )
    if call.trace is not None:
        response.headers["Elements-Trace-Id"] = call.request_id
        response.call_on_close(_trace_saver(record, response))
    response.call_on_close(record.finish)
    return response


@dataclass(frozen=True, slots=True)
class _RequestRecord:
    """What is logged of a request when it has ended."""

    ctx: Context
    call: Call
    method: str
    path: str
    route: str
    status: int
    user: User | None
    instance: Instance | None
    remote_address: str | None

    def finish(self) -> None:
        """Count and log the request, and clear the current call."""
        ms = self.call.elapsed_ms()
        self.ctx.metrics.request_ends(self.method, self.route, self.status, ms)
        ours = self.path.startswith(f"{BASE}/")
        # Health checks and metrics scrapes would fill the log: debug level for them.
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
            # A path may contain one of the secrets.
            path=redact(self.path, self.call.secrets),
            route=self.route,
            status=self.status,
            duration_ms=ms,
            vendor_calls=self.call.vendor_calls,
            remote_address=self.remote_address,
            expires_at=self.ctx.request_log.log_expiry(now),
        )


def _route() -> str:
    """Return the template of the path, without converters: a metrics label.

    Paths themselves would let callers create any number of labels.
    """
    rule = request.url_rule
    if rule is None:
        return _UNKNOWN_ROUTE
    return _CONVERTER.sub("<", rule.rule.removeprefix(BASE))


def _trace_saver(record: _RequestRecord, response: Response) -> Callable[[], None]:
    """Return a function that saves the trace after the response was sent."""
    # Flask's request is gone by then: what the trace needs of it is copied now.
    target = request.full_path if request.query_string else request.path
    request_headers = dict(request.headers)

    def keep() -> None:
        if record.instance is None:
            return
        answer = traces.Answer(
            method=record.method,
            target=target,
            request_headers=request_headers,
            status=record.status,
            response_headers=dict(response.headers),
            body=b"" if response.is_streamed else response.get_data(),
        )
        traces.keep(record.ctx, record.instance.id, record.call, answer)

    return keep
