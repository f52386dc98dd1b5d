"""The three calls for attachments: requests written, replies read.

A file travels as one base64 text. On the way out it is encoded piece by piece into
the request; on the way in it is decoded piece by piece while the reply arrives, so
that a file is in memory once. Source: WSDL 1.6.0, `Attachment`; soap-samples 16.
"""

from __future__ import annotations

import binascii
import io
import re
from collections.abc import Iterable
from typing import BinaryIO, Final

from bridge.backends.autotask_soap import faults
from bridge.backends.autotask_soap.decode.answers import FaultReplyError, find_result
from bridge.backends.autotask_soap.decode.attachment_reply import AttachmentReply
from bridge.backends.autotask_soap.decode.field_types import ReadTime
from bridge.backends.autotask_soap.encode import requests
from bridge.backends.autotask_soap.encode.requests import NAMESPACE, NEW, Values
from bridge.backends.autotask_soap.encode.values import VendorTimes
from bridge.backends.autotask_soap.faults import AttemptError
from bridge.backends.autotask_soap.request import Request, authorized
from bridge.errors import ProviderProtocolError
from bridge.interfaces import Attachment, Credentials

ENTITY: Final = "AttachmentInfo"

_PIECE: Final = 3 << 14
"""Bytes encoded at a time; a multiple of three, so that no piece needs padding."""

_INTEGER: Final = re.compile(r"-?[0-9]{1,18}")
_CHECKED: Final = re.compile(
    r"required field|picklist value|reference value|can not convert|maximum length"
    r"|data violation",
    re.IGNORECASE,
)
"""What the vendor finds before it stores anything. Source: SOAP help, check errors.
Unverified: that attachments are checked with the same texts."""


def create_request(
    values: Values,
    data: BinaryIO | None,
    *,
    credentials: Credentials,
    times: VendorTimes,
) -> Request:
    """Return the request that attaches a file, or a link without `data`.

    Raises:
        InvalidRequestError: a name that cannot be an element's.
    """
    start, end = requests.frame(credentials, writes=True)
    before, after = _create_parts(values, times)
    body = io.BytesIO()
    body.write(f"{start}{before}".encode())
    if data is not None:
        body.write(b"<Data>")
        while piece := data.read(_PIECE):
            body.write(binascii.b2a_base64(piece, newline=False))
        body.write(b"</Data>")
    body.write(f"{after}{end}".encode())
    # The buffer's own bytes, not a copy of them.
    return _authorized("CreateAttachment", body.getvalue(), credentials, writes=True)


def id_request(
    operation: str, attachment_id: int, credentials: Credentials, *, writes: bool
) -> Request:
    """Return the request of `GetAttachment` or `DeleteAttachment`."""
    start, end = requests.frame(credentials, writes=writes)
    body = f"{start}{_id_body(operation, attachment_id)}{end}".encode()
    return _authorized(operation, body, credentials, writes=writes)


def write_body(
    operation: str, attachment_id: int, values: Values, *, times: VendorTimes
) -> str:
    """Return the element of a `create` or `delete`, without the bytes of a file."""
    if operation == "create":
        return "".join(_create_parts(values, times))
    return _id_body("DeleteAttachment", attachment_id)


def read_attachment(
    request: Request, chunks: Iterable[bytes], read_time: ReadTime
) -> Attachment | None:
    """Return the attachment of a reply; None when the reply names none.

    Raises:
        AttemptError: the reply is a fault.
        ProviderProtocolError: the reply is cut off, or its data is not base64.
    """
    reply = AttachmentReply(read_time)
    for chunk in chunks:
        reply.feed(chunk)
    try:
        return reply.close()
    except FaultReplyError as fault:
        raise _failure(request, fault) from fault


def read_created(request: Request, chunks: Iterable[bytes]) -> int:
    """Return the id of a new attachment. Source: SOAP help, a sample tests `> 0`.

    Raises:
        AttemptError: the reply is a fault, or the id is not positive.
        ProviderProtocolError: not a whole reply.
    """
    text = _result_text(request, chunks)
    if not _INTEGER.fullmatch(text):
        raise ProviderProtocolError("Autotask confirmed, but named no id.")
    if int(text) <= 0:
        raise faults.refused(request, ())
    return int(text)


def check_deleted(request: Request, chunks: Iterable[bytes]) -> None:
    """Make sure that an attachment was deleted.

    Unverified: nothing stands in the reply on success, otherwise a message.

    Raises:
        AttemptError: the reply is a fault, or contains a message.
        ProviderProtocolError: not a whole reply.
    """
    text = _result_text(request, chunks)
    if text:
        raise faults.refused(request, (text,))


def _create_parts(values: Values, times: VendorTimes) -> tuple[str, str]:
    """Return what stands before a file's data and behind it."""
    members = requests.write_members(values, times)
    return (
        f'<CreateAttachment xmlns="{NAMESPACE}"><attachment>',
        f"<Info><id>{NEW}</id>{members}</Info></attachment></CreateAttachment>",
    )


def _id_body(operation: str, attachment_id: int) -> str:
    return (
        f'<{operation} xmlns="{NAMESPACE}"><attachmentId>{attachment_id}'
        f"</attachmentId></{operation}>"
    )


def _authorized(
    operation: str, body: bytes, credentials: Credentials, *, writes: bool
) -> Request:
    return authorized(operation, body, credentials, subject=ENTITY, writes=writes)


def _result_text(request: Request, chunks: Iterable[bytes]) -> str:
    try:
        result = find_result(chunks)
    except FaultReplyError as fault:
        raise _failure(request, fault) from fault
    return "" if result is None else "".join(map(str, result.itertext())).strip()


def _failure(request: Request, fault: FaultReplyError) -> AttemptError:
    """Return the failure of a fault; refusals of these calls have no other channel."""
    failure = faults.soap_fault(request, fault.code, fault.text)
    # Found before anything was stored, so the outcome is certain.
    if _CHECKED.search(fault.text):
        failure.not_applied = True
    return failure
