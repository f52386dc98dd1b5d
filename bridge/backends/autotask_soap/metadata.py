"""Read the vendor's metadata: entities, fields, user-defined fields, usage."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lxml import etree

from bridge.backends.autotask_soap.decode.answers import flag, integer, members
from bridge.errors import ProviderProtocolError
from bridge.interfaces import EntityInfo, FieldInfo, FieldType, PicklistItem, Usage

_FIELD_TYPES = {kind.value: kind for kind in FieldType} | {"date": FieldType.DATETIME}
_USAGE = re.compile(r"(\w+)\s*:\s*(\d+)")


def read_entities(result: etree._Element) -> list[EntityInfo]:
    """Return the entity types of a `GetEntityInfo` result."""
    rows = (members(row) for row in result.iterchildren("{*}EntityInfo"))
    return [
        EntityInfo(
            name=row.get("Name", ""),
            can_query=flag(row.get("CanQuery")),
            can_create=flag(row.get("CanCreate")),
            can_update=flag(row.get("CanUpdate")),
            can_delete=flag(row.get("CanDelete")),
            has_udfs=flag(row.get("HasUserDefinedFields")),
            denied=_denied(row),
        )
        for row in rows
    ]


def _denied(row: Mapping[str, str]) -> frozenset[str]:
    """Return the verbs that the user may not use; `Restricted` allows some records.

    Releases before 1.6.5 do not report this. Source: EntityInfo of 1.6.8.
    """
    verbs = ("query", "create", "update", "delete")
    return frozenset(
        verb for verb in verbs if row.get(f"UserAccessFor{verb.title()}") == "None"
    )


def read_fields(result: etree._Element, *, udf: bool) -> list[FieldInfo]:
    """Return the fields of a `GetFieldInfo` or `getUDFInfo` result, vendor order."""
    return [
        _read_field(element, udf=udf) for element in result.iterchildren("{*}Field")
    ]


def read_usage(message: str) -> Usage:
    """Return the counts of a `getThresholdAndUsageInfo` message.

    It reads `ThresholdOfExternalRequest: 10000; TimeframeOfLimitation: 60;
    numberOfExternalRequest: 318;`, in either case of its first letters.
    Source: captured replies.

    Raises:
        ProviderProtocolError: a count is missing.
    """
    counts = {key.lower(): int(number) for key, number in _USAGE.findall(message)}
    try:
        return Usage(
            threshold=counts["thresholdofexternalrequest"],
            timeframe_minutes=counts["timeframeoflimitation"],
            used=counts["numberofexternalrequest"],
        )
    except KeyError as error:
        raise ProviderProtocolError(
            "Autotask's answer about its usage cannot be read.",
            provider_message=message or None,
        ) from error


def field_type(text: str) -> FieldType:
    """Return the type a metadata text names; an unknown one reads as a text.

    User-defined fields spell theirs `String`, `Double`, `dateTime`, `Date`, `Boolean`.
    Source: SOAP help, getUDFInfo().
    """
    return _FIELD_TYPES.get(text.lower(), FieldType.STRING)


def _read_field(element: etree._Element, *, udf: bool) -> FieldInfo:
    row = members(element)
    reference = row.get("ReferenceEntityType") if flag(row.get("IsReference")) else None
    return FieldInfo(
        # Untrimmed: the name of a user-defined field is free text.
        name=element.findtext("{*}Name") or "",
        label=row.get("Label", ""),
        type=field_type(row.get("Type", "")),
        length=integer(row.get("Length")),
        required=flag(row.get("IsRequired")),
        read_only=flag(row.get("IsReadOnly")),
        queryable=flag(row.get("IsQueryable")),
        reference=reference or None,
        is_picklist=flag(row.get("IsPickList")),
        picklist=tuple(
            _read_item(item)
            for item in element.iterfind("{*}PicklistValues/{*}PickListValue")
        ),
        picklist_parent=row.get("PicklistParentValueField") or None,
        default=row.get("DefaultValue") or None,
        description=row.get("Description") or None,
        udf=udf,
    )


def _read_item(element: etree._Element) -> PicklistItem:
    row = members(element)
    return PicklistItem(
        value=row.get("Value", ""),
        label=row.get("Label", ""),
        is_default=flag(row.get("IsDefaultValue")),
        sort_order=integer(row.get("SortOrder")),
        parent_value=row.get("parentValue") or None,
        is_active=flag(row.get("IsActive", "true")),
        is_system=flag(row.get("IsSystem")),
    )
