"""Turn every way in which Autotask fails into our errors.

Autotask has no error codes, only texts; `VENDOR_MESSAGES` maps them to our errors.
There are five channels, each with a function here: a connection that failed or broke
(`no_answer`), a page that is not SOAP (`page`), a `soap:Fault` (`soap_fault`), a
`ReturnCode` other than 1 with its messages (`refused`), and the flags for a duplicate
in an `EntityReturnInfo` (`duplicate`). Each returns an `AttemptError`, which also says
what `retry` needs.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from bridge.backends.autotask_soap.connections import WireError, port_of
from bridge.backends.autotask_soap.decode.reply import Reply
from bridge.backends.autotask_soap.request import ATTACHMENT, Request
from bridge.errors import (
    ProviderConflictError,
    ProviderCredentialsError,
    ProviderError,
    ProviderForbiddenError,
    ProviderIdentifierError,
    ProviderOutcomeUnknownError,
    ProviderProtocolError,
    ProviderRejectedError,
    ProviderThresholdError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    ProviderUploadLimitError,
)


class AttemptError(Exception):
    """One attempt of a call failed.

    Args:
        error: what the caller gets.
        transient: the same request may succeed shortly.
        not_applied: the vendor certainly changed nothing.
        wrong_zone: the tenant may have moved to another zone.
        from_service: the service itself responded, so its host is reachable.
        retry_immediately: no pause is needed before the next attempt.
    """

    def __init__(
        self,
        error: ProviderError,
        *,
        transient: bool = False,
        not_applied: bool = False,
        wrong_zone: bool = False,
        from_service: bool = False,
        retry_immediately: bool = False,
    ) -> None:
        super().__init__(error.message)
        self.error = error
        self.transient = transient
        self.not_applied = not_applied
        self.wrong_zone = wrong_zone
        self.from_service = from_service
        self.retry_immediately = retry_immediately


@dataclass(frozen=True, slots=True)
class VendorMessage:
    """A text of the vendor's, the error it becomes, and where the text is known from.

    `certain` is false if a write may have been applied although it ended in a
    `soap:Fault` with this text.
    """

    pattern: str
    error: type[ProviderError]
    advice: str
    source: str
    transient: bool = False
    certain: bool = True


_SUCCESS = 1

_NO_IDENTIFIER = (
    "Autotask wants an API integration code and none is configured: set"
    " crm.autotask.integration.code on the instance, or BRIDGE_INTEGRATION_CODE for"
    " all."
)

VENDOR_MESSAGES = (
    VendorMessage(
        r"thread threshold",
        ProviderThresholdError,
        "Autotask's limit of simultaneous calls is reached; nothing was done, the same"
        " call may succeed in a moment.",
        "Source: REST API observation, the same engine",
        transient=True,
    ),
    VendorMessage(
        r"exceeded the maximum number of requests",
        ProviderThresholdError,
        "The tenant's hourly number of Autotask calls is used up; it is freed as the"
        " hour passes.",
        "Unverified: the wording; SOAP help promises an error",
    ),
    VendorMessage(
        r"bytes of attachments|attachment.*five minutes",
        ProviderUploadLimitError,
        "Autotask takes 10,000,000 bytes of attachments in five minutes and then none"
        " for five minutes; nothing was attached, the same call may succeed later.",
        "Unverified: the wording; SOAP help promises an error",
    ),
    VendorMessage(
        r"attachment.*(?:maximum size|too large)",
        ProviderRejectedError,
        "Autotask takes files of up to 6 or 7 MB through its API; nothing was"
        " attached.",
        "Unverified: the wording; SOAP help promises an error",
    ),
    VendorMessage(
        r"no matching attachment",
        ProviderRejectedError,
        "Autotask has no such attachment, or the API user may not see it.",
        "Unverified: the wording, assumed like that of records",
    ),
    VendorMessage(
        r"integrationcode is invalid",
        ProviderIdentifierError,
        "Autotask refused the API integration code: check that it is complete, is"
        " active, and belongs to this API user.",
        "Source: published issue threads of several clients",
    ),
    VendorMessage(
        r"does not have the adequate permissions",
        ProviderForbiddenError,
        "The API user's security level does not allow this at Autotask.",
        "Source: SOAP help, permissions",
    ),
    VendorMessage(
        r"no matching records found",
        ProviderRejectedError,
        "Autotask has no such record, or the API user may not see it.",
        "Source: SOAP help, update()",
    ),
    VendorMessage(
        r"already exists for|must be unique",
        ProviderConflictError,
        "Autotask has such a record already; nothing was changed.",
        "Unverified: the wording; SOAP help promises an error, ClientPortalUser",
    ),
    VendorMessage(
        r"deadlock|timeout expired|operation has timed out",
        ProviderUnavailableError,
        "Autotask's database was busy.",
        "Unverified: usual texts of the vendor's server software",
        transient=True,
        certain=False,
    ),
)

_CREDENTIALS_ADVICE = (
    "Autotask refused the login. Three things to check: the user name and password;"
    " that the user is an API user (API-only) - other users cannot log in here; that"
    " the user is active and not locked."
)
_REFUSING_STATUSES: dict[int, tuple[type[ProviderError], str]] = {
    HTTPStatus.UNAUTHORIZED: (ProviderCredentialsError, _CREDENTIALS_ADVICE),
    HTTPStatus.FORBIDDEN: (
        ProviderForbiddenError,
        "The web server of {host} forbids the {request}.",
    ),
    HTTPStatus.TOO_MANY_REQUESTS: (
        ProviderThresholdError,
        "{host} takes no more calls at the moment.",
    ),
}
"""Statuses that mean that nothing was done; the first two only after a login."""

_MAINTENANCE = re.compile(r"maint|unavailable|upgrad|offline|\bdown\b", re.IGNORECASE)
_VENDOR = re.compile(r"(?:^|\.)autotask\.net(?::\d+)?$", re.IGNORECASE)
_UNABLE = (HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_CHECKED = re.compile(
    r"required field|picklist value|reference value|can not convert|maximum length"
    r"|data violation",
    re.IGNORECASE,
)
"""What the vendor finds before it stores anything. Source: SOAP help, check errors.
Unverified: that attachments are checked with the same texts."""

_FAULT_OF_REQUEST = re.compile(r"(?:^|:)client(?:$|\.)", re.IGNORECASE)


def host_of(url: str) -> str:
    """Return the host and port of a URL, for messages.

    Source: RFC 3986, authority.
    """
    return urlsplit(url).netloc.rpartition("@")[2] or url


def no_answer(request: Request, url: str, error: WireError) -> AttemptError:
    """Return the error of a connection that failed or broke."""
    host = host_of(url)
    if not error.sent:
        # Connection problems often are firewall rules, which need the port.
        if urlsplit(url).port is None:
            host = f"{host}:{port_of(urlsplit(url))}"
        return AttemptError(
            ProviderUnavailableError(
                f"{host} cannot be reached: {error.reason}.",
                unreachable=error.unreachable,
            ),
            transient=True,
            not_applied=True,
            wrong_zone=True,
        )
    kind = ProviderTimeoutError if error.timed_out else ProviderUnavailableError
    said = kind(f"{host} did not answer the {request}: {error.reason}.")
    return AttemptError(said, transient=True, retry_immediately=error.reused)


def page(request: Request, host: str, status: int, body: bytes) -> AttemptError:
    """Return the error of a response that is not SOAP.

    The page's title becomes the vendor's text. An HTML page with status 200, or any
    page of a failing server (500 and above), means maintenance, and whether the service
    had read the request is unknown. 501 and 505 mean that there is no such service. So
    may 200 and 500 for a request without credentials: they may come from any web
    server.
    """
    text = request.clean(_page_text(status, body))
    too_many = status == HTTPStatus.TOO_MANY_REQUESTS
    if status in _REFUSING_STATUSES and (request.authorization or too_many):
        kind, message = _REFUSING_STATUSES[status]
        return AttemptError(
            kind(message.format(host=host, request=request), provider_message=text),
            transient=too_many,
            not_applied=True,
            wrong_zone=status == HTTPStatus.UNAUTHORIZED,
        )
    if _is_elsewhere(request, host, status, text):
        message = f"{host} has no Autotask service at this address (HTTP {status})."
        error = ProviderProtocolError(message, provider_message=text)
        moved = status < HTTPStatus.BAD_REQUEST
        return AttemptError(error, not_applied=True, wrong_zone=moved)
    message = f"{host} answered {request} with a page (HTTP {status}), not a reply."
    maintained = status >= HTTPStatus.INTERNAL_SERVER_ERROR or _is_html(body)
    if not maintained or (status == HTTPStatus.OK and not request.authorization):
        return AttemptError(ProviderProtocolError(message, provider_message=text))
    return AttemptError(
        ProviderUnavailableError(message, provider_message=text), transient=True
    )


def _is_elsewhere(request: Request, host: str, status: int, text: str) -> bool:
    """Whether a status means that the service is not at this address."""
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return True
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        is_vendor = _VENDOR.search(host) is not None
        return not (request.authorization or is_vendor or _MAINTENANCE.search(text))
    return status in _UNABLE


def check(request: Request, reply: Reply) -> None:
    """Raise the AttemptError of a decoded reply that is not a success."""
    check_code(request, reply)
    for info in reply.infos:
        if info.duplicate_found and not info.duplicate_ignored:
            raise duplicate(request, info.match_info)


def check_code(request: Request, reply: Reply) -> None:
    """Raise the AttemptError of a decoded reply whose `ReturnCode` is a refusal."""
    if reply.return_code != _SUCCESS:
        raise refused(request, messages(reply))


def messages(reply: Reply) -> list[str]:
    """Return what a reply says, errors first. Source: SOAP contract notes, 14.1."""
    said = (*reply.errors, *(info.message for info in reply.infos))
    return [text for text in said if text.strip()]


def soap_fault(request: Request, code: str, text: str) -> AttemptError:
    """Return the error of a `soap:Fault`.

    A fault code of the client's side means that the request was not carried out.
    Source: captured faults.
    """
    text = request.clean(text)
    failure, understood = _error_of(request, text)
    # Refusals of the calls for attachments have no other channel than a fault.
    checked = request.subject == ATTACHMENT and _CHECKED.search(text)
    # A server fault may come after the write was committed, so it proves nothing.
    failure.not_applied = bool(understood or checked or _FAULT_OF_REQUEST.search(code))
    return failure


def refused(request: Request, messages: Iterable[str]) -> AttemptError:
    """Return the error of a `ReturnCode` other than 1, with all its messages.

    Autotask applies a call completely or not at all. Source: SOAP help, create().
    Of these refusals only the limit of simultaneous calls is worth another attempt; a
    busy database is so only as a `soap:Fault`.
    """
    text = request.clean("\n".join(filter(str.strip, messages)))
    failure, understood = _error_of(request, text)
    failure.not_applied = True
    failure.transient = failure.transient and understood
    return failure


def duplicate(request: Request, match_info: str) -> AttemptError:
    """Return the error of a create that found an equal record.

    Source: published clients, EntityReturnInfo.
    """
    match_info = request.clean(match_info)
    message = f"The {request} found a duplicate and created nothing"
    named = f"{message}: {match_info}." if match_info else f"{message}."
    error = ProviderConflictError(named, provider_message=match_info or None)
    return AttemptError(error, not_applied=True)


def final_error(request: Request, url: str, failure: AttemptError) -> ProviderError:
    """Return what the caller gets when the last attempt failed.

    Of a write that may or may not have been applied, the outcome is unknown.
    """
    if failure.not_applied or not request.writes:
        return failure.error
    error = failure.error
    check = (
        "look for the record in Autotask before sending it again"
        if request.operation in ("create", "CreateAttachment")
        else "read the record and compare before sending it again"
    )
    return ProviderOutcomeUnknownError(
        f"The {request} was sent to {host_of(url)} but not confirmed, so it may or"
        f" may not have happened: {check}. ({error.message})",
        provider_message=error.provider_message,
    )


def _error_of(request: Request, text: str) -> tuple[AttemptError, bool]:
    """Return the error of a text, and whether it proves that nothing was applied."""
    # The first match wins, so special texts stand before general ones.
    matching = (
        message
        for message in VENDOR_MESSAGES
        if re.search(message.pattern, text, re.IGNORECASE)
    )
    known = next(matching, None)
    if known is None:
        said = f": {text}" if text else " and did not say why."
        error: ProviderError = ProviderRejectedError(
            f"Autotask refused the {request}{said}", provider_message=text or None
        )
        return AttemptError(error, from_service=True), False
    advice = known.advice
    if known.error is ProviderIdentifierError and not request.identified:
        advice = _NO_IDENTIFIER
    error = known.error(f"{advice} (Autotask: {text})", provider_message=text)
    failure = AttemptError(error, transient=known.transient, from_service=True)
    return failure, known.certain


def _is_html(body: bytes) -> bool:
    return b"<html" in body[:2000].lower()


def _page_text(status: int, body: bytes) -> str:
    title = _TITLE.search(body.decode("utf-8", "replace"))
    if title is not None and title[1].strip():
        return " ".join(html.unescape(title[1]).split())
    try:
        return f"HTTP {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"HTTP {status}"
