"""Writes of several entities in one call: the rows, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from bridge.errors import ProviderError, ProviderOutcomeUnknownError
from bridge.interfaces.data import Values


@dataclass(frozen=True, slots=True)
class UpdateRow:
    """One entity of an `update_many`; the values are those of `update`."""

    entity_id: int
    changes: Values
    unchanged: Values


@dataclass(frozen=True, slots=True)
class RowApplied:
    """The row was created or updated."""

    entity_id: int


@dataclass(frozen=True, slots=True)
class RowRefused:
    """The row was refused, and was not applied.

    `fields` has the vendor names of the fields that the vendor complains of, in the
    order of its messages; it does not name one in every message.
    """

    error: ProviderError
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowSkipped:
    """The row was not applied, because another one of its call was refused.

    It may be sent again without the refused rows.
    """


@dataclass(frozen=True, slots=True)
class RowUnknown:
    """The row may or may not have been applied: look before sending it again."""

    error: ProviderOutcomeUnknownError


RowResult: TypeAlias = RowApplied | RowRefused | RowSkipped | RowUnknown
