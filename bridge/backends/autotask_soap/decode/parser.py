"""Read a SOAP reply with expat while it arrives; right for any well-formed spelling.

Namespace prefixes, CDATA, references and layout are expat's business. DTDs are
refused before anything in them is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from xml.parsers import expat

from bridge.backends.autotask_soap.decode.entity import (
    XSD,
    XSI,
    EntityReader,
    Scopes,
    is_nil,
)
from bridge.backends.autotask_soap.decode.field_types import ReadTime, ReturnInfo
from bridge.errors import ProviderProtocolError
from bridge.interfaces import Entity

_ENVELOPE: Final = "http://schemas.xmlsoap.org/soap/envelope/ Envelope"
_HTML: Final = re.compile(rb"\s*<(?:!doctype\s+)?html\b", re.IGNORECASE)
_HTML_PAGE: Final = "The answer is an HTML page, not a SOAP reply."
_INTEGER: Final = re.compile("-?[0-9]{1,19}")
_LISTS: Final = ("EntityResults", "EntityReturnInfoResults")
_RESULTS_DEPTH: Final = 5
_BUFFER_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Reply:
    """What a reply says besides its entities.

    `count` is the number of entities seen, those beyond the limit included. `fault` is
    the code and text of a SOAP fault; such a reply has no return code of its own and 0
    stands here.
    """

    return_code: int
    result_type: str
    count: int
    errors: tuple[str, ...]
    infos: tuple[ReturnInfo, ...]
    fault: tuple[str, str] | None


class ReplyParser:
    """Collects the entities and the result around them from well-formed UTF-8.

    Args:
        read_time: turns the text of a dateTime field into a value.
        limit: entities to build; further ones are only counted.
    """

    def __init__(self, read_time: ReadTime, limit: int) -> None:
        self.entities: list[Entity] = []
        self.count = 0
        self.result: dict[str, str] = {}
        self.errors: list[str] = []
        self.infos: list[ReturnInfo] = []
        self.fault: tuple[str, str] | None = None
        self._limit = limit
        self._path: list[str] = []
        self._group = self.result
        self._text: list[str] = []
        self._skipped_depth = 0
        self._fed_bytes = 0
        self._boundary = -1
        self._scopes = Scopes()
        self._reader = EntityReader(self._scopes, self._text, read_time, self._leave)
        self._expat = self._create_expat()

    @property
    def between_items(self) -> bool:
        """Whether the last byte fed ended the start tag of a list, or an entity."""
        return self._fed_bytes == self._boundary

    @property
    def has_usual_prefixes(self) -> bool:
        """Whether `xsi` and `xsd` stand for what they do in Autotask's own replies."""
        return self._scopes.uri("xsi") == XSI and self._scopes.uri("xsd") == XSD

    def feed(self, data: bytes, *, final: bool = False) -> None:
        """Parse `data`; `final` when nothing follows.

        Raises:
            ProviderProtocolError: not a SOAP reply, not well-formed, or cut off.
        """
        self._fed_bytes += len(data)
        try:
            self._expat.Parse(data, final)
        except expat.ExpatError as error:
            raise ProviderProtocolError(_refusal(error, data)) from error

    def add(self, entity: Entity) -> None:
        """Take in a complete entity, whoever read it."""
        self.count += 1
        self.entities.append(entity)

    def reply(self) -> Reply:
        """Return what was said besides the entities, once all was fed.

        Raises:
            ProviderProtocolError: it was no ATWSResponse.
        """
        code = self.result.get("ReturnCode", "").strip()
        if not self.fault and not _INTEGER.fullmatch(code):
            raise ProviderProtocolError("The SOAP reply holds no ATWSResponse.")
        return Reply(
            return_code=0 if self.fault else int(code),
            result_type=self.result.get("EntityResultType", ""),
            count=self.count,
            errors=tuple(self.errors),
            infos=tuple(self.infos),
            fault=self.fault,
        )

    def _create_expat(self) -> expat.XMLParserType:
        parser = expat.ParserCreate("utf-8", " ")
        parser.buffer_text = True
        parser.buffer_size = _BUFFER_BYTES
        parser.ordered_attributes = True
        parser.CharacterDataHandler = self._text.append
        parser.StartDoctypeDeclHandler = _refuse_dtd
        parser.StartNamespaceDeclHandler = self._scopes.open
        parser.EndNamespaceDeclHandler = self._scopes.close
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        return parser

    def _start(self, name: str, attributes: list[str]) -> None:
        """Enter an element outside of entities."""
        local = name.rpartition(" ")[2]
        if not self._path and name != _ENVELOPE:
            raise ProviderProtocolError(
                _HTML_PAGE
                if local.lower() == "html"
                else f"The answer is no SOAP reply but XML with the root {local[:40]}."
            )
        self._text.clear()
        if len(self._path) == _RESULTS_DEPTH and self._path[-1] == "EntityResults":
            self._enter(attributes)
            return
        self._path.append(local)
        if local in _LISTS and len(self._path) == _RESULTS_DEPTH:
            self._boundary = self._expat.CurrentByteIndex + len(f"<{local}>")
        elif local in ("Fault", "ATWSError", "EntityReturnInfo"):
            self._group = {}

    def _end(self, _name: str) -> None:
        """Leave an element outside of entities."""
        local = self._path.pop()
        group = self._group
        if local == "EntityReturnInfo":
            self.infos.append(_return_info(group))
        elif local == "ATWSError":
            self.errors.append(group.get("Message", ""))
        elif local == "Fault":
            self.fault = group.get("faultcode", ""), group.get("faultstring", "")
        else:
            group[local] = "".join(self._text)
            return
        self._group = self.result

    def _enter(self, attributes: list[str]) -> None:
        """Enter an entity: to build it, or to skip what is nil or beyond the limit."""
        null = is_nil(attributes)
        if not null and self.count < self._limit:
            self._expat.StartElementHandler = self._reader.start
            self._expat.EndElementHandler = self._reader.end
            return
        self.count += not null
        self._expat.CharacterDataHandler = None
        self._expat.StartElementHandler = self._skip_start
        self._expat.EndElementHandler = self._skip_end

    def _leave(self, entity: Entity) -> None:
        self.add(entity)
        self._return_from_entity()

    def _skip_start(self, _name: str, _attributes: list[str]) -> None:
        self._skipped_depth += 1

    def _skip_end(self, _name: str) -> None:
        if self._skipped_depth:
            self._skipped_depth -= 1
            return
        self._expat.CharacterDataHandler = self._text.append
        self._return_from_entity()

    def _return_from_entity(self) -> None:
        self._text.clear()
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end
        self._boundary = self._expat.CurrentByteIndex + len(b"</Entity>")


def _return_info(group: dict[str, str]) -> ReturnInfo:
    entity_id = group.get("EntityId", "").strip()
    return ReturnInfo(
        entity_id=int(entity_id) if _INTEGER.fullmatch(entity_id) else 0,
        message=group.get("Message", ""),
        duplicate_found=group.get("Found", "").strip() in ("true", "1"),
        duplicate_ignored=group.get("Ignored", "").strip() in ("true", "1"),
        match_info=group.get("MatchInfo", ""),
    )


def _refuse_dtd(name: str, *_rest: object) -> None:
    if name.lower() == "html":
        raise ProviderProtocolError(_HTML_PAGE)
    raise ProviderProtocolError("The answer holds a DTD, which no SOAP reply may.")


def _refusal(error: expat.ExpatError, data: bytes) -> str:
    """Say what is wrong with an answer that does not parse, without quoting it."""
    if _HTML.match(data):
        return _HTML_PAGE
    reason = expat.ErrorString(error.code)
    return f"The answer is cut off, or not well-formed XML ({reason})."
