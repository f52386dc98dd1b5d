"""What became of a write, in a form that can be kept and given again.

Kept as JSON text. The three kinds of value that JSON has no type for are wrapped in
an object with one member, whose name no record has.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from bridge import errors
from bridge.errors import BridgeError, ProviderError
from bridge.interfaces import Entity
from bridge.services.records.serializer import Record

_KINDS: dict[str, tuple[type, Callable[[Any], str], Callable[[str], object]]] = {
    "$time": (datetime, datetime.isoformat, datetime.fromisoformat),
    "$date": (date, date.isoformat, date.fromisoformat),
    "$decimal": (Decimal, str, Decimal),
}


@dataclass(frozen=True, slots=True)
class WriteResult:
    """A record as stored after a write, and what the caller should know about it.

    `ignored` names members that were not used; `notice` goes on from "The record was";
    `notes` are sentences on how the record is shown.
    `replayed` tells that this is the answer to an earlier call of the same write.
    """

    record: Record
    ignored: tuple[str, ...] = ()
    notice: str = ""
    notes: tuple[str, ...] = ()
    replayed: bool = False


def show_unread(show: Callable[[], WriteResult], entity: Entity) -> WriteResult:
    """Return what `show` makes of a written record that could not be read back.

    Showing it may need what just failed, such as the database. The record is written
    all the same, and its id is known.
    """
    try:
        return show()
    except BridgeError:
        return WriteResult({"id": entity["id"]}, notice="written, but not read back")


def encode_result(answer: WriteResult | BridgeError) -> str:
    """Return the text that `read_answer` reads."""
    if isinstance(answer, BridgeError):
        document: dict[str, object] = {
            "error": type(answer).__name__,
            "message": answer.message,
            "provider_message": answer.provider_message,
        }
    else:
        document = {
            "record": answer.record,
            "ignored": answer.ignored,
            "notice": answer.notice,
            "notes": answer.notes,
        }
    return json.dumps(document, default=_wrap)


def decode_result(text: str) -> WriteResult | BridgeError:
    """Return a kept answer, marked as replayed."""
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
    kind = getattr(errors, document["error"], ProviderError)
    error: BridgeError = kind(document["message"])
    error.provider_message = document["provider_message"]
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
