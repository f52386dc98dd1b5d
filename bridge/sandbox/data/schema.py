"""The tables of a tenant: one per entity, one column per field and UDF.

Built from the declared facts of one generation and a tenant's UDFs; uses no database.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from bridge.sandbox.data import values
from bridge.sandbox.data.dataset import Udf
from bridge.sandbox.data.values import Kind
from bridge.sandbox.declarations import rule
from bridge.sandbox.facts.model import EntityFacts, FieldFacts, PicklistItem

# The record's XML fragment, which is stored so that a page need not be rendered.
XML_COLUMN = "_xml"

_SECRET_FIELDS: Mapping[tuple[str, str], str | None] = {
    # Source: the vendor's SOAP help, Resource and ClientPortalUser.
    ("Resource", "Password"): "******",
    ("ClientPortalUser", "Password"): None,
}

# The text that responses show for the protected UDFs of an entity, filled or not, to
# users without permission. Source: SOAP help, InstalledProduct. Unverified: API users
# do not have it, and protected UDFs of other entities are shown.
_MASKED_UDFS: Mapping[str, str] = {"InstalledProduct": "*****"}

_UDF_PREFIX = "udf "
_UDF_KINDS: Mapping[str, Kind] = {
    "string": values.TEXT,
    "double": values.DECIMAL,
    "datetime": values.DAY_BY_VALUE,
    "boolean": values.BOOLEAN,
}


_COUNTRY_IDS: Mapping[tuple[str, str], str] = {
    ("SalesOrder", "BillToCountry"): "BillToCountryID",
    ("SalesOrder", "ShipToCountry"): "ShipToCountryID",
}
_INDEXED = frozenset({"AccountID", "EMailAddress", "LastModifiedDate"})


@dataclass(frozen=True, slots=True)
class Column:
    """A field or a UDF as it is stored.

    `sql` is the quoted column name; `compared` is the SQL that a query compares
    instead, if any. `mask` is the text in responses for a `secret` field, None to leave
    it out, or for a UDF that the user may neither see nor write. `default` is the value
    of a UDF that is not sent.
    """

    name: str
    sql: str
    kind: Kind
    wire_type: str
    length: int = 0
    required: bool = False
    read_only: bool = False
    create_only: bool = False
    queryable: bool = True
    reference: str | None = None
    picklist: tuple[PicklistItem, ...] = ()
    picklist_parent: str | None = None
    udf: bool = False
    protected: bool = False
    secret: bool = False
    mask: str | None = None
    default: values.Stored | None = None
    compared: str = ""

    def item(self, stored: values.Stored) -> PicklistItem | None:
        """Return the picklist's item for a stored value."""
        text = self.kind.write(stored)
        return next((item for item in self.picklist if item.value == text), None)


@dataclass(frozen=True, eq=False)
class Table:
    """One entity of one tenant. `columns` are its fields in wire order, id first.

    `prepared` is whether the stored fragments have this layout. A table of an older
    version has the columns of that version; `main` is the table that stores its
    records.
    """

    entity: EntityFacts
    name: str
    columns: tuple[Column, ...]
    udfs: tuple[Column, ...]
    prepared: bool = True
    main: Table | None = None

    @property
    def sql(self) -> str:
        """The quoted table name."""
        return quoted(self.name)

    @property
    def storage(self) -> Table:
        """The table that the records are stored in."""
        return self.main or self

    @property
    def stored(self) -> tuple[Column, ...]:
        """All columns but the id, in the order of `Database` rows."""
        return self.columns[1:] + self.udfs

    def column(self, name: str) -> Column | None:
        """Return a field by its name, in any case."""
        return self._by_name.get(name.lower())

    def udf(self, name: str) -> Column | None:
        """Return a UDF by its exact name."""
        return self._udf_by_name.get(name)

    @cached_property
    def _by_name(self) -> Mapping[str, Column]:
        return {column.name.lower(): column for column in self.columns}

    @cached_property
    def _udf_by_name(self) -> Mapping[str, Column]:
        return {column.name: column for column in self.udfs}

    def ddl(self) -> str:
        """Return the statement that creates the table."""
        rows = [f"{column.sql} {sql_type(column)}" for column in self.stored]
        rows.append(f"{XML_COLUMN} BLOB NOT NULL")
        return f"CREATE TABLE {self.sql} (id INTEGER PRIMARY KEY, {', '.join(rows)})"

    def index_ddl(self) -> list[str]:
        """Return the statements that create the indexes for large queries."""
        return [
            f"CREATE INDEX {quoted(f'{self.name} {column.name}')} "
            f"ON {self.sql} ({column.sql})"
            for column in self.columns
            if column.name in _INDEXED
        ]


@dataclass(frozen=True, eq=False)
class TenantSchema:
    """All tables of one tenant, by entity name."""

    ci: int
    tables: Mapping[str, Table]

    def references(self, entity: str) -> Iterator[tuple[Table, Column]]:
        """Yield every field that refers to records of an entity."""
        for table in self.tables.values():
            for column in table.columns:
                if column.reference == entity:
                    yield table, column

    @cached_property
    def _by_lower_name(self) -> Mapping[str, Table]:
        return {name.lower(): table for name, table in self.tables.items()}

    def find(self, entity: str) -> Table | None:
        """Return an entity's table by its name, in any case."""
        return self._by_lower_name.get(entity.strip().lower())


