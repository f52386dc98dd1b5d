"""Read the reply of GetAttachment while it arrives: bytes decoded as they come.

Pure: knows no HTTP and no zeep. DTDs are refused; what stands in the reply besides
the data, the record and a fault is passed over.
"""

from __future__ import annotations

import binascii
import io
from collections.abc import Iterable, Mapping
from typing import Any, Final

from lxml import etree

from bridge.backends.autotask_soap.decode.answers import read_response
from bridge.backends.autotask_soap.decode.entity import (
    EntityReader,
    is_nil,
    local_name,
    split,
)
from bridge.backends.autotask_soap.decode.field_types import ReadTime
from bridge.backends.autotask_soap.decode.xml_feed import OPTIONS
from bridge.errors import ProviderProtocolError
from bridge.interfaces import Attachment

MAX_BYTES: Final = 64_000_000
"""The largest file that is read. The vendor takes far smaller ones through its API."""

# Envelope, Body, GetAttachmentResponse, GetAttachmentResult, Data.
_DATA_DEPTH: Final = 5


class Base64Text:
    """Bytes out of a base64 text that comes in pieces, with blanks anywhere."""

    def __init__(self) -> None:
        self._rest = ""
        self._bytes = io.BytesIO()

    def feed(self, text: str) -> None:
        """Decode a further piece.

        Raises:
            ProviderProtocolError: not base64, or more than `MAX_BYTES`.
        """
        self._rest += "".join(text.split())
        usable = len(self._rest) - len(self._rest) % 4
        # The last group waits for `close`: padding is valid only at the end.
        usable = max(0, usable - 4)
        self._decode(self._rest[:usable])
        self._rest = self._rest[usable:]

    def close(self) -> bytes:
        """Return all bytes.

        Raises:
            ProviderProtocolError: the text is cut off, or not base64.
        """
        self._decode(self._rest, last=True)
        return self._bytes.getvalue()

    def _decode(self, text: str, *, last: bool = False) -> None:
        try:
            # Padding at the end of a piece decodes, but more data follows it.
            if "=" in text and not last:
                raise binascii.Error
            self._bytes.write(binascii.a2b_base64(text, strict_mode=True))
        except ValueError as error:
            raise ProviderProtocolError(
                "Autotask sent an attachment whose data is not base64."
            ) from error
        if self._bytes.tell() > MAX_BYTES:
            raise ProviderProtocolError(
                f"Autotask's attachment is larger than {MAX_BYTES} bytes."
            )


def read_attachment(chunks: Iterable[bytes], read_time: ReadTime) -> Attachment | None:
    """Return the attachment of a reply; None when the reply names none.

    `read_time` turns a field's name and its dateTime text into a value.

    Raises:
        FaultReplyError: the reply is a fault.
        ProviderProtocolError: not a SOAP reply, a DTD, not well-formed, cut off,
            another call's, or data that is not base64.
    """
    tree = _TreeWithoutData()
    options = {**OPTIONS, "target": tree}
    response = read_response(chunks, etree.XMLParser(**options))
    if response is None or local_name(response) != "GetAttachmentResponse":
        raise ProviderProtocolError("The SOAP reply holds no attachment.")
    info = response.find("{*}GetAttachmentResult/{*}Info")
    if info is None or is_nil(info):
        return None
    # Parser and target hold each other, so the target lives on for a while: not with
    # the bytes.
    data, tree.base64 = tree.base64, None
    return Attachment(
        split(EntityReader(read_time, ()).read(info)), data.close() if data else None
    )


class _TreeWithoutData:
    """Builds the tree of a reply; the text of `Data` is decoded and not kept in it."""

    def __init__(self) -> None:
        self.base64: Base64Text | None = None
        self._tree: Any = etree.TreeBuilder()  # its stubs know no prefixes
        self._depth = 0
        self._in_data = False

    def start(
        self, tag: str, attributes: Mapping[str, str], prefixes: Mapping[str, str]
    ) -> None:
        """Begin an element."""
        # lxml reports the default namespace as "" and takes it as None.
        scope = {prefix or None: uri for prefix, uri in prefixes.items()}
        element = self._tree.start(tag, attributes, scope)
        self._depth += 1
        if self._depth == _DATA_DEPTH and local_name(element) == "Data":
            self._in_data = self.base64 is None and not is_nil(element)
            if self._in_data:
                self.base64 = Base64Text()

    def data(self, text: str) -> None:
        """Add text to the current element."""
        if self._in_data and self.base64:
            self.base64.feed(text)
        else:
            self._tree.data(text)

    def end(self, tag: str) -> None:
        """End an element."""
        self._depth -= 1
        self._in_data = False
        self._tree.end(tag)

    def close(self) -> etree._Element | None:
        """Return the root; None where lxml gives up in the middle of the reply."""
        return None if self._depth else self._tree.close()
