"""Counts the records of a tenant, and adds rows without the vendor's rules."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

from bridge.sandbox.data import database, rows, udfs
from bridge.sandbox.data.database import Database, DatabaseError
from bridge.sandbox.data.dataset import Row
from bridge.sandbox.data.schema import Table, TenantSchema, quoted

_FIXED = (quoted("UdfType"), quoted("DataType"))


def counts(db: Database, schema: TenantSchema) -> dict[str, int]:
    """Return the number of records by entity; entities without any are left out."""
    connection = db.reading()
    found = {
        name: connection.execute(f"SELECT count(*) FROM {table.sql}").fetchone()[0]  # noqa: S608 - quoted
        for name, table in schema.tables.items()
    }
    return {name: number for name, number in sorted(found.items()) if number}


def add(
    db: Database,
    schema: TenantSchema,
    rows_by_entity: Mapping[str, Iterable[Mapping[str, object]]],
) -> dict[str, list[int]]:
    """Add records as a data set has them, in one transaction; return their ids.

    Field names are the vendor's; read-only fields can be set too. A row without id gets
    the next one; a row with a known id replaces that record. Definitions of UDFs are
    served after `Vendor.refresh`.

    Raises:
        DatabaseError: unknown entity, field or UDF, or a value that does not fit it.
    """
    ids: dict[str, list[int]] = {}
    with db.writing() as connection:
        for entity, rows_of_it in rows_by_entity.items():
            table = schema.find(entity)
            if table is None:
                raise DatabaseError(f"rows: there is no entity {entity}.")
            put = _PUT.get(table.entity.name, rows.put)
            ids[table.entity.name] = [
                put(connection, schema, table, row) for row in rows_of_it
            ]
    return ids


def _put_definition(
    connection: sqlite3.Connection, schema: TenantSchema, table: Table, row: Row
) -> int:
    """Add the definition of a UDF, and the column of its values."""
    before = rows.known(connection, table, row)
    record_id = rows.put(connection, schema, table, row)
    after = database.read(connection, table, record_id) or {}
    if before and any(before.get(name) != after.get(name) for name in _FIXED):
        raise DatabaseError(
            f"{table.entity.name}: UdfType and DataType cannot be changed."
        )
    udfs.record_change(connection, schema, record_id, before, after)
    return record_id


def _put_list_item(
    connection: sqlite3.Connection, schema: TenantSchema, table: Table, row: Row
) -> int:
    """Add an item of a UDF's list; its definition, which may follow, has changed."""
    record_id = rows.put(connection, schema, table, row)
    item = database.read(connection, table, record_id) or {}
    definition_id = int(item.get(quoted("UdfFieldId")) or 0)
    definitions = schema.tables[udfs.DEFINITION]
    definition = database.read(connection, definitions, definition_id)
    if definition is not None:
        udfs.record_change(connection, schema, definition_id, definition, definition)
    return record_id


_PUT = {udfs.DEFINITION: _put_definition, udfs.LIST_ITEM: _put_list_item}
