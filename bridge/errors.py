"""Every error this product raises; the type says what to do next.

    BridgeError
    ├── CallerError                  the request is wrong
    │   ├── InvalidRequestError
    │   │   └── InvalidQueryError        with the column
    │   ├── UnauthorizedError
    │   ├── ForbiddenError
    │   ├── NotFoundError
    │   ├── VerbNotSupportedError
    │   ├── NotAcceptableError
    │   ├── ConflictError
    │   └── UnsupportedMediaError
    ├── ProviderError                Autotask said no, or nothing intelligible
    │   ├── ProviderRejectedError
    │   │   └── ProviderConflictError    the same thing exists at Autotask
    │   ├── ProviderCredentialsError
    │   │   └── ProviderIdentifierError  the integration code of all credentials
    │   ├── ProviderForbiddenError
    │   ├── ProviderProtocolError
    │   ├── ProviderOutcomeUnknownError  a write that may or may not have happened
    │   └── ProviderBusyError            retryable
    │       ├── ProviderThresholdError
    │       ├── ProviderUploadLimitError    bytes of attachments, not calls
    │       ├── ProviderUnavailableError
    │       └── ProviderTimeoutError
    ├── DeliveryError                a request to a caller's URL got no response
    │   ├── DeliveryRefusedError         the URL may not be used
    │   └── DeliveryFailedError          retryable
    │       └── DeliveryTimeoutError
    └── OperatorError                our configuration or our bug
        ├── ConfigurationError
        ├── CatalogError
        └── StoreError
            └── StoreUnavailableError    the same call may succeed later
                └── StoreFullError           once the disk has free space

The HTTP status of each is in one table, in `web.http.errors`. This module imports
nothing of ours, so every package can raise from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum, auto
from typing import ClassVar

_CLOSING = ")]}\"'\u201d\u2019"
# Only before a blank: the dots of `api.v2` and of an ellipsis are no sentence ends.
_DOUBLED_STOP = re.compile(rf"(?<=[^\s.])\.([{re.escape(_CLOSING)}]*)\.(?=\s)")


def single_full_stops(message: str) -> str:
    """Return a message in which no sentence ends in more than one full stop.

    Messages embed texts of Autotask, of libraries and of callers, which may bring a
    full stop of their own: `(Autotask: X is invalid.).` becomes
    `(Autotask: X is invalid.)`. At the end of a message an ellipsis becomes one too.
    """
    message = _DOUBLED_STOP.sub(r".\1", message)
    words = message.rstrip(f". \t\n{_CLOSING}")
    # An ellipsis at the end is cut too: our sentence ends with one full stop.
    before, stop, after = message[len(words) :].partition(".")
    if "." not in after:
        return message
    closing = "".join(each for each in after if each in _CLOSING)
    return f"{words}{before}{stop}{closing}"


class BridgeError(Exception):
    """Any failure that a caller can be shown.

    Args:
        message: what went wrong and how to fix it; never a secret. Doubled full stops
            of an embedded text become one.
        provider_message: Autotask's own text, whole, when it sent one.

    `replayed` is true when this was the response to an earlier call of the same write.
    """

    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, provider_message: str | None = None) -> None:
        self.message = single_full_stops(message)
        super().__init__(self.message)
        self.provider_message = provider_message
        self.replayed = False

    @property
    def caller_text(self) -> str:
        """The text for callers, by itself or within another message."""
        return self.message


class CallerError(BridgeError):
    """The request is wrong; sending it again unchanged will not help."""


class InvalidRequestError(CallerError):
    """A parameter, the body or a value in it cannot be used."""


class InvalidQueryError(InvalidRequestError):
    """A CEQL text cannot be used; `column` counts characters from 1."""

    def __init__(self, message: str, *, column: int | None = None) -> None:
        super().__init__(message)
        self.column = column


class UnauthorizedError(CallerError):
    """No known secret or token, or not the right one here."""


class ForbiddenError(CallerError):
    """Known, but not allowed: a disabled instance, a foreign account."""


class NotFoundError(CallerError):
    """No such path, object or record."""


class VerbNotSupportedError(CallerError):
    """The resource exists, the verb does not.

    `allowed` names the HTTP methods that are supported there, None when the routes
    already say it.
    """

    def __init__(self, message: str, *, allowed: frozenset[str] | None = None) -> None:
        super().__init__(message)
        self.allowed = allowed


class NotAcceptableError(CallerError):
    """No representation that `Accept` allows."""


class ConflictError(CallerError):
    """The same thing exists already, or is being written just now."""


class UnsupportedMediaError(CallerError):
    """The body's content type is not supported."""


class ProviderError(BridgeError):
    """Autotask refused, or gave no usable answer."""


class ProviderRejectedError(ProviderError):
    """Autotask read the request and refused it; nothing was changed."""


