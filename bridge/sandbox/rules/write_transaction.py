"""The write call that a record is part of: its transaction, moment and author."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from bridge.sandbox.data import database
from bridge.sandbox.data.schema import TenantSchema, quoted
from bridge.sandbox.data.values import Stored


@dataclass(frozen=True, slots=True)
class Save:
    """The write call that a record is part of.

    `actor` is the resource recorded as author: the API user's, or the impersonated one.
    `impersonator` is the API user's resource when it acts as another, else None.
    `dates_stand_still` keeps the activity dates of edited records.
    """

    connection: sqlite3.Connection
    schema: TenantSchema
    actor: int
    impersonator: int | None
    moment: str
    dates_stand_still: bool = False

    def exists(self, entity: str, where: str, *parameters: Stored) -> bool:
        """Tell whether any record of an entity matches an SQL condition."""
        table = self.schema.find(entity)
        return table is not None and database.exists(
            self.connection, table, where, parameters
        )

    def count(self, entity: str, where: str, *parameters: Stored) -> int:
        """Return how many records of an entity match an SQL condition."""
        table = self.schema.tables[entity]
        found = database.select(self.connection, table, where, parameters, limit=-1)
        return len(found)

    def read(
        self, entity: str, record_id: Stored | None
    ) -> Mapping[str, Stored | None]:
        """Return a record's stored values, none when it does not exist."""
        table = self.schema.find(entity)
        if table is None or record_id is None:
            return {}
        return database.read(self.connection, table, int(record_id)) or {}

    def keep_flag_of(self, entity: str, flag: str, group: str, record_id: int) -> None:
        """Clear a flag of all records that share a field's value with one, but it."""
        table, shared = self.schema.tables[entity], self.read(entity, record_id)
        others = database.select(
            self.connection,
            table,
            f"{quoted(flag)} = 1 AND {quoted(group)} = ? AND id <> ?",
            (shared.get(quoted(group)) or 0, record_id),
            limit=-1,
        )
        for other_id, _ in others:
            row = {**self.read(entity, other_id), quoted(flag): 0}
            database.replace(self.connection, table, other_id, row)
