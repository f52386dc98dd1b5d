"""Read the reply of GetAttachment while it arrives: bytes decoded as they come.

Pure: knows no HTTP and no zeep. DTDs are refused; what stands in the reply besides
the data, the record and a fault is passed over.
"""

from __future__ import annotations

import binascii
import io
from typing import Final
from xml.parsers import expat

from bridge.backends.autotask_soap.answers import FaultReplyError
from bridge.backends.autotask_soap.decode_entity import EntityReader, Scopes, is_nil
from bridge.backends.autotask_soap.decode_text import AllowedCharacters, Utf8
from bridge.backends.autotask_soap.decode_types import ReadTime
from bridge.errors import ProviderProtocolError
from bridge.interfaces import Attachment, Entity

MOST_BYTES: Final = 64_000_000
"""The largest file that is read. The vendor takes far smaller ones through its API."""

_SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
_START: Final = [f"{_SOAP} Envelope", f"{_SOAP} Body"]
_FAULT: Final = f"{_SOAP} Fault"
_RESPONSE_DEPTH: Final = 3
_MEMBER_DEPTH: Final = 5
_BUFFER_BYTES: Final = 1 << 16


class Base64Text:
    """Bytes out of a base64 text that comes in pieces, with blanks anywhere."""

    def __init__(self) -> None:
        self._rest = ""
        self._bytes = io.BytesIO()

    def feed(self, text: str) -> None:
        """Decode a further piece.

        Raises:
            ProviderProtocolError: no base64, or more bytes than are read.
        """
        self._rest += "".join(text.split())
        usable = len(self._rest) - len(self._rest) % 4
        # What may be the end is kept: only there may padding stand.
        usable = max(0, usable - 4)
        self._decode(self._rest[:usable])
        self._rest = self._rest[usable:]

    def close(self) -> bytes:
        """Return all bytes.

        Raises:
            ProviderProtocolError: the text ends within a group, or is no base64.
        """
        self._decode(self._rest, last=True)
        return self._bytes.getvalue()

    def _decode(self, text: str, *, last: bool = False) -> None:
        try:
            if "=" in text and not last:
                raise binascii.Error
            self._bytes.write(binascii.a2b_base64(text, strict_mode=True))
        except ValueError as error:
            raise ProviderProtocolError(
                "Autotask sent an attachment whose data is not base64."
            ) from error
        if self._bytes.tell() > MOST_BYTES:
            raise ProviderProtocolError(
                f"Autotask's attachment is larger than {MOST_BYTES} bytes."
            )


class AttachmentReply:
    """Takes the bytes of one reply.

    Args:
        read_time: turns a field's name and its dateTime text into a value.
    """

    def __init__(self, read_time: ReadTime) -> None:
        self._utf8 = Utf8()
        self._characters = AllowedCharacters()
        self._path: list[str] = []
        self._text: list[str] = []
        self._fault: dict[str, str] | None = None
        self._data: Base64Text | None = None
        self._info: Entity | None = None
        self._answered = False
        self._scopes = Scopes()
        self._reader = EntityReader(self._scopes, self._text, read_time, self._leave)
        self._expat = self._create_expat()

    def feed(self, chunk: bytes) -> None:
        """Read the next bytes of the body.

        Raises:
            ProviderProtocolError: not a SOAP reply, a DTD, not well-formed, or a value
                that is not of its type.
        """
        self._parse(self._characters.feed(self._utf8.feed(chunk)))

    def close(self) -> Attachment | None:
        """Return the attachment once all was fed; None when the reply holds none.

        Raises:
            SoapFaultError: the reply is a fault.
            ProviderProtocolError: it is cut off, or another call's.
        """
        self._parse(self._characters.feed(self._utf8.feed(b"", final=True)))
        self._parse(self._characters.close(), final=True)
        if self._fault is not None:
            code, text = self._fault.get("faultcode"), self._fault.get("faultstring")
            raise FaultReplyError(code or "", text or "")
        if not self._answered:
            raise ProviderProtocolError("The SOAP reply holds no attachment.")
        if self._info is None:
            return None
        # Parser and handlers hold each other, so this object lives on for a while:
        # not with the bytes.
        data, self._data = self._data, None
        return Attachment(self._info, data.close() if data else None)

    def _create_expat(self) -> expat.XMLParserType:
        parser = expat.ParserCreate("utf-8", " ")
        parser.buffer_text = True
        parser.buffer_size = _BUFFER_BYTES
        parser.ordered_attributes = True
        parser.StartDoctypeDeclHandler = _refuse_dtd
        parser.StartNamespaceDeclHandler = self._scopes.open
        parser.EndNamespaceDeclHandler = self._scopes.close
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        return parser

    def _parse(self, data: bytes, *, final: bool = False) -> None:
        try:
            self._expat.Parse(data, final)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code)
            raise ProviderProtocolError(
                f"The answer is cut off, or not well-formed XML ({reason})."
            ) from error

    def _start(self, name: str, attributes: list[str]) -> None:
        path = self._path
        path.append(name)
        self._text.clear()
        depth = len(path)
        if path[:2] != _START[:depth] and not _is_header(path):
            raise ProviderProtocolError("The answer is no SOAP reply but other XML.")
        if depth == _RESPONSE_DEPTH and path[1] == _START[1]:
            self._fault = {} if name == _FAULT else self._fault
            self._answered = name.endswith(" GetAttachmentResponse")
        if depth != _MEMBER_DEPTH or not self._answered or is_nil(attributes):
            return
        match name.rpartition(" ")[2]:
            case "Data" if self._data is None:
                self._data = Base64Text()
                self._expat.CharacterDataHandler = self._data.feed
            case "Info" if self._info is None:
                self._expat.StartElementHandler = self._reader.start
                self._expat.EndElementHandler = self._reader.end

    def _end(self, name: str) -> None:
        self._path.pop()
        self._expat.CharacterDataHandler = self._text.append
        if self._fault is not None and len(self._path) == _RESPONSE_DEPTH:
            self._fault[name.rpartition(" ")[2]] = "".join(self._text)

    def _leave(self, info: Entity) -> None:
        """Take over from the reader of the record, at its end."""
        self._info = info
        self._path.pop()
        self._text.clear()
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end


def _is_header(path: list[str]) -> bool:
    return path[:2] == [_START[0], f"{_SOAP} Header"]


def _refuse_dtd(name: str, *_rest: object) -> None:
    if name.lower() == "html":
        raise ProviderProtocolError("The answer is an HTML page, not a SOAP reply.")
    raise ProviderProtocolError("The answer holds a DTD, which no SOAP reply may.")
