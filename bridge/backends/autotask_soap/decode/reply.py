"""Decode an ATWSResponse while it arrives: entities out, bytes gone.

For the replies of query, create, update, delete and getThresholdAndUsageInfo. Pure:
knows no HTTP, no zeep and no names but the vendor's. Memory is one entity and a chunk,
besides what the caller has not taken yet.

What a reply repeats is read by `scanner` where it is regular. All else, the
envelope included, goes as one document through `parser`, which alone decides
whether the reply is whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bridge.backends.autotask_soap.decode.characters import AllowedCharacters, Utf8
from bridge.backends.autotask_soap.decode.field_types import ReadTime, ReturnInfo
from bridge.backends.autotask_soap.decode.parser import Reply, ReplyParser
from bridge.backends.autotask_soap.decode.scanner import scan_entity, scan_infos
from bridge.interfaces import Entity

__all__ = ["Reply", "ReplyDecoder", "ReturnInfo"]

_RESULTS: Final = b"<EntityResults>"
_ENTITY: Final = b"<Entity "
_ENTITY_END: Final = b"</Entity>"
_INFOS: Final = b"<EntityReturnInfoResults>"
_INFO_END: Final = b"</EntityReturnInfo>"
_LONGEST_INFO: Final = 1 << 10
_LONGEST_HEAD: Final = 1 << 13
_LONGEST_REGULAR: Final = 1 << 18


class ReplyDecoder:
    """Decodes one reply.

    Args:
        read_time: turns a field's name and its dateTime text into a value, with
            ValueError for a text that is no time.
        limit: entities to build; further ones are only counted.
    """

    def __init__(self, read_time: ReadTime, *, limit: int = 500) -> None:
        self._read_time = read_time
        self._limit = limit
        self._utf8 = Utf8()
        self._characters = AllowedCharacters()
        self._parser = ReplyParser(read_time, limit)
        self._pending = b""
        self._advance: Callable[[], bool] = self._read_head

    def feed(self, chunk: bytes) -> None:
        """Decode the next bytes of the body.

        Raises:
            ProviderProtocolError: not a SOAP reply, a DTD, not well-formed, or a value
                that is not of its type.
        """
        self._pending += self._utf8.feed(chunk)
        while self._advance():
            pass

    def take(self) -> list[Entity]:
        """Return the entities completed since the last call, in the order received."""
        taken, self._parser.entities = self._parser.entities, []
        return taken

    def close(self) -> Reply:
        """Return the rest, once all bytes of the body were fed.

        Raises:
            ProviderProtocolError: the reply is cut off, empty, or no ATWSResponse.
        """
        self._pending += self._utf8.feed(b"", final=True)
        self._parse(len(self._pending))
        self._parser.feed(self._characters.close(), final=True)
        return self._parser.reply()

    def _read_head(self) -> bool:
        """Find the first entity; like each step below, say if the next can go on."""
        if _RESULTS not in self._pending and len(self._pending) < _LONGEST_HEAD:
            return False
        self._parse_through(_RESULTS)
        regular = self._parser.between_items and self._parser.has_usual_prefixes
        self._advance = self._read_entities if regular else self._read_rest
        return True

    def _read_entities(self) -> bool:
        pending, position = self._pending, 0
        while pending.startswith(_ENTITY, position) and self._parser.between_items:
            end = pending.find(_ENTITY_END, position) + len(_ENTITY_END)
            if end < len(_ENTITY_END):
                break
            self._read_entity(pending[position:end])
            position = end
        self._pending = pending[position:]
        if not self._parser.between_items or len(self._pending) > _LONGEST_REGULAR:
            self._advance = self._read_irregular
        elif _ENTITY.startswith(self._pending[: len(_ENTITY)]):
            return False
        else:
            self._advance = self._read_between
        return True

    def _read_entity(self, data: bytes) -> None:
        if self._parser.count >= self._limit and b"<!" not in data:
            self._parser.count += 1
            return
        entity = scan_entity(data, self._read_time)
        if entity is None:
            self._parser.feed(self._characters.feed(data))
        else:
            self._parser.add(entity)

    def _read_irregular(self) -> bool:
        """Let the parser finish an entity that it has begun."""
        found = self._parse_through(_ENTITY_END)
        if self._parser.between_items:
            self._advance = self._read_entities
        return found

    def _read_between(self) -> bool:
        """Find the first info behind the entities."""
        found = self._parse_through(_INFOS)
        if found:
            regular = self._parser.between_items
            self._advance = self._read_infos if regular else self._read_rest
        return found

    def _read_infos(self) -> bool:
        infos, end = scan_infos(self._pending)
        self._parser.infos += infos
        self._pending = self._pending[end:]
        if len(self._pending) < _LONGEST_INFO and _INFO_END not in self._pending:
            return False
        self._advance = self._read_rest
        return True

    def _read_rest(self) -> bool:
        self._parse(len(self._pending))
        return False

    def _parse_through(self, mark: bytes) -> bool:
        """Parse to the end of `mark`; without one, all that cannot be part of it."""
        found = self._pending.find(mark)
        if found < 0:
            self._parse(len(self._pending) - len(mark) + 1)
            return False
        self._parse(found + len(mark))
        return True

    def _parse(self, end: int) -> None:
        """Move the pending bytes before `end` to the parser."""
        if end > 0:
            data, self._pending = self._pending[:end], self._pending[end:]
            self._parser.feed(self._characters.feed(data))
