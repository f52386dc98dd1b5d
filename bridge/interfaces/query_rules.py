"""What one vendor query may hold, for backends and for those who plan queries.

Source: SOAP help, query(), query limits and queryxml operators.
"""

from __future__ import annotations

from bridge.ceql.ast import ORDERINGS, PATTERNS, Operator
from bridge.interfaces.data import FieldType

MAX_PAGE = 500
"""Records in one reply."""

MAX_ALTERNATIVES = 500
"""OR conditions and IN values of one query."""


def supports(field_type: FieldType, operator: Operator) -> bool:
    """Return whether the vendor compares fields of a type by an operator."""
    if operator in PATTERNS:
        return field_type is FieldType.STRING
    return operator not in ORDERINGS or field_type is not FieldType.BOOLEAN
