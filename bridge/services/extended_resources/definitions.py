"""What an added resource asks of the vendor, read out of its definition.

Only the operation and its arguments are read: host, version, headers and the bytes of
the stored envelope are never used. Source: elements-api 3.5.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from bridge.errors import InvalidRequestError
from bridge.interfaces import Argument, Envelope
from bridge.services.values import sendable
from bridge.types import JSON

READING = (
    "getThresholdAndUsageInfo",
    "getEntityInfo",
    "GetFieldInfo",
    "getUDFInfo",
    "query",
    "GetWsdlVersion",
)
"""The operations that any definition may name: they read, and change nothing."""

_WRITING = frozenset(
    {"create", "update", "delete", "CreateAttachment", "DeleteAttachment"}
)
_PLACEHOLDER = re.compile(r"\{([^{}\s]{1,100})\}")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class ReceivedArguments:
    """What a caller sent: texts by name, names of headers in small letters.

    Body and form are read when a placeholder asks for them, and may be asked for again.
    """

    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Callable[[], Mapping[str, JSON]]
    form: Callable[[], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    """A parameter of a definition, words in small letters.

    A caller sends it as `name` in the place `kind`, and it goes as `vendor_name` into
    the vendor's `vendor_kind`. Of kind `value`, `name` is the constant itself.
    """

    name: str
    kind: str
    vendor_name: str
    vendor_kind: str
    required: bool
    description: str

    @property
    def fills(self) -> bool:
        """Whether it can stand for a placeholder; body and headers are the vendor's."""
        return self.kind != "value" or self.vendor_kind not in {"body", "header"}


@dataclass(frozen=True, slots=True)
class VendorRequest:
    """An operation by its name in the service description, and its arguments."""

    operation: str
    arguments: Mapping[str, Argument]
    writes: bool = False


def read_definition(
    document: Mapping[str, JSON],
    sent: ReceivedArguments,
    read_envelope: Callable[[str], Envelope],
    further: Sequence[str] = (),
) -> VendorRequest:
    """Return the request that a definition describes, its placeholders filled.

    `read_envelope` is the backend's; `further` are operations that may be called
    besides `READING`.

    Raises:
        InvalidRequestError: it names no operation that may be called, its envelope
            cannot be read, or a placeholder has no value.
    """
    declared = list(declarations(document))
    body = _constant(declared, "body")
    envelope = read_envelope(body) if body else None
    if envelope is None:
        action = _constant(declared, "header", "soapaction")
        operation = action.strip('"').rstrip("/").rpartition("/")[2]
    else:
        operation = envelope.operation
    allowed = (*READING, *further)
    known = {name.lower(): name for name in allowed}.get(operation.lower())
    if known is None:
        raise InvalidRequestError(
            f"The resource asks for {operation[:60] or 'no operation'}, and only these "
            f"can be called: {', '.join(allowed)}."
        )
    arguments: Mapping[str, Argument] = {}
    if envelope is not None:
        arguments = envelope.arguments(known, lambda text: _fill(text, declared, sent))
    return VendorRequest(known, arguments, writes=known in _WRITING)


def declarations(document: Mapping[str, JSON]) -> Iterator[ParameterSpec]:
    """Yield the parameters of a definition that have a name."""
    parameters = document.get("parameters")
    for each in parameters if isinstance(parameters, list) else ():
        if not isinstance(each, dict):
            continue
        name, called = each.get("name"), each.get("vendorName")
        if isinstance(name, str) and name:
            yield ParameterSpec(
                name,
                str(each.get("type", "")).lower(),
                called if isinstance(called, str) and called else name,
                str(each.get("vendorType", "")).lower(),
                required=str(each.get("required", "")).lower() == "true",
                description=str(each.get("description") or ""),
            )


def path_segments(document: Mapping[str, JSON]) -> list[str]:
    """Return the segments of a definition's path, without a hub in front of it.

    As of any path, doubled and trailing slashes do not count.
    """
    path = str(document.get("path", "")).split("?")[0]
    parts = [part for part in path.split("/") if part]
    in_hub = len(parts) > 2 and parts[0] == "hubs"  # noqa: PLR2004 - hubs, a hub, more
    return parts[2:] if in_hub else parts


def path_pattern(document: Mapping[str, JSON]) -> re.Pattern[str]:
    """Return what a definition's path matches, without a hub in front of it.

    `{names}` in it match one segment each, and are the groups of the match.
    """
    return re.compile("/".join(map(_segment, path_segments(document))))


def path_shape(document: Mapping[str, JSON]) -> tuple[str, ...]:
    """Return the segments of a definition's path with `{}` for any name in braces.

    Two definitions with one shape match the same paths.
    """
    return tuple(
        "{}" if placeholder(part) else _literal(part)
        for part in path_segments(document)
    )


def placeholder(segment: str) -> str:
    """Return the name that a segment of a path is a placeholder for, or nothing."""
    match = _PLACEHOLDER.fullmatch(segment)
    return match[1] if match and _WORD.fullmatch(match[1]) else ""


def _segment(part: str) -> str:
    name = placeholder(part)
    if name:
        return f"(?P<{name}>[^/]+)"
    return re.escape(_literal(part))


def _literal(part: str) -> str:
    return unquote(part).replace("/", "%2F")


def _constant(declared: Sequence[ParameterSpec], kind: str, name: str = "") -> str:
    """Return the constant that goes into the request's body, or into a header."""
    for each in declared:
        called = name in {"", each.vendor_name.lower()}
        if each.kind == "value" and each.vendor_kind == kind and called:
            return each.name
    return ""


def _fill(text: str, declared: Sequence[ParameterSpec], sent: ReceivedArguments) -> str:
    """Return a text with values in its placeholders.

    A word in braces that nobody declared is filled from the path and the query, by its
    own name. Other braces mean nothing.
    """

    def value(match: re.Match[str]) -> str:
        name = match[1]
        standing = [d for d in declared if d.fills and d.vendor_name == name]
        if not standing and not _WORD.fullmatch(name):
            return match[0]
        found = next(filter(None, (_sent(each, sent) for each in standing)), None)
        found = found or sent.path.get(name) or sent.query.get(name)
        if found is None:
            asked = standing[0].name if standing else name
            raise InvalidRequestError(f"{asked} is required by this resource.")
        if sendable(found) != found:
            raise InvalidRequestError(
                f"The value of {name} holds a character that XML cannot carry."
            )
        return found

    return _PLACEHOLDER.sub(value, text)


def _sent(declared: ParameterSpec, sent: ReceivedArguments) -> str | None:
    """Return what was sent for a parameter, None when nothing was."""
    name = declared.name
    if declared.kind == "value":
        return name
    if declared.kind == "body":
        return _text(name, sent.body().get(name))
    if declared.kind == "form":
        return sent.form().get(name)
    if declared.kind == "header":
        return sent.headers.get(name.lower())
    held = {"path": sent.path, "query": sent.query}
    return held.get(declared.kind, {}).get(name)


def _text(name: str, value: JSON) -> str | None:
    if isinstance(value, dict | list):
        raise InvalidRequestError(f"{name} must be a single value.")
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)
