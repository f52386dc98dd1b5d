"""The entities and fields of the suite, and what it makes of them."""

from __future__ import annotations

import dataclasses
import uuid
from datetime import UTC, datetime

from bridge.ceql.ast import Operator, Predicate
from bridge.interfaces import DateKind, EntityType, Field, FieldType

TODO = EntityType("AccountToDo")
PROJECT = EntityType(
    "Project", dict.fromkeys(["StartDateTime", "EndDateTime"], DateKind.DAY)
)
READ_ONLY = EntityType("Invoice")
"""An entity that no API user may create."""

START_TIME = datetime(2026, 5, 4, 9, tzinfo=UTC)

ID = Field("id", FieldType.LONG)
NAME = Field("AccountName", FieldType.STRING)
PHONE = Field("Phone", FieldType.STRING)
KIND = Field("AccountType", FieldType.SHORT)
OWNER = Field("OwnerResourceID", FieldType.INTEGER)
CITY = Field("City", FieldType.STRING)
FAX = Field("Fax", FieldType.STRING)
MARK = Field("WebAddress", FieldType.STRING)
PARENT = Field("ParentAccountID", FieldType.INTEGER)
ACTIVE = Field("Active", FieldType.BOOLEAN)

ALIAS = Field("3: Backup Contact & Phone", FieldType.STRING, udf=True)
WORTH = Field("Annual Contract Value", FieldType.DOUBLE, udf=True)
RENEWAL = Field(
    "Renewal Date", FieldType.DATETIME, udf=True, date_kind=DateKind.BY_VALUE
)
SHARED = Field("Co-managed?", FieldType.BOOLEAN, udf=True)


def _udf_types(_names, *, required):
    return {field.name: field.type for field in (ALIAS, WORTH, RENEWAL, SHARED)}


ACCOUNT = EntityType("Account", udf_types=_udf_types)

START = Field("StartDateTime", FieldType.DATETIME)
END = Field("EndDateTime", FieldType.DATETIME)
TITLE = Field("ActivityDescription", FieldType.STRING)
FIRST_DAY = Field("StartDateTime", FieldType.DATETIME, date_kind=DateKind.DAY)
LAST_DAY = Field("EndDateTime", FieldType.DATETIME, date_kind=DateKind.DAY)


def mark():
    """Return a text that no other record has."""
    return f"mark-{uuid.uuid4().hex[:12]}"


def account(marked):
    """Return the values that an account must have, and its mark."""
    return {
        NAME: f"Suite {uuid.uuid4().hex[:8]}",
        PHONE: "518-555-0100",
        KIND: 1,
        OWNER: 4,
        MARK: marked,
    }


def todo(title, start, end):
    """Return the values of a to-do."""
    return {
        Field("AccountID", FieldType.LONG): 0,
        Field("AssignedToResourceID", FieldType.LONG): 4,
        Field("ActionType", FieldType.INTEGER): 1,
        START: start,
        END: end,
        TITLE: title,
    }


def project(name, first, last):
    """Return the values of a project."""
    return {
        Field("ProjectName", FieldType.STRING): name,
        Field("AccountID", FieldType.INTEGER): 0,
        Field("Type", FieldType.INTEGER): 5,
        Field("Status", FieldType.INTEGER): 1,
        FIRST_DAY: first,
        LAST_DAY: last,
    }


def marked_by(marked):
    """Return the filter that finds the accounts with a mark."""
    return Predicate(MARK, Operator.EQUAL, (marked,))


def with_id(entity_id):
    """Return the filter that finds one entity."""
    return Predicate(ID, Operator.EQUAL, (entity_id,))


def value_of(entity, field):
    """Return a value; None where the field has none, or an empty text."""
    value = entity.get(field)
    return None if value == "" else value


class Records:
    """Creates and reads entities of the first tenant."""

    def __init__(self, backend, metadata):
        self.backend = backend
        self._metadata = metadata

    def placed(self, entity, values):
        """Return values whose fields have their places in the metadata."""
        fields = self._metadata(entity)
        return {
            dataclasses.replace(field, place=fields[field.udf, field.name][0]): value
            for field, value in values.items()
        }

    def create(self, entity, values):
        return self.backend.create(entity, self.placed(entity, values)).id

    def accounts(self, *values):
        """Create accounts with a mark in common; return the mark and their ids."""
        marked = mark()
        ids = [self.create(ACCOUNT, {**account(marked), **each}) for each in values]
        return marked, ids

    def read(self, entity, entity_id):
        (found,) = self.backend.query(entity, with_id(entity_id)).entities
        return found

    def found(self, marked):
        """Return the ids of the accounts with a mark."""
        page = self.backend.query(ACCOUNT, marked_by(marked))
        return [entity.id for entity in page.entities]

    def unchanged(self, entity, stored, changes):
        """Return what an update must know besides its changes."""
        fields = self._metadata(entity)
        changed = {field.name for field in changes if not field.udf}
        rest = {}
        for name, value in stored.values.items():
            if name == "id" or name in changed:
                continue
            place, info = fields[False, name]
            if not info.read_only:
                kind = entity.date_kinds.get(name, DateKind.INSTANT)
                rest[Field(name, info.type, date_kind=kind, place=place)] = value
        return rest

    def update(self, entity, entity_id, changes):
        """Change an entity as the services do: read, then write."""
        stored = self.read(entity, entity_id)
        self.backend.update(
            entity,
            entity_id,
            self.placed(entity, changes),
            self.unchanged(entity, stored, changes),
        )