class ProviderConflictError(ProviderRejectedError):
    """Autotask has the same thing already; nothing was changed."""


class ProviderCredentialsError(ProviderError):
    """Autotask refused user name, password or integration code."""


class ProviderIdentifierError(ProviderCredentialsError):
    """Autotask wants an integration code, or refused the one it was sent."""


class ProviderForbiddenError(ProviderError):
    """The API user lacks the permission at Autotask."""


class ProviderProtocolError(ProviderError):
    """The response is not the SOAP reply that the service description promises."""


class ProviderOutcomeUnknownError(ProviderError):
    """A write was sent and no response came: it may or may not have happened."""


class ProviderBusyError(ProviderError):
    """Nothing was done; the same call may succeed later."""

    retryable: ClassVar[bool] = True


class ProviderThresholdError(ProviderBusyError):
    """The hourly quota or the thread limit is used up.

    `all_busy` is true when the budget had calls left, but no slot was free in time.
    """

    def __init__(
        self,
        message: str,
        *,
        provider_message: str | None = None,
        all_busy: bool = False,
    ) -> None:
        super().__init__(message, provider_message=provider_message)
        self.all_busy = all_busy


class ProviderUploadLimitError(ProviderBusyError):
    """Too many bytes of attachments in a few minutes; other calls are not affected."""


class Unreachable(StrEnum):
    """Why a connection to a host failed; each is fixed in a different place."""

    NAME = auto()
    REFUSED = auto()
    TIMEOUT = auto()
    TLS = auto()
    OTHER = auto()


class ProviderUnavailableError(ProviderBusyError):
    """The zone host cannot be reached, or is down for maintenance.

    `unreachable` says why there was no connection; None when there was one.
    """

    def __init__(
        self,
        message: str,
        *,
        provider_message: str | None = None,
        unreachable: Unreachable | None = None,
    ) -> None:
        super().__init__(message, provider_message=provider_message)
        self.unreachable = unreachable


class ProviderTimeoutError(ProviderBusyError):
    """No response in time to a call that changes nothing."""


class DeliveryError(BridgeError):
    """A request to the URL of a caller got no response.

    Messages name scheme, host and port; path, query and headers may be secret.
    """


class DeliveryRefusedError(DeliveryError):
    """The URL, an address of its host, or a header is not allowed; nothing was sent."""


class DeliveryFailedError(DeliveryError):
    """No connection, no valid certificate, or no response.

    The receiver may have read the request.
    """

    retryable: ClassVar[bool] = True


class DeliveryTimeoutError(DeliveryFailedError):
    """No response in time."""


class OperatorError(BridgeError):
    """Our configuration or our bug; the caller cannot fix it.

    Args:
        text: what went wrong.
        cure: what an operator does about it, as the end of a sentence; `message` is
            both.
    """

    def __init__(
        self, text: str, *, cure: str = "", provider_message: str | None = None
    ) -> None:
        self.text = text.rstrip(".")
        self.cure = cure
        message = f"{self.text}; {cure}." if cure else text
        super().__init__(message, provider_message=provider_message)


class ConfigurationError(OperatorError):
    """A setting is missing or wrong."""


class CatalogError(OperatorError):
    """A catalogue file is wrong; the message names file and key."""


class StoreError(OperatorError):
    """The database or the key ring cannot be used."""


class StoreUnavailableError(StoreError):
    """The database cannot be reached or used just now; it may be soon.

    Its message is for operators: the reason names hosts, users and files.
    """

    retryable: ClassVar[bool] = True

    @property
    def caller_text(self) -> str:
        """The text for callers, without the reason."""
        return "Bridge cannot use its database just now."


class StoreFullError(StoreUnavailableError):
    """The disk of the database is full."""

    @property
    def caller_text(self) -> str:
        """The text for callers."""
        return "The disk of Bridge's database is full."


def encode_error(error: BridgeError) -> dict[str, str | None]:
    """Return what is stored of an error, as the members of a JSON object.

    The names of the classes are therefore stored. Attributes that only some classes
    have, such as the column of an InvalidQueryError, are not.
    """
    return {
        "error": type(error).__name__,
        "message": error.message,
        "provider_message": error.provider_message,
    }


def decode_error(document: Mapping[str, str | None]) -> BridgeError:
    """Return the error that `encode_error` encoded, of the same class.

    A ProviderError if this release has no class of that name.
    """
    kind = find_error_class(document["error"]) or ProviderError
    error = kind(document["message"] or "")
    error.provider_message = document["provider_message"]
    return error


def find_error_class(name: str | None) -> type[BridgeError] | None:
    """Return the class of errors with this name, None for another name."""
    classes = {kind.__name__: kind for kind in _subclasses(BridgeError)}
    return classes.get(name or "")


def _subclasses(kind: type[BridgeError]) -> Iterator[type[BridgeError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _subclasses(child)
