"""User-defined fields: their types for the backend, their texts for callers."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import date
from decimal import Decimal

from bridge.errors import ProviderError
from bridge.interfaces import FieldType, Scalar
from bridge.interfaces.times import shown_instant
from bridge.services.fields import EntityFields
from bridge.services.metadata import TenantMetadata


class UdfTypes:
    """Finds the types of user-defined fields in the metadata, for one request.

    A field that the stored metadata does not have is newer than it, and looked up.
    Metadata may cost vendor calls; values that no type changes do not need it.
    """

    def __init__(self, metadata: TenantMetadata[EntityFields]) -> None:
        self._metadata = metadata
        self._known: set[str] = set()
        self._types: Mapping[str, FieldType] | None = None

    def __call__(
        self, names: AbstractSet[str], *, required: bool
    ) -> Mapping[str, FieldType]:
        """Return the types that are known; none where the metadata cannot be had."""
        if not names <= self._known or (required and self._types is None):
            # Before the look-up, so that a failed one is not repeated for each page.
            self._known |= names
            self._find(names, required=required)
        return self._types or {}

    def _find(self, names: AbstractSet[str], *, required: bool) -> None:
        if not required and self._metadata.find() is None:
            return
        try:
            fields = self._metadata.get_to_show(
                lambda fields: not names <= fields.udfs.keys()
            )
        except ProviderError:
            self._types = self._types or {}
            return
        self._types = {name: udf.type for name, udf in fields.udfs.items()}


def show_udf(value: Scalar | None) -> str | None:
    """Return the text that callers read as the value of a user-defined field."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, date):
        return f"{shown_instant(value).replace(tzinfo=None).isoformat()}+0000"
    if isinstance(value, bool):
        return str(value).lower()
    return format(value, "f") if isinstance(value, Decimal) else str(value)
