"""Log lines on stderr: one JSON object each, or a line for people.

Every line that any library writes passes here and gets the request id of the call
it was written in; none keeps a secret.
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

    `auto` is for people on a terminal and JSON elsewhere. Our own rooms log from
    `level` up, everything else from warnings up.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(people=is_for_people(log_format)))
    ours = getattr(logging, level.upper())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(ours, logging.WARNING))
    logging.getLogger("bridge").setLevel(ours)
    threading.excepthook = _log_thread_failure


def is_for_people(log_format: Format) -> bool:
    """Tell whether lines on stderr are for people; JSON objects otherwise."""
    return log_format == "console" or (log_format == "auto" and sys.stderr.isatty())


def _has_colours() -> bool:
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stderr.isatty() and not plain


def formatter(*, people: bool) -> logging.Formatter:
    """Return what turns a log record into a line."""
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
            redact_secrets,
            renderer,
        ],
    )


def add_call(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Name request and instance of the current call, unless the line does already."""
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
        if isinstance(value, str) and name not in _PLAIN:
            event[name] = _clean(name, value, secrets)
        elif redaction.is_secret_name(name):
            event[name] = redaction.MASK
    return event


def _clean(name: str, value: str, secrets: tuple[str, ...]) -> str:
    if redaction.is_secret_name(name):
        return redaction.MASK
    text = redaction.redact(value, secrets)
    if name == "exception" or text.isprintable():
        return text
    return text.encode("unicode_escape").decode("ascii")


def _to_json(event: EventDict, **_options: object) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _log_thread_failure(failure: threading.ExceptHookArgs) -> None:
    if failure.exc_value is not None:
        logging.getLogger(__name__).error(
            "a thread ended with an error", exc_info=failure.exc_value
        )
