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
from bridge.backends.autotask_soap.decode.answers import all_text, find_result
from bridge.backends.autotask_soap.encode import requests
from bridge.backends.autotask_soap.encode.requests import NAMESPACE, NEW
from bridge.backends.autotask_soap.encode.values import VendorTimes
from bridge.backends.autotask_soap.request import ATTACHMENT, Request, authorized
from bridge.errors import ProviderProtocolError
from bridge.interfaces import Credentials, Values

_PIECE: Final = 3 << 14
"""Bytes encoded at a time; a multiple of three, so that no piece needs padding."""

_INTEGER: Final = re.compile(r"-?[0-9]{1,18}")


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
    return authorized(
        "CreateAttachment",
        body.getvalue(),
        credentials,
        subject=ATTACHMENT,
        writes=True,
    )


def id_request(
    operation: str, attachment_id: int, credentials: Credentials, *, writes: bool
) -> Request:
    """Return the request of `GetAttachment` or `DeleteAttachment`."""
    element = _id_body(operation, attachment_id)
    body = requests.envelope(element, credentials, writes=writes)
    return authorized(operation, body, credentials, subject=ATTACHMENT, writes=writes)


def write_body(
    operation: str, attachment_id: int, values: Values, *, times: VendorTimes
) -> str:
    """Return the element of a `create` or `delete`, without the bytes of a file."""
    if operation == "create":
        return "".join(_create_parts(values, times))
    return _id_body("DeleteAttachment", attachment_id)


def read_created(request: Request, chunks: Iterable[bytes]) -> int:
    """Return the id of a new attachment. Source: SOAP help, a sample tests `> 0`.

    Raises:
        AttemptError: the id is not positive.
        FaultReplyError: the reply is a fault.
        ProviderProtocolError: not a whole reply.
    """
    text = all_text(find_result(chunks)).strip()
    if not _INTEGER.fullmatch(text):
        raise ProviderProtocolError("Autotask confirmed, but named no id.")
    if int(text) <= 0:
        raise faults.refused(request, ())
    return int(text)


def check_deleted(request: Request, chunks: Iterable[bytes]) -> None:
    """Make sure that an attachment was deleted.

    Unverified: nothing stands in the reply on success, otherwise a message.

    Raises:
        AttemptError: the reply contains a message.
        FaultReplyError: the reply is a fault.
        ProviderProtocolError: not a whole reply.
    """
    if text := all_text(find_result(chunks)).strip():
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
