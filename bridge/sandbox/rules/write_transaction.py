"""The transaction of one write call: its records, its moment and its author."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from bridge.sandbox.data import database
from bridge.sandbox.data.database import StoredRow
from bridge.sandbox.data.schema import TenantSchema, quoted
from bridge.sandbox.data.values import Stored


@dataclass(frozen=True, slots=True)
class WriteTransaction:
    """One write call; conditions are SQL, values are stored forms.

    `actor` is the resource recorded as author: the API user's, or the impersonated one.
    `impersonator` is the API user's resource when it acts as another, else None.
    `moment` is the stored time of all records of the call. With `dates_stand_still`
    edited records keep their activity dates.
    """

    connection: sqlite3.Connection
    schema: TenantSchema
    actor: int
    impersonator: int | None
    moment: str
    dates_stand_still: bool = False

    def find(
        self, entity: str, where: str, *parameters: Stored, limit: int = -1
    ) -> list[int]:
        """Return the ids of an entity's records that match, none if it is not served.

        A limit of -1 returns all.
        """
        table = self.schema.find(entity)
        if table is None:
            return []
        return database.find(self.connection, table, where, parameters, limit)

    def exists(self, entity: str, where: str, *parameters: Stored) -> bool:
        """Return whether any record of an entity matches."""
        return bool(self.find(entity, where, *parameters, limit=1))

    def read(
        self, entity: str, record_id: Stored | None
    ) -> Mapping[str, Stored | None]:
        """Return a record's stored values, an empty mapping when it does not exist."""
        table = self.schema.find(entity)
        if table is None or record_id is None:
            return {}
        return database.read(self.connection, table, int(record_id)) or {}

    def issue_id(self) -> int:
        """Return the id of a new record."""
        return database.issue(self.connection, self.schema.ci)

    def insert(self, entity: str, row: Mapping[str, Stored | None]) -> None:
        """Add a record by field names, if the entity is served; no rule runs."""
        table = self.schema.find(entity)
        if table is not None:
            stored = {column.sql: column.default for column in table.udfs}
            stored |= {quoted(name): value for name, value in row.items()}
            database.insert(self.connection, table, self.issue_id(), stored)

    def change(self, entity: str, record_id: int, changes: StoredRow) -> None:
        """Change some stored values of a record that exists; no rule runs."""
        table, row = self.schema.tables[entity], self.read(entity, record_id)
        database.replace(self.connection, table, record_id, {**row, **changes})

    def delete(self, entity: str, where: str, *parameters: Stored) -> None:
        """Delete the records of an entity that match, if it is served; no rule runs."""
        for record_id in self.find(entity, where, *parameters):
            database.delete(self.connection, self.schema.tables[entity], record_id)

    def clear_other_flags(
        self, entity: str, flag: str, group: str, record_id: int
    ) -> None:
        """Clear a flag of the records that have one record's value in a field."""
        shared = self.read(entity, record_id).get(quoted(group)) or 0
        others = f"{quoted(flag)} = 1 AND {quoted(group)} = ? AND id <> ?"
        for other_id in self.find(entity, others, shared, record_id):
            self.change(entity, other_id, {quoted(flag): 0})
