"""What is in the tables: counted for the status page, added to past all rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bridge.sandbox import database
from bridge.sandbox.database import Database, DatabaseError
from bridge.sandbox.schema import TenantSchema


def counts(db: Database, schema: TenantSchema) -> dict[str, int]:
    """Return the number of records by entity; entities without any are left out."""
    connection = db.reading()
    found = {
        name: connection.execute(f"SELECT count(*) FROM {table.sql}").fetchone()[0]  # noqa: S608 - quoted
        for name, table in schema.tables.items()
    }
    return {name: number for name, number in sorted(found.items()) if number}


def add(
    db: Database, schema: TenantSchema, rows: Mapping[str, Any]
) -> dict[str, list[int]]:
    """Add records as a data set has them, in one transaction; return their ids.

    Fields are as on the wire; read-only ones too. A row without id gets the next one;
    one whose id is there already replaces that record.

    Raises:
        ValueError: no list of objects, or a value that is none of its field.
        DatabaseError: unknown entity, field or UDF.
    """
    ids: dict[str, list[int]] = {}
    with db.writing() as connection:
        for entity, some in rows.items():
            table = schema.find(entity)
            if table is None:
                raise DatabaseError(f"There is no entity {entity}.")
            ids[table.entity.name] = [
                database.put_row(connection, schema.ci, table, row)
                for row in _objects(some)
            ]
    return ids


def _objects(some: object) -> Iterable[Mapping[str, object]]:
    if not isinstance(some, list) or not all(isinstance(row, Mapping) for row in some):
        raise ValueError("rows has a list of objects for each entity.")
    return some
