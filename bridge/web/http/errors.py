"""Every error becomes a response: one JSON shape with one status code.

`STATUS` is the only place where an error class gets a code. Source: elements-api 1.7;
codes that its table lacks are used only when the operator opts in (`STRICT_STATUS`).
"""

from __future__ import annotations

import logging

from flask import Response, current_app, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from bridge import errors
from bridge.errors import BridgeError, single_full_stops
from bridge.web.http import request_context
from bridge.web.http.responses import JSON_TYPE, mark_replay, to_json

STATUS: dict[type[BridgeError], int] = {
    errors.InvalidRequestError: 400,
    errors.InvalidQueryError: 400,
    errors.UnauthorizedError: 401,
    errors.ForbiddenError: 403,
    errors.NotFoundError: 404,
    errors.VerbNotSupportedError: 405,
    errors.NotAcceptableError: 406,
    errors.ConflictError: 409,
    errors.UnsupportedMediaError: 415,
    errors.ProviderRejectedError: 400,
    errors.ProviderConflictError: 409,
    errors.ProviderCredentialsError: 401,
    errors.ProviderIdentifierError: 401,
    errors.ProviderForbiddenError: 403,
    errors.ProviderProtocolError: 502,
    errors.ProviderOutcomeUnknownError: 502,
    errors.ProviderThresholdError: 502,
    errors.ProviderUploadLimitError: 502,
    errors.ProviderUnavailableError: 502,
    errors.ProviderTimeoutError: 502,
    errors.DeliveryRefusedError: 400,
    errors.DeliveryFailedError: 502,
    errors.DeliveryTimeoutError: 502,
    errors.ConfigurationError: 500,
    errors.CatalogError: 500,
    errors.StoreError: 500,
    errors.StoreUnavailableError: 502,
    errors.StoreFullError: 502,
}
STRICT_STATUS: dict[type[BridgeError], int] = {
    errors.ProviderThresholdError: 429,
    errors.ProviderUploadLimitError: 429,
    errors.ProviderUnavailableError: 503,
    errors.ProviderTimeoutError: 504,
    errors.DeliveryTimeoutError: 504,
    errors.StoreUnavailableError: 503,
    errors.StoreFullError: 503,
}
DATABASE_UNAVAILABLE = (
    "Bridge cannot use its database just now, and may not have completed the "
    "request. Send the same request again later."
)
DATABASE_FULL = (
    "The disk of Bridge's database is full: Bridge may not have completed the request. "
    "Send the same request again once its operator has made room."
)
BUG = "The bridge failed; its log has the details under this request id."

_log = logging.getLogger(__name__)


def status_of(error: BridgeError, *, strict: bool = False) -> int:
    """Return the status of an error by its nearest listed class; 500 for the rest."""
    table = {**STATUS, **STRICT_STATUS} if strict else STATUS
    kinds = type(error).__mro__
    return next((table[kind] for kind in kinds if kind in table), 500)


def envelope(
    request_id: str, message: str, provider_message: str | None = None
) -> bytes:
    """Return the error body; `providerMessage` only when Autotask sent a message."""
    body = {"requestId": request_id, "message": single_full_stops(message)}
    if provider_message:
        body["providerMessage"] = provider_message
    return to_json(body)


def error_response(error: Exception) -> Response:
    """Return the response to any exception; only unexpected ones are logged."""
    if isinstance(error, BridgeError):
        return _bridge_error_response(error)
    if isinstance(error, HTTPException):
        # Flask's own: unknown path, method, large body.
        response = _response(error.code or 500, _http_message(error))
        if isinstance(error, MethodNotAllowed):
            _add_allow(response)
        return response
    _log.exception("request %s failed", request_context.request_id(), exc_info=error)
    return _response(500, BUG)


def _bridge_error_response(error: BridgeError) -> Response:
    message = error.caller_text
    if isinstance(error, errors.StoreUnavailableError):
        # The store has logged the reason.
        is_full = isinstance(error, errors.StoreFullError)
        message = DATABASE_FULL if is_full else DATABASE_UNAVAILABLE
    elif isinstance(error, errors.OperatorError):
        _log.error("request %s failed", request_context.request_id(), exc_info=error)
    strict = request_context.context().settings.strict_status
    status = status_of(error, strict=strict)
    response = _response(status, message, error.provider_message)
    if isinstance(error, errors.VerbNotSupportedError):
        _add_allow(response, error.allowed)
    return mark_replay(response, replayed=error.replayed)


def _http_message(error: HTTPException) -> str:
    match error.code:
        case 404:
            return f"No such path: {request.path}."
        case 405:
            return f"Method {request.method} is not supported for {request.path}."
        case 413 if error.description == type(error).description:
            limit = request_context.context().settings.http_max_body_bytes
            return f"The request body is larger than {limit} bytes."
    return error.description or error.name


def _add_allow(response: Response, offered: frozenset[str] | None = None) -> None:
    """Set `Allow`: the methods given, or those of the path's routes."""
    adapter = current_app.create_url_adapter(request)
    if offered is not None:
        allowed = {"OPTIONS", *offered}
    elif adapter is not None:
        # Some routes exist only to refuse a method; theirs are left out.
        allowed = {
            method
            for method in adapter.allowed_methods()
            if not adapter.match(method=method)[0].startswith(
                f"{request_context.REFUSAL} "
            )
        } - {request.method}
    else:
        return
    response.headers["Allow"] = ", ".join(sorted(allowed))


def _response(
    status: int, message: str, provider_message: str | None = None
) -> Response:
    body = envelope(request_context.request_id(), message, provider_message)
    return Response(body, status=status, content_type=JSON_TYPE)
