"""The entities of a tenant, compiled from the metadata cache. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from pydantic import TypeAdapter

from bridge.interfaces import EntityInfo

_INFOS = TypeAdapter(list[EntityInfo])


@dataclass(frozen=True, slots=True)
class EntityDirectory:
    """A tenant's entities; `by_name` is keyed in lower case, in the vendor's order."""

    by_name: Mapping[str, EntityInfo]
    content_hash: str
    fetched_at: datetime


def compile_directory(
    payload: bytes, content_hash: str, fetched_at: datetime
) -> EntityDirectory:
    """Return the entities that `write_directory` wrote."""
    infos = _INFOS.validate_json(payload)
    by_name = {info.name.lower(): info for info in infos}
    return EntityDirectory(MappingProxyType(by_name), content_hash, fetched_at)


def write_directory(infos: Sequence[EntityInfo]) -> bytes:
    """Return entities as the JSON of the metadata cache."""
    return _INFOS.dump_json(list(infos))
