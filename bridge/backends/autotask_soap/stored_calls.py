"""Calls that an account defined: the operation of a stored envelope, with its values.

Only the operation and its arguments are used, never the host, version, headers and
bytes of the stored envelope. Source: elements-api 3.5.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from bridge.backends.autotask_soap import calls, faults
from bridge.backends.autotask_soap.decode.answers import find_result
from bridge.backends.autotask_soap.encode import requests
from bridge.backends.autotask_soap.encode.envelopes import Argument, read_envelope
from bridge.backends.autotask_soap.request import Request, authorized
from bridge.backends.autotask_soap.wsdl import ACTIONS, ServiceDescription
from bridge.errors import InvalidRequestError
from bridge.interfaces import (
    PLACEHOLDER,
    CallDefinition,
    Credentials,
    PlaceholderValue,
)
from bridge.interfaces.texts import sendable_text
from bridge.types import JSON

READING = (
    "getThresholdAndUsageInfo",
    "getEntityInfo",
    "GetFieldInfo",
    "getUDFInfo",
    "query",
    "GetWsdlVersion",
)
"""Operations that every definition may call: they change nothing.

Their arguments are texts, each of which may be left out.
"""

_WRITING = frozenset(
    {"create", "update", "delete", "CreateAttachment", "DeleteAttachment"}
)


@dataclass(frozen=True, slots=True)
class OperationCall:
    """An operation by its name in the service description, and its arguments."""

    operation: str
    arguments: Mapping[str, Argument]
    writes: bool = False


def read_call(definition: CallDefinition, value: PlaceholderValue) -> OperationCall:
    """Return the call that a definition describes, its placeholders filled.

    Raises:
        InvalidRequestError: its operation may not be called, its envelope cannot be
            parsed, or a placeholder has no value that can be sent.
    """
    envelope = read_envelope(definition.body) if definition.body else None
    if envelope is None:
        # Some definitions have no envelope, only the SOAPAction header.
        action = definition.headers.get("soapaction", "")
        operation = action.strip('"').rstrip("/").rpartition("/")[2]
    else:
        operation = envelope.operation
    allowed = (*READING, *definition.allowed)
    # Definitions spell operations in any case, the service description in one.
    known = {name.lower(): name for name in allowed}.get(operation.lower())
    if known is None:
        raise InvalidRequestError(
            f"The resource names {operation[:60] or 'no operation'}, and only these "
            f"can be called: {', '.join(allowed)}."
        )
    arguments: Mapping[str, Argument] = {}
    if envelope is not None:
        arguments = envelope.arguments(known, lambda text: _fill(text, value))
    return OperationCall(known, arguments, writes=known in _WRITING)


def build_request(
    call: OperationCall, description: ServiceDescription, credentials: Credentials
) -> Request:
    """Return the request of a call.

    zeep validates the arguments of the operations that read records and metadata;
    those of all others are left to the vendor to validate.

    Raises:
        InvalidRequestError: an argument's name is not valid, or zeep refused it.
    """
    operation, arguments = call.operation, call.arguments
    texts = {name: text for name, text in arguments.items() if isinstance(text, str)}
    if operation in READING and len(texts) == len(arguments):
        try:
            request = description.request(operation, credentials, **texts)
        except TypeError as error:
            raise InvalidRequestError(f"{operation} cannot be called so.") from error
        return replace(request, writes=call.writes)
    body = requests.envelope(
        calls.write_body(operation, arguments), credentials, writes=call.writes
    )
    action = ACTIONS.get(operation, operation)
    return authorized(action, body, credentials, writes=call.writes)


def read_answer(
    call: OperationCall, request: Request, chunks: Iterable[bytes]
) -> Mapping[str, JSON]:
    """Return the response of a call as JSON.

    Raises:
        AttemptError: the vendor refused.
        FaultReplyError: the reply is a fault.
        ProviderProtocolError: not a whole reply.
    """
    result = find_result(chunks)
    if texts := calls.refusals(result):
        raise faults.refused(request, texts)
    return calls.as_json(call.operation, result)


def _fill(text: str, value: PlaceholderValue) -> str:
    """Return a text with values in its placeholders."""

    def filled(match: re.Match[str]) -> str:
        name = match[1]
        found = value(name)
        if found is None:
            return match[0]
        # Removing the characters would silently change the caller's value.
        if sendable_text(found) != found:
            raise InvalidRequestError(
                f"The value of {name} holds a character that XML cannot carry."
            )
        return found

    return PLACEHOLDER.sub(filled, text)
