"""What a vendor takes in one call, for those who plan calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.ceql.ast import Operator
from bridge.interfaces.data import FieldType


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a vendor's calls.

    Args:
        alternatives: OR conditions and IN values of one query.
        exclusions: NOT IN values of one condition.
        udfs: user-defined fields by which one query can filter.
        page: entities in the response to one query.
        batch: rows of one `create_many` or `update_many`.
        operators: those by which fields of a type can be compared.
    """

    alternatives: int
    exclusions: int
    udfs: int
    page: int
    batch: int
    operators: Mapping[FieldType, frozenset[Operator]] = field(repr=False, hash=False)

    def supports(self, field_type: FieldType, operator: Operator) -> bool:
        """Return whether the vendor compares fields of a type by an operator."""
        return operator in self.operators.get(field_type, ())
