"""Decode the reply of query, create, update, delete and getThresholdAndUsageInfo.

The reply is decoded while it arrives. Memory: one entity and one chunk, besides the
entities that the caller has not taken yet. No HTTP, no zeep, the vendor's names only.

A reply in the usual form of Autotask's servers is read by `scanner` alone; `parser`
reads the rest of a reply from the first bytes that depart from that form.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bridge.backends.autotask_soap.decode.characters import Utf8
from bridge.backends.autotask_soap.decode.entity import parse_entity
from bridge.backends.autotask_soap.decode.field_types import (
    RawEntity,
    ReadTime,
    ReturnInfo,
)
from bridge.backends.autotask_soap.decode.parser import Reply, ReplyParser
from bridge.backends.autotask_soap.decode.scanner import (
    ReplyHead,
    scan_between,
    scan_entity,
    scan_head,
    scan_infos,
)

__all__ = ["Reply", "ReplyDecoder", "ReturnInfo"]

_RESULTS: Final = b"<EntityResults>"
_ENTITY: Final = b"<Entity "
_ENTITY_END: Final = b"</Entity>"
# What is longer than these is not the usual form and is left to the parser.
_MAX_HEAD_BYTES: Final = 1 << 13
_MAX_ENTITY_BYTES: Final = 1 << 18
_MAX_INFO_BYTES: Final = 1 << 10


class ReplyDecoder:
    """Decodes one reply.

    Args:
        read_time: turns a field's name and its dateTime text into a value, raising
            ValueError for any other text.
        limit: entities to build; further ones are only counted.
    """

    def __init__(self, read_time: ReadTime, *, limit: int = 500) -> None:
        self._read_time = read_time
        self._limit = limit
        self._utf8 = Utf8()
        self._parser = ReplyParser(read_time, limit)
        self._pending = b""
        self._around = b""
        self._head: ReplyHead | None = None
        self._irregular = 0
        # Not a bound method: that would tie decoder, parser and their memory together
        # until the next run of the garbage collector.
        self._step: Callable[[ReplyDecoder], bool] = ReplyDecoder._read_head

    def feed(self, chunk: bytes) -> None:
        """Decode the next bytes of the body.

        Raises:
            ProviderProtocolError: not a SOAP reply, a DTD, not well-formed, or a value
                that is not of its type.
        """
        self._pending += self._utf8.feed(chunk)
        while self._step(self):
            pass

    def take(self) -> list[RawEntity]:
        """Return the entities completed since the last call, in the order received."""
        taken, self._parser.entities = self._parser.entities, []
        return taken

    def close(self) -> Reply:
        """Return the result around the entities, once all bytes were fed.

        Raises:
            FaultReplyError: the reply is a fault.
            ProviderProtocolError: the reply is cut off, empty, or not an ATWSResponse.
        """
        self._pending += self._utf8.feed(b"", final=True)
        head = self._head
        if (
            head
            and self._step is ReplyDecoder._read_infos
            and self._pending.rstrip() == head.end
        ):
            return Reply(
                return_code=head.return_code,
                count=self._parser.count,
                infos=tuple(self._parser.infos),
            )
        self._parse()
        return self._parser.close()

    def _read_head(self) -> bool:
        """Find the first entity. As each step: return whether the next one can run."""
        self._head = scan_head(self._pending)
        if self._head is not None:
            self._pass(self._head.size)
            self._step = ReplyDecoder._read_entities
        elif _RESULTS not in self._pending and len(self._pending) < _MAX_HEAD_BYTES:
            return False
        else:
            self._step = ReplyDecoder._parse
        return True

    def _read_entities(self) -> bool:
        pending, position, regular = self._pending, 0, True
        while regular and pending.startswith(_ENTITY, position):
            end = pending.find(_ENTITY_END, position) + len(_ENTITY_END)
            # `find` returned -1: the end of this entity has not arrived.
            if end < len(_ENTITY_END):
                break
            regular = self._read_entity(pending[position:end])
            position = end if regular else position
        self._pending = pending[position:]
        if not regular or len(self._pending) > _MAX_ENTITY_BYTES:
            self._step = ReplyDecoder._parse
        # Nothing, or the beginning of a start tag: another entity may follow.
        elif _ENTITY.startswith(self._pending[: len(_ENTITY)]):
            return False
        else:
            self._step = ReplyDecoder._read_between
        return True

    def _read_entity(self, data: bytes) -> bool:
        """Add the entity in `data`; False if the parser must read on from there."""
        parser = self._parser
        # CDATA and comments may contain `</Entity>`, so those entities must be
        # parsed.
        if parser.count >= self._limit and b"<!" not in data:
            parser.count += 1
            return True
        entity = scan_entity(data, self._read_time)
        if entity is None and self._irregular * 3 < parser.count:
            # Parsing one entity by itself costs three times as much as scanning one:
            # above this share the parser reads the rest of the reply faster.
            self._irregular += 1
            entity = parse_entity(data, self._read_time)
        if entity is None:
            return False
        parser.add(entity)
        return True

    def _read_between(self) -> bool:
        """Find the first info behind the entities."""
        size = scan_between(self._pending)
        if size:
            self._pass(size)
            self._step = ReplyDecoder._read_infos
        elif len(self._pending) < _MAX_INFO_BYTES:
            return False
        else:
            self._step = ReplyDecoder._parse
        return True

    def _read_infos(self) -> bool:
        infos, end = scan_infos(self._pending)
        self._parser.infos += infos
        self._pending = self._pending[end:]
        if len(self._pending) < _MAX_INFO_BYTES:
            return False
        # Longer than any regular info: what is pending must be parsed.
        self._step = ReplyDecoder._parse
        return True

    def _pass(self, size: int) -> None:
        """Skip what has been read; the parser gets it first, should it be needed."""
        self._around += self._pending[:size]
        self._pending = self._pending[size:]

    def _parse(self) -> bool:
        """Let the parser read the reply from here on, without the items read so far."""
        data, self._around, self._pending = self._around + self._pending, b"", b""
        self._parser.feed(data)
        return False
