"""Responses to requests that cannot be parsed or that the application failed on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus

from gunicorn import util
from gunicorn.http.errors import (
    ExpectationFailed,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)

from bridge.server.wire import (
    MAX_REQUEST_LINE,
    FacadeResponse,
    Foreign,
    StalledRequestError,
)
from bridge.web.http import cors
from bridge.web.http.errors import envelope
from bridge.web.http.paths import normalise_target
from bridge.web.http.responses import JSON_TYPE

_LINE = re.compile(rb"(?:\r\n)?([A-Za-z]+) +([^ \r\n]*)")
_ORIGIN = re.compile(rb"(?im)^origin[ \t]*:[ \t]*([\x21-\x7e]+)[ \t]*\r?$")
_REFUSALS: tuple[tuple[type[Exception], HTTPStatus, str], ...] = (
    (
        LimitRequestLine,
        HTTPStatus.REQUEST_URI_TOO_LONG,
        f"The request line is longer than {MAX_REQUEST_LINE} bytes.",
    ),
    (
        LimitRequestHeaders,
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        "The request has too many headers, or one that is too long.",
    ),
    (
        StalledRequestError,
        HTTPStatus.REQUEST_TIMEOUT,
        "The request did not arrive in time.",
    ),
    (
        ExpectationFailed,
        HTTPStatus.EXPECTATION_FAILED,
        "Only the expectation 100-continue is met here.",
    ),
    (
        UnsupportedTransferCoding,
        HTTPStatus.NOT_IMPLEMENTED,
        "Only the transfer coding chunked is read here.",
    ),
)


@dataclass(frozen=True, slots=True)
class RequestSummary:
    """What an error response depends on; the path is normalised."""

    method: str = ""
    path: str = ""
    origin: str = ""

    @classmethod
    def of(cls, request: Foreign) -> RequestSummary:
        """Return the summary of a parsed request."""
        origins = [value for name, value in request.headers if name == "ORIGIN"]
        return cls(request.method, normalise_target(request.uri), ",".join(origins))


def summarize(head: bytes) -> RequestSummary:
    """Return what can be read of a head that is malformed, too long or incomplete.

    Used only for the form of the error response.
    """
    head = head.partition(b"\r\n\r\n")[0]
    line = _LINE.match(head)
    if line is None:
        return RequestSummary()
    origins = _ORIGIN.findall(head)
    return RequestSummary(
        line[1].decode("ascii"),
        normalise_target(line[2].decode("latin-1")),
        b",".join(origins).decode("ascii"),
    )


def refusal(error: ParseException) -> tuple[HTTPStatus, str]:
    """Return status and message for a request that cannot be parsed."""
    for kind, status, message in _REFUSALS:
        if isinstance(error, kind):
            return status, message
    return HTTPStatus.BAD_REQUEST, "The request is malformed HTTP."


def build_refusal(
    status: HTTPStatus, request_id: str, message: str, summary: RequestSummary
) -> bytes:
    """Return the bytes of an error response; without the body for HEAD."""
    body = envelope(request_id, message)
    headers = {
        "Date": util.http_date(),
        "Connection": "close",
        "Content-Type": JSON_TYPE,
        "Content-Length": str(len(body)),
        "Elements-Request-Id": request_id,
        **cors.response_headers(summary.path, summary.origin),
        # Last, as in every response: see `FacadeResponse`.
        "Server": FacadeResponse.software,
    }
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    head = "\r\n".join([*lines, "", ""]).encode("latin-1")
    return head if summary.method == "HEAD" else head + body
