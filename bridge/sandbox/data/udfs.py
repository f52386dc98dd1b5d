"""User-defined fields: their definitions are records, and writing them takes effect.

A definition that is created or updated changes the tenant's tables at once:
`record_change` adds what the database needs inside the write, `live` reads the outcome.
The column of a UDF of the data set has its position as number, that of a later one the
id of its definition.
Source: SOAP contract notes, section 10. Unverified: inactive UDFs are not shown.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bridge.sandbox.data import database
from bridge.sandbox.data.database import StoredRow
from bridge.sandbox.data.dataset import Udf
from bridge.sandbox.data.schema import (
    Table,
    TenantSchema,
    quoted,
    udf_column,
    udf_number,
    with_udfs,
)
from bridge.sandbox.declarations import rule
from bridge.sandbox.facts.model import PicklistItem

DEFINITION = "UserDefinedFieldDefinition"
LIST_ITEM = "UserDefinedFieldListItem"
LIVE = frozenset({DEFINITION, LIST_ITEM})  # entities whose records are metadata

# Values of a definition's UdfType by entity. Unverified but for Ticket.
UDF_TYPES: Mapping[str, int] = {
    "Account": 1,
    "Contact": 2,
    "Opportunity": 3,
    "SalesOrder": 4,
    "Project": 5,
    "Task": 6,
    "Ticket": 7,
    "Product": 8,
    "InstalledProduct": 9,
    "AccountLocation": 10,
    "Contract": 11,
}

# How many active UDFs an entity can have. Source: SOAP help, UDFs and entities.
MAX_ACTIVE: Mapping[str, int] = {
    "Account": 200,
    "Contact": 100,
    "InstalledProduct": 500,
    "Opportunity": 200,
    "Product": 100,
    "Project": 200,
    "SalesOrder": 100,
    "Task": 100,
    "Ticket": 300,
}

# Values of a definition's DataType. Unverified.
TEXT, DATE, LIST, NUMERIC = 1, 2, 3, 4

_ENTITIES = {number: entity for entity, number in UDF_TYPES.items()}
_TYPES = {TEXT: "string", DATE: "datetime", LIST: "string", NUMERIC: "double"}


def entity_of(definition: StoredRow) -> str:
    """Return the entity that a stored definition is for, empty when unknown."""
    number = definition.get(quoted("UdfType"))
    return _ENTITIES.get(int(number), "") if number is not None else ""


def has_bad_default(definition: StoredRow) -> bool:
    """Return whether a definition's default is not a value of its type."""
    udf = _udf(definition, (), None)
    return udf.default is not None and udf_column(0, udf).default is None


@rule(
    "Metadata",
    "New definitions of user-defined fields and list items take effect",
    source="help",
)
def record_change(
    connection: sqlite3.Connection,
    schema: TenantSchema,
    definition_id: int,
    before: StoredRow | None,
    after: StoredRow,
) -> None:
    """Record that a definition was created or updated, and add its column if new.

    `before` is the stored definition as it was, None for a new one.
    """
    table = schema.find(entity_of(after))
    noted = connection.execute(
        "SELECT 1 FROM live_udfs WHERE ci = ? AND definition = ?",
        (schema.ci, definition_id),
    ).fetchone()
    if table is None or noted:
        return
    known = table.udf(str(before.get(quoted("Name")))) if before else None
    number = definition_id if known is None else udf_number(known)
    connection.execute(
        "INSERT INTO live_udfs VALUES (?, ?, ?)",
        (schema.ci, definition_id, number),
    )
    if known is None:
        column = udf_column(number, _udf(after, (), None))
        database.add_column(connection, table.storage, column)


def record_new(
    connection: sqlite3.Connection,
    schema: TenantSchema,
    definition_id: int,
    row: StoredRow,
) -> None:
    """Add the column of a definition that a data set has as a record only."""
    table = schema.find(entity_of(row))
    if table is not None and table.udf(str(row.get(quoted("Name")))) is None:
        record_change(connection, schema, definition_id, None, row)


def tables(
    connection: sqlite3.Connection,
    schema: TenantSchema,
    start: Mapping[str, tuple[Udf, ...]],
) -> Mapping[str, Table]:
    """Return a schema's tables with the columns of all definitions."""
    found, changed = live(connection, schema, start)
    return {
        name: with_udfs(table, found[name], prepared=False)
        if name in changed
        else table
        for name, table in schema.tables.items()
    }


def live(
    connection: sqlite3.Connection,
    schema: TenantSchema,
    start: Mapping[str, tuple[Udf, ...]],
) -> tuple[Mapping[str, tuple[Udf, ...]], frozenset[str]]:
    """Return a tenant's UDFs by entity, and the entities whose UDFs have changed.

    `start` are those of the data set.
    """
    rows = connection.execute(
        "SELECT definition, number FROM live_udfs WHERE ci = ? ORDER BY number",
        (schema.ci,),
    ).fetchall()
    changed: dict[str, dict[int, Udf | None]] = {}
    for definition_id, number in rows:
        row = database.read(connection, schema.tables[DEFINITION], definition_id) or {}
        entity = entity_of(row)
        udfs = changed.setdefault(entity, dict(enumerate(start.get(entity, ()))))
        items = _items(connection, schema, definition_id)
        is_active = row.get(quoted("IsActive")) != 0
        udfs[number] = _udf(row, items, udfs.get(number)) if is_active else None
    outcome = {
        entity: tuple(
            replace(udf, column=number) for number, udf in udfs.items() if udf
        )
        for entity, udfs in changed.items()
    }
    return {**start, **outcome}, frozenset(changed)


def _udf(row: StoredRow, items: Sequence[PicklistItem], start: Udf | None) -> Udf:
    """Return the UDF of a definition; a UDF of the data set keeps its type."""
    data_type = int(row.get(quoted("DataType")) or TEXT)
    default = str(row.get(quoted("DefaultValue")) or "") or None
    picklist = tuple(replace(item, is_default=item.value == default) for item in items)
    return Udf(
        name=str(row.get(quoted("Name"))),
        type=start.type if start else _TYPES.get(data_type, "string"),
        description=str(row.get(quoted("Description")) or "") or None,
        required=bool(row.get(quoted("IsRequired"))),
        protected=bool(row.get(quoted("IsProtected"))),
        picklist=picklist if data_type == LIST else None,
        default=default,
    )


def _items(
    connection: sqlite3.Connection, schema: TenantSchema, definition_id: int
) -> list[PicklistItem]:
    """Return the items of a list in the order of their ids. Unverified: the order."""
    table = schema.tables[LIST_ITEM]
    found = database.find(connection, table, '"UdfFieldId" = ?', (definition_id,))
    rows = [database.read(connection, table, item_id) or {} for item_id in found]
    return [
        PicklistItem(
            value=str(row.get(quoted("ValueForExport"))),
            label=str(row.get(quoted("ValueForDisplay"))),
            sort_order=position,
            is_active=row.get(quoted("IsActive")) != 0,
        )
        for position, row in enumerate(rows, start=1)
    ]
