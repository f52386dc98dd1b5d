"""Read a SOAP reply with lxml while it arrives; right for any well-formed spelling.

Namespace prefixes, CDATA, references and layout are the parser's business.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from lxml import etree

from bridge.backends.autotask_soap.decode.answers import all_text, find_response, flag
from bridge.backends.autotask_soap.decode.entity import (
    SOAP,
    EntityReader,
    is_nil,
    local_name,
)
from bridge.backends.autotask_soap.decode.field_types import (
    RawEntity,
    ReadTime,
    ReturnInfo,
)
from bridge.backends.autotask_soap.decode.xml_feed import OPTIONS, XmlFeed
from bridge.errors import ProviderProtocolError

_ENVELOPE: Final = f"{{{SOAP}}}Envelope"
_INTEGER: Final = re.compile("-?[0-9]{1,19}")
# Envelope, Body, response, result, EntityResults.
_RESULTS_DEPTH: Final = 5
_READ: Final = ("{*}EntityId", "{*}Message", "{*}Found", "{*}Ignored", "{*}MatchInfo")


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply without its entities.

    `count` is the number of entities, those beyond the limit included.
    """

    return_code: int
    count: int = 0
    errors: tuple[str, ...] = ()
    infos: tuple[ReturnInfo, ...] = ()


class ReplyParser:
    """Collects the entities of a reply, and the result around them, from UTF-8.

    Args:
        read_time: turns the text of a dateTime field into a value.
        limit: entities to build; further ones are only counted.
    """

    def __init__(self, read_time: ReadTime, limit: int) -> None:
        self.entities: list[RawEntity] = []
        self.count = 0
        self.infos: list[ReturnInfo] = []
        self._limit = limit
        self._read_time = read_time
        # `_results` and `_reader` are set when the list of entities starts.
        self._results: etree._Element | None = None
        self._done: etree._Element | None = None
        self._reader = EntityReader(read_time, ())
        self._parser = etree.XMLPullParser(
            events=("start-ns", "start", "end"),
            tag=("{*}EntityResults", "{*}Entity"),
            **OPTIONS,
        )
        self._xml = XmlFeed(self._parser)

    def feed(self, data: bytes) -> None:
        """Parse the next bytes of the reply.

        Raises:
            ProviderProtocolError: not a SOAP reply, not well-formed, or a value that
                is not of its type.
        """
        self._xml.feed(data)
        self._handle_events()

    def add(self, entity: RawEntity) -> None:
        """Count an entity, and keep it unless it is beyond the limit."""
        if self.count < self._limit:
            self.entities.append(entity)
        self.count += 1

    def close(self) -> Reply:
        """Return the result around the entities, once all bytes were fed.

        Raises:
            FaultReplyError: the reply is a fault.
            ProviderProtocolError: it is cut off, or not an ATWSResponse.
        """
        root = self._xml.close()
        self._handle_events()
        response = find_response(root)
        result = None if response is None else next(response.iterchildren("*"), None)
        members = {} if result is None else {local_name(m): m for m in result}
        code = all_text(members.get("ReturnCode")).strip()
        if not _INTEGER.fullmatch(code):
            raise ProviderProtocolError("The SOAP reply holds no ATWSResponse.")
        return Reply(
            return_code=int(code),
            count=self.count,
            errors=tuple(
                _texts(error).get("Message", "")
                for error in _items(members.get("Errors"), "ATWSError")
            ),
            infos=(
                *self.infos,
                *map(
                    _return_info,
                    _items(members.get("EntityReturnInfoResults"), "EntityReturnInfo"),
                ),
            ),
        )

    def _handle_events(self) -> None:
        event: str
        item: Any
        for event, item in self._parser.read_events():
            if event == "start" and self._results is None:
                self._start_results(item)
            # The prefixes declared before the list are in its `nsmap`.
            elif event == "start-ns" and self._results is not None:
                self._reader.forget_prefix(item[0])
            elif event == "end" and self._results is not None:
                if item.getparent() is self._results:
                    self._end_entities(item)
                elif item is self._results and len(self._results):
                    self._end_entities(self._results[-1])

    def _start_results(self, element: etree._Element) -> None:
        """Begin the list of entities, if `element` stands where it must."""
        *_, root = above = [element, *element.iterancestors()]
        if len(above) == _RESULTS_DEPTH and root.tag == _ENVELOPE:
            self._results = element
            self._reader = EntityReader(self._read_time, element.nsmap)

    def _end_entities(self, last: etree._Element | None) -> None:
        """Take the complete elements up to `last`.

        Those not named Entity come without an event of their own. They are entities
        all the same: to pass over one would lose a record silently.
        """
        elements = []
        while last is not None and last is not self._done:
            elements.append(last)
            last = last.getprevious()
        for element in reversed(elements):
            self._end_entity(element)

    def _end_entity(self, element: etree._Element) -> None:
        if not is_nil(element):
            if self.count < self._limit:
                self.entities.append(self._reader.read(element))
            self.count += 1
        element.clear(keep_tail=True)  # type: ignore[call-arg]
        # The empty element and its tail stay until the next one is complete: the
        # parser may be in the middle of the text behind it.
        if self._done is not None and self._results is not None:
            self._results.remove(self._done)
        self._done = element


def _items(element: etree._Element | None, name: str) -> Iterable[etree._Element]:
    """Return the children of a list that have the name of its items."""
    return () if element is None else element.iterchildren(f"{{*}}{name}")


def _texts(element: etree._Element) -> dict[str, str]:
    """Return by local name the texts, of what is inside an element, that are read."""
    return {
        local_name(part): all_text(part) for part in element.iterdescendants(*_READ)
    }


def _return_info(element: etree._Element) -> ReturnInfo:
    texts = _texts(element)
    entity_id = texts.get("EntityId", "").strip()
    return ReturnInfo(
        entity_id=int(entity_id) if _INTEGER.fullmatch(entity_id) else 0,
        message=texts.get("Message", ""),
        duplicate_found=flag(texts.get("Found", "").strip()),
        duplicate_ignored=flag(texts.get("Ignored", "").strip()),
        match_info=texts.get("MatchInfo", ""),
    )
