"""The result of a write, and its encoding for storage and replay.

Stored as JSON text. The three kinds of value that JSON has no type for are wrapped in
an object with one member, whose name no record member has.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from bridge.errors import BridgeError, decode_error, encode_error
from bridge.interfaces import Entity
from bridge.services.records.serializer import Record, RecordSerializer
from bridge.services.records.validation import ValidatedRecord
from bridge.services.records.vendor_records import read_entity

# The first match counts: `datetime` is a subclass of `date`.
_KINDS: dict[str, tuple[type, Callable[[Any], str], Callable[[str], object]]] = {
    "$time": (datetime, datetime.isoformat, datetime.fromisoformat),
    "$date": (date, date.isoformat, date.fromisoformat),
    "$decimal": (Decimal, str, Decimal),
}


@dataclass(frozen=True, slots=True)
class WriteResult:
    """A record as stored after a write, and what the caller should know about it.

    `ignored` names members that were not used; `notice` continues "The record was";
    `notes` are sentences on how the record is shown. `replayed` marks the response to
    an earlier call of the same write.
    """

    record: Record
    ignored: tuple[str, ...] = ()
    notice: str = ""
    notes: tuple[str, ...] = ()
    replayed: bool = False


def build_result(
    serializer: RecordSerializer,
    entity: Entity,
    sent: ValidatedRecord,
    notice: str = "",
) -> WriteResult:
    """Return the result of a write whose record is `entity`."""
    shown = serializer.record(entity)
    notes = (*sent.notes, *shown.notes)
    return WriteResult(shown.record, tuple(sent.ignored), notice, notes)


def read_back(
    serializer: RecordSerializer, known: Entity, sent: ValidatedRecord, notice: str
) -> WriteResult:
    """Return the result of a write, with the record as stored. One vendor call.

    What is `known` of the record, and the `notice`, if it cannot be read. It is written
    all the same: an error would invite the caller to write it again. Serializing it may
    need what just failed, such as the database, so this raises no BridgeError.
    """
    try:
        stored = read_entity(serializer.mapping, str(known["id"]))
        return build_result(serializer, stored, sent)
    except BridgeError:
        try:
            return build_result(serializer, known, sent, notice)
        except BridgeError:
            return WriteResult({"id": known["id"]}, notice="written, but not read back")


def encode_result(result: WriteResult | BridgeError) -> str:
    """Return the text that `decode_result` reads."""
    if isinstance(result, BridgeError):
        document: dict[str, object] = {**encode_error(result)}
    else:
        document = {
            "record": result.record,
            "ignored": result.ignored,
            "notice": result.notice,
            "notes": result.notes,
        }
    return json.dumps(document, default=_wrap)


def decode_result(text: str) -> WriteResult | BridgeError:
    """Return a stored result, marked as replayed."""
    document = json.loads(text, object_hook=_unwrap)
    if "error" not in document:
        ignored = tuple(document["ignored"])
        return WriteResult(
            document["record"],
            ignored,
            document["notice"],
            tuple(document.get("notes", ())),
            replayed=True,
        )
    error = decode_error(document)
    error.replayed = True
    return error


def _wrap(value: object) -> dict[str, str]:
    for name, (kind, write, _) in _KINDS.items():
        if isinstance(value, kind):
            return {name: write(value)}
    raise TypeError(f"{type(value).__name__} cannot be kept.")


def _unwrap(document: dict[str, Any]) -> object:
    if len(document) == 1:
        [(name, value)] = document.items()
        if name in _KINDS:
            return _KINDS[name][2](value)
    return document
