"""A caller's body validated and turned into the vendor's values.

All rules are checked before any is reported, so that one response lists all problems.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from bridge.catalog.model import Verb
from bridge.errors import InvalidRequestError
from bridge.interfaces import (
    UDF_MEMBER,
    DateKind,
    Entity,
    Field,
    FieldInfo,
    FieldType,
    Scalar,
    Values,
)
from bridge.interfaces.texts import sendable_text
from bridge.services.fields import EntityFields
from bridge.services.records.discriminator import find_fixed
from bridge.services.records.members import UDFS, Members
from bridge.services.records.unchanged import repeats, stored_udfs
from bridge.services.values import read_json
from bridge.telemetry import current_call
from bridge.telemetry.redaction import is_secret_name
from bridge.types import JSON

PROTECTED = "*****"
"""What the vendor shows in place of a value that the API user may not see.

Source: vendor help, InstalledProduct.
"""

_MAX_ITEMS_SHOWN = 30
_NEW = object()
"""What is stored of a record that is to be created."""


@dataclass(slots=True)
class ValidatedRecord:
    """The values in a body, and what is wrong with it.

    `fields` are those it was validated against. `given` is keyed by whether a field is
    user-defined, and its vendor name; None clears the field. `unread` holds the vendor
    names of members whose value is of the wrong type. `ignored` names members that are
    not used, as the caller wrote them; `notes` are sentences on what is stored
    otherwise than it was sent. `in_doubt` marks an unknown name or picklist value,
    which may be newer than the metadata.
    """

    fields: EntityFields
    given: dict[tuple[bool, str], tuple[FieldInfo, Scalar | None]] = field(
        default_factory=dict
    )
    unread: set[str] = field(default_factory=set)
    ignored: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    in_doubt: bool = False

    def require_valid(self, outcome: str) -> None:
        """Refuse a body with problems; `outcome` begins the message that lists them.

        Raises:
            InvalidRequestError: there is at least one.
        """
        if self.problems:
            raise InvalidRequestError(f"{outcome}: {'; '.join(self.problems)}.")


def validate_create(fields: EntityFields, members: Members) -> ValidatedRecord:
    """Validate the body of a create; like the vendor, ignore read-only members."""
    record = _read_body(fields, members, None, None)
    for key, (info, _) in list(record.given.items()):
        # A field that is read-only and required can only be set on create.
        if info.read_only and not info.required:
            del record.given[key]
            record.ignored.append(fields.name_of(info))
    # First, because the fixed field may itself be required.
    _preset_fixed(record)
    _require_fields(record)
    _check_values(record, stored={})
    return record


def validate_update(
    fields: EntityFields, members: Members, stored: Entity, zone: ZoneInfo
) -> ValidatedRecord:
    """Validate the body of an update against the stored entity.

    A member that repeats the stored value changes nothing, whatever its kind. A
    read-only time is ignored, not refused: the vendor changes it by itself. `zone` is
    the time zone of the vendor's times.
    """
    record = _read_body(fields, members, stored, stored_udfs(fields, stored, zone))
    for key, (info, value) in list(record.given.items()):
        if info.udf:
            continue
        if info.read_only:
            del record.given[key]
            _check_read_only(record, info)
        elif info.required and _is_blank(value):
            record.problems.append(_missing(fields, info))
    _check_values(record, stored=stored)
    return record


def unchanged_values(stored: Entity, record: ValidatedRecord) -> Values:
    """Return the writable fields of the stored entity that were not given.

    User-defined fields are left out, as `Backend.update` wants it.
    """
    fields = record.fields
    values: dict[Field, Scalar | None] = {}
    for name, value in stored.items():
        info = fields.standard.get(name)
        if name in ("id", UDF_MEMBER) or (info is not None and info.read_only):
            continue
        if (False, name) not in record.given:
            typed = fields.typed(info) if info else _infer_field(name, value)
            values[typed] = _scalar(value)
    return values


def vendor_values(record: ValidatedRecord) -> Values:
    """Return the given values as backend calls take them."""
    return {record.fields.typed(info): value for info, value in record.given.values()}


def _read_body(
    fields: EntityFields,
    members: Members,
    stored: Entity | None,
    udfs: Mapping[str, object] | None,
) -> ValidatedRecord:
    """Parse the members that differ from what is stored; all of them for a create.

    `udfs` has the stored values of user-defined fields, as the record shows them.
    """
    record = ValidatedRecord(fields)
    for name, value in members.values:
        info = fields.find(name)
        if info is None:
            record.in_doubt |= not _is_label(fields, name)
            record.ignored.append(name)
        elif info.udf:
            _read_udf(record, info, value, udfs)
        else:
            known = _NEW if stored is None else stored.get(info.name)
            _read_member(record, name, info, value, known)
    _read_udfs(record, members, udfs)
    return record


def _is_label(fields: EntityFields, name: str) -> bool:
    """Return whether a member is a label that `labels=true` adds to records."""
    labelled = name[: -len("Label")]
    return name.lower().endswith("label") and fields.find(labelled) is not None


def _read_member(
    record: ValidatedRecord, name: str, info: FieldInfo, value: JSON, known: object
) -> None:
    """Parse one value, unless it repeats what is `known` to be stored."""
    typed = record.fields.typed(info)
    blank = value == "" and (info.udf or info.type is not FieldType.STRING)
    try:
        given = None if value is None or blank else read_json(typed, value)
    except ValueError as error:
        if not info.udf:
            record.unread.add(info.name)
        allowed = "" if info.udf else _allowed(info)
        record.problems.append(f"{name} {error}{allowed}")
        return
    given = _clean(record, name, given)
    if known is _NEW or not repeats(typed, value, given, known):
        record.given[(info.udf, info.name)] = (info, given)


def _clean(record: ValidatedRecord, name: str, value: Scalar | None) -> Scalar | None:
    """Return a value without the characters that cannot be sent, and note them."""
    if isinstance(value, str) and is_secret_name(name):
        current_call.conceal(value)
    if not isinstance(value, str) or (text := sendable_text(value)) == value:
        return value
    record.notes.append(
        f"{name} is stored without the characters that XML cannot carry."
    )
    return text


def _read_udfs(
    record: ValidatedRecord,
    members: Members,
    udfs: Mapping[str, object] | None,
) -> None:
    """Read the user-defined fields of a body."""
    if members.problem:
        record.problems.append(members.problem)
    read: dict[str, JSON] = {}
    for name, value in members.udfs:
        info = record.fields.find_udf(name)
        key = name.lower() if info is None else info.name
        if key not in read and info is not None:
            # The vendor shows every field it has: a missing one was removed.
            record.in_doubt |= bool(udfs and info.name not in udfs)
            _read_udf(record, info, value, udfs)
        elif key not in read:
            _read_unknown_udf(record, name, value, udfs or {})
        elif read[key] != value:
            record.problems.append(f"{name} is in {UDFS} twice with different values")
        read.setdefault(key, value)


def _read_unknown_udf(
    record: ValidatedRecord,
    name: str,
    value: JSON,
    udfs: Mapping[str, object],
) -> None:
    """Refuse a value for a field that does not exist, unless it is stored so."""
    blank = value in (None, "")
    if name in udfs and (None if blank else value) == (udfs[name] or None):
        return
    record.in_doubt = True
    if blank:
        record.ignored.append(name)
    else:
        record.problems.append(
            f"{record.fields.resource.name} has no user-defined field {name}"
        )


def _read_udf(
    record: ValidatedRecord,
    info: FieldInfo,
    value: JSON,
    udfs: Mapping[str, object] | None,
) -> None:
    """Parse one value; a value that is stored already changes nothing.

    Neither does the mask of a protected value, which the vendor would store as a text.
    """
    if value == PROTECTED and record.fields.resource.facts.protected_udfs:
        if udfs is None or udfs.get(info.name) != PROTECTED:
            record.ignored.append(info.name)
        return
    known = _NEW if udfs is None else udfs.get(info.name)
    if value in (None, "") or value != known:
        _read_member(record, info.name, info, value, known)


def _preset_fixed(record: ValidatedRecord) -> None:
    """Set the value that all records of the resource have; refuse any other."""
    found = find_fixed(record.fields)
    if found is None:
        return
    info, value = found
    given = record.given.get((False, info.name), (info, None))[1]
    if given not in (None, value):
        name = record.fields.name_of(info)
        record.problems.append(
            f"{name} of a new {record.fields.resource.singular} is {_shown(value)}"
        )
    record.given[(False, info.name)] = (info, value)


def _require_fields(record: ValidatedRecord) -> None:
    """Add a problem for each required field without a value; 0 and false are values."""
    creatable = Verb.CREATE in record.fields.resource.verbs
    for info in record.fields.standard.values():
        if info.name == "id" or not info.required or info.name in record.unread:
            continue
        if info.read_only and not creatable:
            continue
        if _is_blank(record.given.get((False, info.name), (info, None))[1]):
            record.problems.append(_missing(record.fields, info))


def _is_blank(value: Scalar | None) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _missing(fields: EntityFields, info: FieldInfo) -> str:
    return f"{fields.name_of(info)} is required{_allowed(info)}"


def _check_values(record: ValidatedRecord, *, stored: Entity) -> None:
    for info, value in record.given.values():
        if value is None:
            continue
        name = record.fields.name_of(info)
        if isinstance(value, str) and 0 < info.length < len(value):
            record.problems.append(
                f"{name} is too long: {len(value)} characters of at most {info.length}"
            )
        is_day = record.fields.typed(info).date_kind is DateKind.DAY
        if is_day and isinstance(value, datetime):
            record.notes.append(
                f"{name} holds a day; with its time of day it is sent as an instant."
            )
        if _is_unknown_item(info, value, stored.get(info.name)):
            record.in_doubt = True
            record.problems.append(f"{name} cannot be {_shown(value)}{_allowed(info)}")


def _is_unknown_item(info: FieldInfo, value: Scalar, before: object) -> bool:
    # The stored value passes, even if its item is not active any more.
    if not info.is_picklist or not info.picklist or value in ("", before):
        return False
    return not any(i.is_active and info.is_item(i, value) for i in info.picklist)


def _allowed(info: FieldInfo) -> str:
    items = [item for item in info.picklist if item.is_active]
    if not info.is_picklist or not items:
        return ""
    shown = [f"{item.value} ({item.label})" for item in items[:_MAX_ITEMS_SHOWN]]
    rest = len(items) - len(shown)
    return ", one of " + ", ".join(shown) + (f" and {rest} more" if rest > 0 else "")


def _shown(value: Scalar) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _check_read_only(record: ValidatedRecord, info: FieldInfo) -> None:
    name = record.fields.name_of(info)
    if info.type is FieldType.DATETIME and not info.required:
        record.ignored.append(name)
    elif info.required and Verb.CREATE in record.fields.resource.verbs:
        record.problems.append(f"{name} can only be set on create")
    else:
        record.problems.append(f"{name} is read-only")


def _infer_field(name: str, value: object) -> Field:
    """Return the field for a name that is newer than the metadata, by its value."""
    kinds = (kind for python_type, kind in _TYPES if isinstance(value, python_type))
    return Field(name, next(kinds, FieldType.STRING))


def _scalar(value: object) -> Scalar | None:
    # Spelt out, for the type checker: `Scalar` is the union of these.
    if isinstance(value, str | bool | int | float | Decimal | datetime | date):
        return value
    return None


# Subclasses first: `bool` is an `int`, `datetime` is a `date`.
_TYPES: tuple[tuple[type, FieldType], ...] = (
    (bool, FieldType.BOOLEAN),
    (int, FieldType.LONG),
    (float, FieldType.DOUBLE),
    (Decimal, FieldType.DECIMAL),
    (datetime, FieldType.DATETIME),
    (date, FieldType.DATETIME),
)
