"""The messages of the vendor's XML reader, for the errors of the parser used here.

Only the codes of this parser, and the names in its messages, are used.
Source: the messages of the .NET reader, which is open source. Unverified: which one it
would choose for a given text; other codes get a message that it does not have.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from lxml.etree import ErrorTypes

from bridge.sandbox.declarations import rule

DTD = "For security reasons DTD is prohibited in this XML document."
NO_ROOT = "Root element is missing."
# Unverified: the limits of the vendor's reader are not known.
TOO_LARGE = "The document has more elements, levels or text than can be read."

_OTHER = "The document is not well formed."
_AT_ROOT = "Data at the root level is invalid."
# By the parser's code: a pattern for its message, and the message to return.
_MESSAGES: Mapping[int, tuple[str, str]] = {
    ErrorTypes.ERR_DOCUMENT_EMPTY: ("", _AT_ROOT),
    ErrorTypes.ERR_DOCUMENT_END: ("", _AT_ROOT),
    ErrorTypes.ERR_INVALID_CHAR: (
        r"value (\d+)",
        "'.', hexadecimal value 0x{:02X}, is an invalid character.",
    ),
    ErrorTypes.ERR_INVALID_ENCODING: ("", "Invalid character in the given encoding."),
    ErrorTypes.ERR_UNSUPPORTED_ENCODING: (
        r"encoding: ([^,\s]+)",
        "System does not support '{}' encoding.",
    ),
    ErrorTypes.ERR_UNDECLARED_ENTITY: (
        r"Entity '([^']+)'",
        "Reference to undeclared entity '{}'.",
    ),
    ErrorTypes.ERR_LT_IN_ATTRIBUTE: (
        "",
        "'<', hexadecimal value 0x3C, is an invalid attribute character.",
    ),
    ErrorTypes.ERR_ATTRIBUTE_REDEFINED: (
        r"Attribute (\S+) redefined",
        "'{}' is a duplicate attribute name.",
    ),
    ErrorTypes.ERR_MISPLACED_CDATA_END: (
        "",
        "']]>' is not allowed in character data.",
    ),
    ErrorTypes.ERR_RESERVED_XML_NAME: (
        "",
        (
            "Unexpected XML declaration. The XML declaration must be the first node in "
            "the document, and no white space characters are allowed to appear before "
            "it."
        ),
    ),
    ErrorTypes.ERR_TAG_NAME_MISMATCH: (
        r"mismatch: (\S+) line (\d+) and ([^,\s]+)",
        "The '{}' start tag on line {} does not match the end tag of '{}'.",
    ),
    ErrorTypes.ERR_TAG_NOT_FINISHED: (
        r"data in tag (\S+)",
        (
            "Unexpected end of file has occurred. The following elements are not "
            "closed: {}."
        ),
    ),
    ErrorTypes.NS_ERR_UNDEFINED_NAMESPACE: (
        r"prefix (\S+)",
        "'{}' is an undeclared prefix.",
    ),
}
_LIMITS = re.compile("XML_PARSE_HUGE|too (?:long|large|deep)|limit", re.IGNORECASE)


@rule(
    "Transport",
    "Malformed XML is refused with the messages of the vendor's "
    "reader, with line and column",
    source="stack",
)
def message(code: int, said: str, line: int, column: int) -> str:
    """Return the vendor's message for an error of the parser, and where it is."""
    return f"{_translated(code, said)} Line {line}, position {column}."


def _translated(code: int, said: str) -> str:
    if _LIMITS.search(said):
        return TOO_LARGE
    pattern, text = _MESSAGES.get(code, ("", _OTHER))
    found = re.search(pattern, said)
    if found is None:
        return _OTHER
    parts = found.groups()
    return text.format(*(int(part) if part.isdigit() else part for part in parts))
