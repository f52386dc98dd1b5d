"""What one SOAP call may hold.

Source: SOAP help, query(), query limits and queryxml operators; create(), update().
"""

from __future__ import annotations

from types import MappingProxyType

from bridge.ceql.ast import ORDERINGS, PATTERNS, Operator
from bridge.interfaces import FieldType, Limits


def _operators(field_type: FieldType) -> frozenset[Operator]:
    every = frozenset(Operator)
    if field_type is FieldType.STRING:
        return every
    return every - PATTERNS - (ORDERINGS if field_type is FieldType.BOOLEAN else set())


LIMITS = Limits(
    alternatives=500,
    # Unverified: no limit of AND conditions is published.
    exclusions=500,
    # Newer entities allow five, but which these are is not published.
    udfs=1,
    page=500,
    batch=200,
    operators=MappingProxyType({kind: _operators(kind) for kind in FieldType}),
)
"""The limits of release 1.6, for every tenant."""