def quoted(name: str) -> str:
    """Return a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def tenant_schema(
    ci: int,
    entities: Iterable[EntityFacts],
    udfs: Mapping[str, tuple[Udf, ...]],
    generation: str,
    changed: frozenset[str] = frozenset(),
) -> TenantSchema:
    """Return the tables of a tenant for the entities of one generation.

    `changed` are the entities whose UDFs differ from those at the start.
    """
    return TenantSchema(
        ci,
        {
            entity.name: _table(
                ci,
                entity,
                udfs.get(entity.name, ()),
                generation,
                prepared=entity.name not in changed,
            )
            for entity in entities
        },
    )


def older_schema(
    schema: TenantSchema, entities: Iterable[EntityFacts], generation: str
) -> TenantSchema:
    """Return the tables of a schema as an older generation shows them."""
    return TenantSchema(
        schema.ci,
        {
            entity.name: _older_table(schema, entity, generation)
            for entity in entities
            if entity.name in schema.tables
        },
    )


def _table(
    ci: int,
    entity: EntityFacts,
    udfs: tuple[Udf, ...],
    generation: str,
    *,
    prepared: bool,
) -> Table:
    columns = tuple(_column(ci, entity, fact) for fact in entity.fields_of(generation))
    table = Table(entity, _table_name(ci, entity.name), columns, ())
    return with_udfs(table, udfs, prepared=prepared)


@rule(
    "Values",
    "Protected user-defined fields of installed products are masked "
    "and cannot be written",
    source="help",
)
def with_udfs(table: Table, udfs: tuple[Udf, ...], *, prepared: bool) -> Table:
    """Return a table with these UDFs and no others; `prepared` as for `Table`."""
    mask = _MASKED_UDFS.get(table.entity.name)
    columns = tuple(
        replace(
            udf_column(position if udf.column is None else udf.column, udf),
            mask=mask if udf.protected else None,
        )
        for position, udf in enumerate(udfs)
    )
    return replace(table, udfs=columns, prepared=prepared)


def _table_name(ci: int, entity: str) -> str:
    return f"{ci} {entity}"


def _older_table(schema: TenantSchema, entity: EntityFacts, generation: str) -> Table:
    main = schema.tables[entity.name]
    columns = tuple(
        replace(
            _column(schema.ci, entity, fact),
            sql=quoted(_newer_name(entity.name, fact.name)),
        )
        for fact in entity.fields_of(generation)
    )
    return replace(
        main,
        entity=entity,
        columns=columns,
        prepared=False,
        main=main,
    )


def _newer_name(entity: str, field_name: str) -> str:
    """Return the name in 1.6 of a field of 1.5.

    Source: SOAP contract notes, section 1.2. Unverified: that the time of approval is
    that of posting.
    """
    if entity == "BillingItem" and field_name == "ApprovedTime":
        return "PostedOnTime"
    return (
        field_name.replace("AEM", "RMM") if entity == "InstalledProduct" else field_name
    )


@rule("Values", "Passwords are masked or left out", source="help")
def _column(ci: int, entity: EntityFacts, fact: FieldFacts) -> Column:
    secret = (entity.name, fact.name) in _SECRET_FIELDS
    return Column(
        name=fact.name,
        sql=quoted(fact.name),
        kind=_kind(fact),
        wire_type=fact.wire_type,
        length=fact.length,
        required=fact.required,
        read_only=fact.read_only,
        create_only=entity.create_only(fact),
        queryable=fact.queryable,
        reference=fact.reference,
        picklist=fact.picklist or (),
        picklist_parent=fact.picklist_parent,
        secret=secret,
        mask=_SECRET_FIELDS.get((entity.name, fact.name)),
        compared=_compared(ci, entity.name, fact.name),
    )


def _compared(ci: int, entity: str, field_name: str) -> str:
    """Return the SQL that a query compares for a field, empty for the field itself.

    Queries for the country of a sales order compare the display name of the country
    that its text was resolved to. Source: SOAP help, SalesOrder.
    """
    country_id = _COUNTRY_IDS.get((entity, field_name))
    if country_id is None:
        return ""
    countries = quoted(_table_name(ci, "Country"))
    named = f"{quoted(_table_name(ci, entity))}.{quoted(country_id)}"
    shown = f'SELECT "DisplayName" FROM {countries} WHERE {countries}.id = {named}'  # noqa: S608 - names of the facts
    return f"coalesce(({shown}), {quoted(field_name)}) COLLATE SERVICE"


def _kind(fact: FieldFacts) -> Kind:
    """Return the kind of a field; a reference holds any id, as ids are 64 bits wide.

    Unverified: metadata calls references integers, and captured ids fit in 32 bits.
    """
    if fact.date_only:
        return values.DAY
    if fact.date_by_value:
        return values.DAY_BY_VALUE
    # Some doubles are decimals on the wire.
    is_decimal = fact.wire_type == "decimal"
    kind = values.DECIMAL if is_decimal else values.BY_TYPE[fact.type]
    return values.LONG if fact.reference and kind is values.INTEGER else kind


def udf_column(number: int, udf: Udf) -> Column:
    """Return the column of a UDF that is stored under a number."""
    kind = _UDF_KINDS[udf.type]
    return Column(
        name=udf.name,
        sql=quoted(f"{_UDF_PREFIX}{number}"),
        kind=kind,
        wire_type="string",
        required=udf.required,
        picklist=udf.picklist or (),
        udf=True,
        protected=udf.protected,
        default=_default(kind, udf.default),
    )


def _default(kind: Kind, text: str | None) -> values.Stored | None:
    """Return a default as it is stored, None for a text that is not of the type."""
    try:
        return None if text is None else kind.read(text)
    except ValueError:
        return None


def udf_number(column: Column) -> int:
    """Return the number that a UDF's column is stored under."""
    return int(column.sql.strip('"').removeprefix(_UDF_PREFIX))


def sql_type(column: Column) -> str:
    """Return the type a column is declared with."""
    if column.kind.is_text and not column.protected:
        return "TEXT COLLATE SERVICE"
    return column.kind.sql_type
