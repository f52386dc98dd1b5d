"""What an added resource asks of the vendor, read out of its definition.

Only the operation and its arguments are read: host, version, headers and the bytes of
the stored envelope are never used. Source: elements-api 3.5.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

from bridge.catalog.model import JSON
from bridge.errors import InvalidRequestError

READING = (
    "getThresholdAndUsageInfo",
    "getEntityInfo",
    "GetFieldInfo",
    "getUDFInfo",
    "query",
    "GetWsdlVersion",
)
"""The operations that a definition may name: they read, and change nothing."""

_MOST_CHARACTERS = 100_000
_BODY = "{http://schemas.xmlsoap.org/soap/envelope/}Body"
_BY_NAME = {name.lower(): name for name in READING}
_PLACEHOLDER = re.compile(r"\{([A-Za-z][A-Za-z0-9_]{0,63})\}")


@dataclass(frozen=True, slots=True)
class VendorRequest:
    """An operation by its name in the service description, and its arguments."""

    operation: str
    arguments: Mapping[str, str]


def read_definition(
    document: Mapping[str, JSON], given: Mapping[str, str]
) -> VendorRequest:
    """Return what a definition asks for; `given` fills the placeholders of arguments.

    Raises:
        InvalidRequestError: it names no operation that may be called, its envelope
            cannot be read, or a placeholder has no value.
    """
    body = _literal(document, "body")
    arguments: dict[str, str] = {}
    if body:
        operation, arguments = _read_envelope(body)
    else:
        action = _literal(document, "header", "soapaction")
        operation = action.strip('"').rstrip("/").rpartition("/")[2]
    known = _BY_NAME.get(operation.lower())
    if known is None:
        raise InvalidRequestError(
            f"The resource asks for {operation[:60] or 'no operation'}, and only these "
            f"can be called: {', '.join(READING)}."
        )
    filled = {name: _fill(text, given) for name, text in arguments.items()}
    return VendorRequest(known, filled)


def path_pattern(document: Mapping[str, JSON]) -> re.Pattern[str]:
    """Return what a definition's path matches, without a hub in front of it.

    `{names}` in it match one segment each, and are the groups of the match.
    """
    path = str(document.get("path", "")).split("?")[0].strip("/")
    parts = path.split("/")
    if len(parts) > 2 and parts[0] == "hubs":  # noqa: PLR2004 - hubs, a hub, and more
        parts = parts[2:]
    return re.compile("/".join(map(_segment, parts)))


def _segment(part: str) -> str:
    match = _PLACEHOLDER.fullmatch(part)
    return f"(?P<{match[1]}>[^/]+)" if match else re.escape(part)


def _literal(document: Mapping[str, JSON], kind: str, name: str = "") -> str:
    """Return the constant that goes into the request's body, or into a header."""
    parameters = document.get("parameters")
    for parameter in parameters if isinstance(parameters, list) else ():
        if not isinstance(parameter, dict):
            continue
        constant = str(parameter.get("type", "")).lower() == "value"
        place = str(parameter.get("vendorType", "")).lower()
        called = str(parameter.get("vendorName", "")).lower()
        if constant and place == kind and name in ("", called):
            return str(parameter.get("name", ""))
    return ""


def _read_envelope(text: str) -> tuple[str, dict[str, str]]:
    """Return operation and arguments of an envelope.

    Raises:
        InvalidRequestError: not an envelope, a DTD, or too long.
    """
    if len(text) > _MOST_CHARACTERS or "<!" in text:
        raise InvalidRequestError("The resource's envelope is too long, or has a DTD.")
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(text.strip().encode(), parser)
    except etree.XMLSyntaxError:
        raise InvalidRequestError("The resource's envelope is not XML.") from None
    body = root.find(_BODY)
    asked = None if body is None else next(body.iterchildren(etree.Element), None)
    if asked is None:
        raise InvalidRequestError("The resource's envelope holds no operation.")
    arguments = {
        etree.QName(child).localname: "".join(child.itertext())
        for child in asked.iterchildren(etree.Element)
    }
    return etree.QName(asked).localname, arguments


def _fill(text: str, given: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] not in given:
            raise InvalidRequestError(f"{match[1]} is required by this resource.")
        return given[match[1]]

    return _PLACEHOLDER.sub(value, text)
