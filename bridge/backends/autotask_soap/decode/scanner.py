"""Read replies in the one form in which Autotask's servers write them.

They write typed elements without blanks between them, in one spelling, and a regular
expression reads that form several times faster than an XML parser. Nothing else is
read here: the functions return None for what the parser has to read, and `scan_infos`
stops before it.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from bridge.backends.autotask_soap.decode.characters import FORBIDDEN_BYTES
from bridge.backends.autotask_soap.decode.entity import SOAP, XSD, XSI
from bridge.backends.autotask_soap.decode.field_types import (
    CONVERSIONS,
    UDF_MEMBER,
    RawEntity,
    ReadTime,
    ReturnInfo,
)

_TEXT: Final = "([^<]*)"
_ENTITY: Final = re.compile(
    r'<Entity xsi:type="[A-Za-z]\w*"><id>(-?[0-9]{1,19})</id>'
    r"(?:<UserDefinedFields ?/>|<UserDefinedFields>(.*?)</UserDefinedFields>)?",
    re.ASCII | re.DOTALL,
)
# `.+` matches an irregular rest, with empty groups: `findall` would pass over it.
_UDF: Final = re.compile(
    rf"<UserDefinedField><Name>{_TEXT}</Name>(?:(<Value>){_TEXT}</Value>|(<Value ?/>))?"
    r"</UserDefinedField>|.+",
    re.DOTALL,
)
_FIELD: Final = re.compile(
    rf'<([A-Za-z_]\w*) xsi:type="xsd:([a-zA-Z]+)"(?: ?/>|>{_TEXT}</\1>)|.+',
    re.ASCII | re.DOTALL,
)
_REFERENCES: Final = (
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&quot;", '"'),
    ("&apos;", "'"),
    # Last: `&amp;lt;` is the text `&lt;`, not `<`.
    ("&amp;", "&"),
)
_END: Final = "</Entity>"
_OTHER_REFERENCE: Final = re.compile("&(?!(?:amp|lt|gt|quot|apos);)")


_INFO: Final = re.compile(
    rb"<EntityReturnInfo><EntityId>(-?[0-9]{1,19})</EntityId>"
    rb"<DatabaseAction>[A-Za-z]*</DatabaseAction>"
    rb"<DuplicateStatus><Found>(true|false)</Found>(?:<MatchInfo ?/>)?"
    rb"<Ignored>(true|false)</Ignored></DuplicateStatus>"
    rb"(?:<Message ?/>)?</EntityReturnInfo>"
)


_HEAD: Final = re.compile(
    rb'\s*<soap:Envelope((?: xmlns:[a-z]+="[^"<&]*"){3}) ?><soap:Body>'
    rb'<([A-Za-z]+)Response xmlns="http://autotask\.net/[\w/]+"><\2Result>'
    rb"<ReturnCode>(-?[0-9]{1,10})</ReturnCode><EntityResults>"
)
# No parser ever sees a regular head, so nothing in it may be left open: exactly these
# prefixes, once each, in any order.
_PREFIXES: Final = sorted(
    f'xmlns:{prefix}="{uri}"'.encode()
    for prefix, uri in (("soap", SOAP), ("xsi", XSI), ("xsd", XSD))
)
# `Errors` must be empty: messages are left to the parser.
_BETWEEN: Final = re.compile(
    rb"</EntityResults><EntityResultType>[A-Za-z]*</EntityResultType><Errors ?/>"
    rb"<EntityReturnInfoResults>"
)


class _IrregularError(ValueError):
    """The entity is not written in the one form read here."""


class ReplyHead(NamedTuple):
    """What stands before the entities, in `size` bytes, and what ends the reply."""

    size: int
    return_code: int
    end: bytes


def scan_head(data: bytes) -> ReplyHead | None:
    """Return the start of a reply up to its entities, None if it is not regular.

    After a regular head, `soap`, `xsi` and `xsd` have their usual meaning.
    """
    head = _HEAD.match(data)
    if head is None or sorted(head[1].split()) != _PREFIXES:
        return None
    name = head[2]
    end = (
        b"</EntityReturnInfoResults></%bResult></%bResponse></soap:Body>"
        b"</soap:Envelope>" % (name, name)
    )
    return ReplyHead(head.end(), int(head[3]), end)


def scan_between(data: bytes) -> int:
    """Return where the first info starts behind the entities, 0 if not regular."""
    between = _BETWEEN.match(data)
    return between.end() if between else 0


def scan_entity(data: bytes, read_time: ReadTime) -> RawEntity | None:
    """Return the entity from `<Entity` to `</Entity>`, None if it is not regular.

    The prefixes `xsi` and `xsd` must be in force with their usual meaning.
    """
    try:
        return _scan(_regular_text(data), read_time)
    except (ValueError, ArithmeticError, KeyError):
        return None


def scan_infos(data: bytes) -> tuple[list[ReturnInfo], int]:
    """Return the infos without a message at the start of `data`, and where they end.

    The first info with a message, and all after it, is left to the parser.
    """
    infos, end = [], 0
    while info := _INFO.match(data, end):
        entity_id, found, ignored = info.groups()
        infos.append(
            ReturnInfo(
                entity_id=int(entity_id),
                message="",
                duplicate_found=found == b"true",
                duplicate_ignored=ignored == b"true",
                match_info="",
            )
        )
        end = info.end()
    return infos, end


def _regular_text(data: bytes) -> str:
    """Decode, with the line ends that XML prescribes; ValueError if not regular."""
    # U+FFFE and U+FFFF, which XML forbids, begin with these bytes in UTF-8.
    if len(data.translate(None, FORBIDDEN_BYTES)) < len(data) or b"\xef\xbf" in data:
        raise _IrregularError
    text = data.decode()
    # `]]>` is an error in text, and other references than these five are rare.
    if "]]>" in text or ("&" in text and _OTHER_REFERENCE.search(text)):
        raise _IrregularError
    if "\r" in text:
        return text.replace("\r\n", "\n").replace("\r", "\n")
    return text


def _scan(text: str, read_time: ReadTime) -> RawEntity:
    head = _ENTITY.match(text)
    if not head:
        raise _IrregularError
    escaped = "&" in text
    entity: RawEntity = {"id": int(head[1])}
    if head[2]:
        entity[UDF_MEMBER] = _scan_udfs(head[2])
    for name, kind, value in _FIELD.findall(text, head.end(), len(text) - len(_END)):
        if kind == "string":
            entity[name] = _unescape(value) if escaped else value
        elif kind == "dateTime" and (moment := value.strip()):
            entity[name] = read_time(name, moment)
        else:
            # Raises for an irregular rest or an empty value: for the parser to read.
            entity[name] = CONVERSIONS[kind](value)
    return entity


def _scan_udfs(text: str) -> dict[str, str | None]:
    udfs: dict[str, str | None] = {}
    for name, has_value, value, has_empty_value in _UDF.findall(text):
        if not name:
            raise _IrregularError
        udfs[_unescape(name)] = (
            _unescape(value) if has_value or has_empty_value else None
        )
    return udfs


def _unescape(text: str) -> str:
    if "&" not in text:
        return text
    for reference, character in _REFERENCES:
        text = text.replace(reference, character)
    return text
