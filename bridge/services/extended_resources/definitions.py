"""Read the definition of an added resource: its path, parameters and vendor call.

Definitions are stored as they were sent. Source: elements-api 3.5.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from bridge.errors import InvalidRequestError
from bridge.interfaces import PLACEHOLDER, CallDefinition, PlaceholderValue
from bridge.types import JSON

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class ReceivedArguments:
    """The arguments of a request: texts by name, names of headers in lower case.

    `body` and `form` are called only if a placeholder needs them, perhaps repeatedly.
    """

    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Callable[[], Mapping[str, JSON]]
    form: Callable[[], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    """A parameter of a definition; `kind` and `vendor_kind` are in lower case.

    A caller sends it as `name` in the part of the request that `kind` names, and the
    vendor gets it as `vendor_name` in `vendor_kind`. With the kind `value`, `name` is
    a constant.
    """

    name: str
    kind: str
    vendor_name: str
    vendor_kind: str
    required: bool
    description: str

    @property
    def fills(self) -> bool:
        """Whether it can fill a placeholder; constant bodies and headers cannot."""
        return self.kind != "value" or self.vendor_kind not in {"body", "header"}


def call_definition(
    document: Mapping[str, JSON], allowed: Sequence[str] = ()
) -> CallDefinition:
    """Return the vendor call of a definition: its constant body and headers.

    `allowed` are operations that may be called besides those that change nothing.
    """
    constants = [each for each in declarations(document) if each.kind == "value"]
    bodies = (each.name for each in constants if each.vendor_kind == "body")
    headers: dict[str, str] = {}
    for each in constants:
        if each.vendor_kind == "header":
            headers.setdefault(each.vendor_name.lower(), each.name)
    return CallDefinition(next(bodies, ""), headers, allowed)


def placeholder_value(
    document: Mapping[str, JSON], sent: ReceivedArguments
) -> PlaceholderValue:
    """Return what finds the value of a placeholder in the arguments of a request.

    An undeclared name in braces is filled from the path or the query; what cannot be a
    name is left as it is.
    """
    declared = list(declarations(document))

    def value(name: str) -> str | None:
        standing = [d for d in declared if d.fills and d.vendor_name == name]
        if not standing and not _WORD.fullmatch(name):
            return None
        found = next(filter(None, (_sent(each, sent) for each in standing)), None)
        # A declared parameter wins over a value that only has the same name.
        found = found or sent.path.get(name) or sent.query.get(name)
        if found is None:
            missing = standing[0].name if standing else name
            raise InvalidRequestError(f"{missing} is required by this resource.")
        return found

    return value


def declarations(document: Mapping[str, JSON]) -> Iterator[ParameterSpec]:
    """Yield the parameters of a definition that have a name."""
    parameters = document.get("parameters")
    for each in parameters if isinstance(parameters, list) else ():
        # Definitions are stored as they were sent and may have any shape.
        if not isinstance(each, dict):
            continue
        name, vendor_name = each.get("name"), each.get("vendorName")
        if isinstance(name, str) and name:
            yield ParameterSpec(
                name,
                str(each.get("type", "")).lower(),
                vendor_name if isinstance(vendor_name, str) and vendor_name else name,
                str(each.get("vendorType", "")).lower(),
                required=str(each.get("required", "")).lower() == "true",
                description=str(each.get("description") or ""),
            )


def path_segments(document: Mapping[str, JSON]) -> list[str]:
    """Return the segments of a definition's path, without a hub in front of it.

    Doubled and trailing slashes are ignored, as in any path.
    """
    path = str(document.get("path", "")).split("?")[0]
    parts = [part for part in path.split("/") if part]
    in_hub = len(parts) > 2 and parts[0] == "hubs"  # noqa: PLR2004 - hubs, a hub, more
    return parts[2:] if in_hub else parts


def path_pattern(document: Mapping[str, JSON]) -> re.Pattern[str]:
    """Return a pattern of the paths of a definition, without a hub in front.

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
    """Return the name of a placeholder segment, or an empty text."""
    match = PLACEHOLDER.fullmatch(segment)
    return match[1] if match and _WORD.fullmatch(match[1]) else ""


def _segment(part: str) -> str:
    name = placeholder(part)
    if name:
        return f"(?P<{name}>[^/]+)"
    return re.escape(_literal(part))


def _literal(part: str) -> str:
    # An encoded slash stays encoded, as in the paths of requests.
    return unquote(part).replace("/", "%2F")


def _sent(declared: ParameterSpec, sent: ReceivedArguments) -> str | None:
    """Return the value that was sent for a parameter, None without one."""
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
