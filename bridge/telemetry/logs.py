"""Log lines on stderr: one JSON object each, or a line for people.

Every line that any library writes passes here, gets the request id of the current
call, and has its secrets masked.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import Literal, TypeAlias

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from bridge.telemetry import current_call, redaction

Format: TypeAlias = Literal["auto", "json", "console"]
Level: TypeAlias = Literal["debug", "info", "warning", "error"]

_PLAIN = frozenset({"level", "method", "remote", "request_id", "timestamp"})


def start(log_format: Format, level: Level) -> None:
    """Send everything this process and its children log to stderr.

    `auto` is readable text on a terminal and JSON elsewhere. Our own packages log from
    `level` up, everything else from warnings up.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(people=is_for_people(log_format)))
    ours = getattr(logging, level.upper())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Libraries log requests with headers and bodies at lower levels.
    root.setLevel(max(ours, logging.WARNING))
    logging.getLogger("bridge").setLevel(ours)
    # The default prints the traceback to stderr, past the masking.
    threading.excepthook = _log_thread_failure


def is_for_people(log_format: Format) -> bool:
    """Return whether lines on stderr are readable text rather than JSON objects."""
    return log_format == "console" or (log_format == "auto" and sys.stderr.isatty())


def _has_colours() -> bool:
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stderr.isatty() and not plain


def formatter(*, people: bool) -> logging.Formatter:
    """Return the formatter of log records."""
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=_has_colours(), sort_keys=False)
        if people
        else structlog.processors.JSONRenderer(serializer=_to_json)
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            add_call,
            structlog.processors.format_exc_info,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            # After the traceback is formatted: exceptions quote values too.
            redact_secrets,
            renderer,
        ],
    )


def add_call(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Add request and instance of the current call, unless the line has them."""
    current = current_call.current()
    if current is not None:
        event.setdefault("request_id", current.request_id)
        if current.instance_id is not None:
            event.setdefault("instance_id", current.instance_id)
    return event


def redact_secrets(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Mask secrets, and write control characters so that a line stays one line."""
    current = current_call.current()
    secrets = current.secrets if current is not None else ()
    for name, value in event.items():
        if redaction.is_secret_name(name):
            event[name] = redaction.MASK
        elif isinstance(value, str) and name not in _PLAIN:
            event[name] = _clean(name, value, secrets)
    return event


def _clean(name: str, value: str, secrets: tuple[str, ...]) -> str:
    text = redaction.redact(value, secrets)
    if name == "exception" or text.isprintable():
        return text
    # A line feed sent by a caller would let it forge a log line.
    return text.encode("unicode_escape").decode("ascii")


def _to_json(event: EventDict, **_options: object) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _log_thread_failure(failure: threading.ExceptHookArgs) -> None:
    if failure.exc_value is not None:
        logging.getLogger(__name__).error(
            "a thread ended with an error", exc_info=failure.exc_value
        )
