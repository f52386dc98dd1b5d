"""Mask secrets in request bodies and targets, by the names of their members.

Parsing is lenient and everything else stays letter by letter, because a trace must
show exactly what a caller sent, invalid JSON included. Every step is linear in the
text.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_plus

from bridge.telemetry.redaction import MASK, is_secret_name, redact

# Possessive quantifiers (`*+`) prevent backtracking, which could take quadratic time.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|[{}\[\]:,]|\s+|[^"{}\[\]:,\s]+', re.DOTALL)
_OPEN, _CLOSE = frozenset("{["), frozenset("}]")
_LABELS = frozenset({"key", "name"})
_LABELLED = frozenset({"propertyvalue", "value"})
# An empty value shows that no secret was sent, which helps and reveals nothing.
_NOT_SECRET = frozenset({'""', "null"})
_MASKED = json.dumps(MASK)
_MAX_NESTING = 3
_BEFORE_TEXT = "\ufeff \t\r\n"


def mask_json(text: str, *, depth: int = 0) -> str:
    """Return a JSON text in which the values of secret members are masked.

    Members at any depth, in any case and spelling, with any value; also the `value`
    beside a secret `name` or `key`, as user-defined fields and configuration entries
    are written; also in JSON within a text. The text may be truncated or invalid. XML
    is returned unchanged.
    """
    if text.lstrip(_BEFORE_TEXT).startswith("<") or not _OPEN.intersection(text):
        return text
    scanner = _Scanner(depth)
    for piece in _TOKEN.findall(text):
        scanner.take(piece)
    return "".join(scanner.parts)


def mask_form(text: str) -> str:
    """Return a query string or form in which secret parameters are masked.

    A value that holds a secret in its text, such as a condition, is masked in part.
    """
    return "&".join(map(_mask_pair, text.split("&")))


def mask_target(target: str) -> str:
    """Return a request target whose query string is masked."""
    path, mark, query = target.partition("?")
    return f"{path}{mark}{mask_form(query)}"


def _mask_pair(pair: str) -> str:
    name, mark, value = pair.partition("=")
    if not value:
        return pair
    if is_secret_name(unquote_plus(name)):
        return f"{name}={MASK}"
    plain = unquote_plus(value)
    shown = redact(plain)
    # Unchanged values keep their own encoding, as the trace shows what was sent.
    return pair if shown == plain else f"{name}{mark}{quote(shown, safe='*')}"


@dataclass(slots=True)
class _Container:
    """An open object or array: the current key, and values beside a label.

    `values` has the first and last position in `parts` of each value that a label may
    name.
    """

    is_object: bool
    secret: bool
    key: str = ""
    labelled_secret: bool = False
    values: list[list[int]] = field(default_factory=list)


class _Scanner:
    """Reads the tokens of a JSON text in order; `parts` is the masked text."""

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self.parts: list[str] = []
        self._open: list[_Container] = [_Container(is_object=False, secret=False)]
        self._expects_key = False

    def take(self, piece: str) -> None:
        """Process the next token."""
        self.parts.append(piece)
        top = self._open[-1]
        if piece in _OPEN:
            self._begin_value()
            # Everything inside a secret object or array is secret too.
            secret = top.secret or self._is_secret()
            self._open.append(_Container(piece == "{", secret))
            self._expects_key = piece == "{"
        elif piece in _CLOSE:
            # Invalid JSON may have more closing brackets than opening ones.
            if len(self._open) > 1:
                self._open.pop()
            self._expects_key = False
            self._end_value()
        elif piece == ",":
            top.key, self._expects_key = "", top.is_object
        elif piece == ":":
            self._expects_key = False
        elif not piece.isspace():
            self._take_scalar(piece)

    def _take_scalar(self, piece: str) -> None:
        top = self._open[-1]
        if self._expects_key:
            top.key = _unquote(piece)
            return
        if (top.secret or self._is_secret()) and piece not in _NOT_SECRET:
            self.parts[-1] = _MASKED
        else:
            if top.key.lower() in _LABELS and is_secret_name(_unquote(piece)):
                top.labelled_secret = True
            self._mask_text(piece)
        self._begin_value()
        self._end_value()

    def _mask_text(self, piece: str) -> None:
        """Mask secrets in JSON within a text."""
        if self._depth < _MAX_NESTING and _OPEN.intersection(piece):
            text = _unquote(piece)
            shown = mask_json(text, depth=self._depth + 1)
            if shown != text:
                self.parts[-1] = json.dumps(shown, ensure_ascii=False)

    def _is_secret(self) -> bool:
        top = self._open[-1]
        labelled = top.labelled_secret and top.key.lower() in _LABELLED
        return labelled or (is_secret_name(top.key) if top.key else False)

    def _begin_value(self) -> None:
        top = self._open[-1]
        if top.key.lower() in _LABELLED:
            top.values.append([len(self.parts) - 1])

    def _end_value(self) -> None:
        """Mask the value beside a secret label, whichever of the two came first."""
        top = self._open[-1]
        if top.values and len(top.values[-1]) == 1:
            top.values[-1].append(len(self.parts))
        if top.labelled_secret:
            # Masked in place, so that the positions of the other parts stay valid.
            for start, end in top.values:
                if self.parts[start:end] not in (["null"], ['""']):
                    self.parts[start:end] = [_MASKED, *[""] * (end - start - 1)]
            top.values = []


def _unquote(piece: str) -> str:
    """Return the text of a string token, cut or whole; of any other, itself."""
    for ending in ("", '"'):
        with suppress(ValueError):
            text = json.loads(piece + ending, strict=False)
            return text if isinstance(text, str) else piece
    return piece.strip('"')
