"""What one vendor query may hold, for backends and for those who plan queries.

Source: SOAP help, query(), query limits and queryxml operators.
"""

from __future__ import annotations

import re
from typing import Final

from bridge.ceql.ast import ORDERINGS, PATTERNS, Operator
from bridge.interfaces.data import FieldType

MAX_PAGE = 500
"""Records in one reply."""

MAX_ALTERNATIVES = 500
"""OR conditions and IN values of one query."""

_NOT_SENDABLE: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]"
)


def sendable_text(text: str) -> str:
    """Return a text without the characters that no text at the vendor contains.

    They are controls below U+0020 but for tab and line ends, U+FFFE, U+FFFF and lone
    surrogates. Source: XML 1.0, 2.2, which excludes them from the vendor's requests.
    """
    return _NOT_SENDABLE.sub("", text)


def supports(field_type: FieldType, operator: Operator) -> bool:
    """Return whether the vendor compares fields of a type by an operator."""
    if operator in PATTERNS:
        return field_type is FieldType.STRING
    return operator not in ORDERINGS or field_type is not FieldType.BOOLEAN
