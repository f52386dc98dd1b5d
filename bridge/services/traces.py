"""Traces: the full text of a request, its response and the vendor calls between.

Enabled for one instance and for some minutes. Secrets are masked before anything is
stored, and long bodies are truncated. Source: elements-api 2.2 (trace-logging), 1.5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bridge.errors import InvalidRequestError
from bridge.services.context import Context
from bridge.services.times import write_time
from bridge.store import instances
from bridge.store.instances import Instance
from bridge.store.logs import request_log
from bridge.store.logs.request_log import TraceEntry
from bridge.telemetry.body_masking import mask_form, mask_json, mask_target
from bridge.telemetry.current_call import Call, Exchange
from bridge.telemetry.redaction import MASK, is_secret_name, redact
from bridge.types import JSON

_FORM = "application/x-www-form-urlencoded"
_DEFAULT_MINUTES = 60
MAX_MINUTES = 1440
"""Maximum duration of tracing."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A request with its response, as sent on the wire; headers by name."""

    method: str
    target: str
    request_headers: Mapping[str, str] = field(repr=False)
    status: int
    response_headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


def start(ctx: Context, instance: Instance, body: Mapping[str, JSON]) -> datetime:
    """Trace an instance for `duration` minutes from now, 60 by default; until when.

    Raises:
        InvalidRequestError: the duration is not a number of minutes up to a day.
    """
    minutes = body.get("duration", _DEFAULT_MINUTES)
    if (
        isinstance(minutes, bool)
        or not isinstance(minutes, int | float)
        or not 0 < minutes <= MAX_MINUTES
    ):
        raise InvalidRequestError(
            f"duration must be a number of minutes up to {MAX_MINUTES}."
        )
    until = ctx.clock() + timedelta(minutes=minutes)
    instances.trace_until(ctx.database, instance.id, until)
    return until


def stop(ctx: Context, instance: Instance) -> None:
    """Stop tracing an instance; stored traces remain until they expire."""
    instances.trace_until(ctx.database, instance.id, None)


def is_traced(ctx: Context, instance: Instance) -> bool:
    """Return whether calls of an instance are traced now."""
    until = instance.traced_until
    return until is not None and until > ctx.clock()


def keep(ctx: Context, instance_id: int, call: Call, answer: Answer) -> None:
    """Store the trace of a finished request; it is written a little later."""
    if call.trace is None:
        return
    now = ctx.clock()
    limit = ctx.settings.trace_body_bytes

    is_form = _FORM in answer.request_headers.get("Content-Type", "").lower()

    def shown(body: bytes, *, is_form: bool = False) -> str:
        return _shown(body, call.secrets, limit, is_form=is_form)

    document = {
        "requestId": call.request_id,
        "instanceId": instance_id,
        "date": write_time(now),
        "durationMs": round(call.elapsed_ms(), 1),
        "request": {
            "method": answer.method,
            "target": redact(mask_target(answer.target), call.secrets),
            "headers": _headers(answer.request_headers, call.secrets),
            "body": shown(call.trace.body, is_form=is_form),
        },
        "response": {
            "status": answer.status,
            "headers": _headers(answer.response_headers, call.secrets),
            "body": shown(answer.body),
        },
        "vendorCalls": [
            _vendor_call(exchange, shown(exchange.request), shown(exchange.reply))
            for exchange in call.trace.exchanges
        ],
    }
    ctx.request_log.record_trace(
        TraceEntry(
            request_id=call.request_id,
            instance_id=instance_id,
            exchange=document,
            expires_at=ctx.request_log.trace_expiry(now),
        )
    )


def read(
    ctx: Context, instance_id: int, *, request_id: str | None = None, newest: int = 100
) -> Iterator[dict[str, object]]:
    """Yield an instance's newest traces, oldest first, or those of one request."""
    return request_log.read_traces(
        ctx.database, instance_id, request_id=request_id, newest=newest
    )


def _vendor_call(exchange: Exchange, request: str, reply: str) -> dict[str, object]:
    return {
        "operation": exchange.operation,
        "entity": exchange.entity,
        "attempt": exchange.attempt,
        "outcome": exchange.outcome,
        "durationMs": round(exchange.duration_ms, 1),
        "request": request,
        "reply": reply,
    }


def _headers(headers: Mapping[str, str], secrets: tuple[str, ...]) -> dict[str, str]:
    return {
        name: MASK if is_secret_name(name) else redact(value, secrets)
        for name, value in headers.items()
    }


def _shown(
    body: bytes, secrets: tuple[str, ...], limit: int, *, is_form: bool = False
) -> str:
    """Return a body without secrets, truncated; no part of a secret is left."""
    # Only a text in another charset than declared has NULs, which databases refuse.
    text = body.decode("utf-8", "replace").replace("\0", "")
    if is_form and not text.lstrip().startswith(("{", "[")):
        # Some clients send JSON with the content type of a form.
        text = mask_form(text)
    text = redact(mask_json(text), secrets)
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(body)} bytes in all)"
