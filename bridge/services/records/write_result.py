"""The result of a write, and its encoding for storage and replay.

What is stored is the entity in the vendor's terms: a replay shows it under the names
that callers use then. Stored as JSON text. The three kinds of value that JSON has no
type for are wrapped in an object with one member, whose name no field has.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from bridge.errors import BridgeError, decode_error, encode_error
from bridge.interfaces import Entity
from bridge.services.records.mapping import Record
from bridge.services.records.serializer import RecordSerializer
from bridge.services.records.validation import ValidatedRecord
from bridge.services.records.vendor_records import read_entity

# The first match counts: `datetime` is a subclass of `date`.
_KINDS: dict[str, tuple[type, Callable[[Any], str], Callable[[str], object]]] = {
    "$time": (datetime, datetime.isoformat, datetime.fromisoformat),
    "$date": (date, date.isoformat, date.fromisoformat),
    "$decimal": (Decimal, str, Decimal),
}

_FORMAT = 2
"""The format of stored entities. Format 1, without a number, had the record as it was
shown; nothing writes it any more."""

Name: TypeAlias = tuple[str, int, str]
"""The name of a referenced record: its entity, its id, and the name."""


@dataclass(frozen=True, slots=True)
class StoredWrite:
    """A record after a write, in the vendor's terms, and what its caller should know.

    `ignored` names members that were not used; `notice` continues "The record was";
    `notes` are sentences on what was stored. `names` are those that the caller was
    shown as labels.
    """

    entity: Entity = field(repr=False)
    ignored: Sequence[str] = ()
    notice: str = ""
    notes: Sequence[str] = ()
    names: Sequence[Name] = ()


@dataclass(frozen=True, slots=True)
class WriteResult:
    """A record after a write as its caller sees it.

    `ignored` and `notice` are those of `stored`, which is what is stored of the result;
    it is empty for a result that an older release stored. `notes` are sentences on how
    the record is stored and shown. `replayed` marks the response to an earlier call of
    the same write.
    """

    record: Record
    ignored: tuple[str, ...] = ()
    notice: str = ""
    notes: tuple[str, ...] = ()
    replayed: bool = False
    stored: StoredWrite = field(default=StoredWrite(Entity({})), repr=False)


def show(
    serializer: RecordSerializer, stored: StoredWrite, *, replayed: bool = False
) -> WriteResult:
    """Return the result of a write for its caller."""
    shown = serializer.record(stored.entity)
    return WriteResult(
        shown.record,
        tuple(stored.ignored),
        stored.notice,
        (*stored.notes, *shown.notes),
        replayed,
        replace(stored, names=serializer.names_shown),
    )


def build_result(
    serializer: RecordSerializer,
    entity: Entity,
    sent: ValidatedRecord,
    notice: str = "",
) -> WriteResult:
    """Return the result of a write whose record is `entity`."""
    return show(serializer, StoredWrite(entity, sent.ignored, notice, sent.notes))


def read_back(
    serializer: RecordSerializer, known: Entity, sent: ValidatedRecord, notice: str
) -> WriteResult:
    """Return the result of a write, with the record as stored. One vendor call.

    What is `known` of the record, and the `notice`, if it cannot be read. It is written
    all the same: an error would invite the caller to write it again. Serializing it may
    need what just failed, such as the database, so this raises no BridgeError.
    """
    try:
        stored = read_entity(serializer.mapping, str(known.id))
        return build_result(serializer, stored, sent)
    except BridgeError:
        try:
            return build_result(serializer, known, sent, notice)
        except BridgeError:
            notice = "written, but not read back"
            return WriteResult(
                {"id": known.id},
                notice=notice,
                stored=StoredWrite(known, sent.ignored, notice, sent.notes),
            )


def encode_result(result: StoredWrite | BridgeError) -> str:
    """Return the text that `decode_result` reads."""
    if isinstance(result, BridgeError):
        document: dict[str, object] = {**encode_error(result)}
    else:
        udfs = result.entity.udfs
        document = {
            "format": _FORMAT,
            "values": result.entity.values,
            # Pairs, because a tenant may give a field any name.
            "udfs": None if udfs is None else [*udfs.items()],
            "ignored": [*result.ignored],
            "notice": result.notice,
            "notes": [*result.notes],
            "names": [*result.names],
        }
    return json.dumps(document, default=_wrap)


def decode_result(text: str) -> StoredWrite | WriteResult | BridgeError:
    """Return a stored result: a `WriteResult` where an older release stored it."""
    document = json.loads(text, object_hook=_unwrap)
    if "error" in document:
        error = decode_error(document)
        error.replayed = True
        return error
    if "record" in document:
        return WriteResult(
            document["record"],
            tuple(document["ignored"]),
            document["notice"],
            tuple(document.get("notes", ())),
            replayed=True,
        )
    udfs = document["udfs"]
    return StoredWrite(
        Entity(document["values"], None if udfs is None else dict(udfs)),
        document["ignored"],
        document["notice"],
        document["notes"],
        [(kind, number, name) for kind, number, name in document["names"]],
    )


def _wrap(value: object) -> dict[str, str]:
    for name, (kind, write, _) in _KINDS.items():
        if isinstance(value, kind):
            return {name: write(value)}
    raise TypeError(f"{type(value).__name__} cannot be stored.")


def _unwrap(document: dict[str, Any]) -> object:
    if len(document) == 1:
        [(name, value)] = document.items()
        if name in _KINDS:
            return _KINDS[name][2](value)
    return document
