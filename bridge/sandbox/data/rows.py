"""Stores rows of data sets and of the seed endpoint; no rule of the vendor runs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

from bridge.sandbox.data import database, udfs, values
from bridge.sandbox.data.database import Database, DatabaseError, StoredRow
from bridge.sandbox.data.dataset import UDF_MEMBER, Row
from bridge.sandbox.data.schema import Column, Table, TenantSchema, quoted
from bridge.sandbox.data.values import Stored

_CONTAINERS = frozenset({list, dict})
_FIXED = (quoted("UdfType"), quoted("DataType"))
_MAX_ID = 2**62  # new ids are issued above the highest, and must fit in 63 bits


def add(
    db: Database,
    schema: TenantSchema,
    rows_by_entity: Mapping[str, Iterable[Row]],
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
            put_row = _PUT.get(table.entity.name, put)
            ids[table.entity.name] = [
                put_row(connection, schema, table, row) for row in rows_of_it
            ]
    return ids


def put(
    connection: sqlite3.Connection, schema: TenantSchema, table: Table, row: Row
) -> int:
    """Add a row, or replace the record that has its id; return the id.

    A row without id gets the tenant's next one.

    Raises:
        DatabaseError: a field or UDF is unknown, or a value does not fit it.
    """
    stored = read(table, row)
    is_known = known(connection, table, row) is not None
    number = _id(table, row) if "id" in row else None
    record_id = database.issue(connection, schema.ci) if number is None else number
    store = database.replace if is_known else database.insert
    store(connection, table, record_id, stored)
    connection.execute(
        # A given id counts as issued: later ones must be above it.
        "UPDATE issued SET last = max(last, ?) WHERE ci = ? AND series = ?",
        (record_id, schema.ci, database.ID_SERIES),
    )
    return record_id


def known(connection: sqlite3.Connection, table: Table, row: Row) -> StoredRow | None:
    """Return the stored record that a row replaces, None for a new one.

    Raises:
        DatabaseError: the id of the row is invalid.
    """
    return database.read(connection, table, _id(table, row)) if "id" in row else None


def read(table: Table, row: Row) -> dict[str, Stored | None]:
    """Return a row's stored values.

    Raises:
        DatabaseError: a field or UDF is unknown, or a value does not fit it.
    """
    entity = table.entity.name
    stored: dict[str, Stored | None] = {}
    for name, value in row.items():
        if name in {"id", UDF_MEMBER}:
            continue
        column = table.column(name)
        if column is not None:
            stored[column.sql] = _store(entity, column, value)
        elif all(field.name != name for field in table.entity.fields):
            raise DatabaseError(f"{entity} has no field {name}.")
        # else another generation has it
    for name, value in _udfs(entity, row).items():
        column = table.udf(name)
        if column is None:
            raise DatabaseError(f"{entity} has no UDF {name}.")
        stored[column.sql] = _store(entity, column, value)
    return stored


def _udfs(entity: str, row: Row) -> Mapping[str, object]:
    udfs = row.get(UDF_MEMBER) or {}
    if not isinstance(udfs, Mapping):
        raise DatabaseError(f"{entity}: {UDF_MEMBER} must be an object.")
    return udfs


def _store(entity: str, column: Column, value: object) -> Stored | None:
    try:
        if type(value) not in _CONTAINERS:
            return values.store(column.kind, value)
    except ValueError:
        pass
    raise DatabaseError(f"{entity}: {column.name} is no {column.kind.noun} value.")


def _id(table: Table, row: Row) -> int:
    try:
        number = int(values.store(values.LONG, row["id"]) or 0)
    except ValueError:
        number = _MAX_ID
    if row["id"] is None or isinstance(row["id"], bool) or abs(number) >= _MAX_ID:
        entity = table.entity.name
        raise DatabaseError(f"{entity}: id must be a whole number below 2^62.")
    return number


def _put_definition(
    connection: sqlite3.Connection, schema: TenantSchema, table: Table, row: Row
) -> int:
    """Add the definition of a UDF, and the column of its values."""
    before = known(connection, table, row)
    record_id = put(connection, schema, table, row)
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
    record_id = put(connection, schema, table, row)
    item = database.read(connection, table, record_id) or {}
    definition_id = int(item.get(quoted("UdfFieldId")) or 0)
    definitions = schema.tables[udfs.DEFINITION]
    definition = database.read(connection, definitions, definition_id)
    if definition is not None:
        udfs.record_change(connection, schema, definition_id, definition, definition)
    return record_id


_PUT = {udfs.DEFINITION: _put_definition, udfs.LIST_ITEM: _put_list_item}
