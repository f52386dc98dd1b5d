"""Writes records as the vendor sends them: one XML fragment per record.

A fragment has no namespace declarations: the envelope of the response declares `xsi`
and `xsd`, and the response element sets the default namespace.
Source: captured responses (soap-samples 02, 03, 22).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bridge.sandbox.data import values
from bridge.sandbox.data.schema import Column, Table
from bridge.sandbox.data.values import Stored
from bridge.sandbox.declarations import rule

# Control characters that XML forbids are sent as they are, and one as a reference, so
# that clients meet both. Unverified: releases were seen to do either.
_ESCAPES = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        "\r": "&#xD;",  # keeps a carriage return
        "\x1f": "&#x1F;",
    }
)
# Entities whose return info has MatchInfo and Message. Source: captured responses.
_DUPLICATE_MEMBERS = frozenset({"Ticket"})


@rule(
    "Values",
    "Control characters that XML forbids are sent as they are stored",
    source="unverified",
)
def escape(text: str) -> str:
    """Return a text as element content."""
    return text.translate(_ESCAPES)


def element(name: str, text: str | None) -> str:
    """Return a plain element, self-closing as the vendor's writer does when empty."""
    return f"<{name}>{escape(text)}</{name}>" if text else f"<{name} />"


@rule(
    "Values",
    "Null fields are left out, empty texts are empty elements",
    source="captured",
)
def entity_fragment(
    table: Table, record_id: int, stored: Mapping[str, Stored | None]
) -> bytes:
    """Return the `<Entity>` of one record from its stored values by column name.

    Nulls are left out; an empty text is an empty element.
    """
    parts = [f'<Entity xsi:type="{table.entity.name}"><id>{record_id}</id>']
    parts.append(_udfs(table.udfs, stored))
    for column in table.columns[1:]:
        value = stored.get(column.sql)
        if value is not None or column.mask or not column.wire_type:
            parts.append(_field(column, value))
    parts.append("</Entity>")
    return "".join(parts).encode()


def return_info(entity: str, record_id: int) -> bytes:
    """Return the `<EntityReturnInfo>` of a record in a response."""
    blank = entity in _DUPLICATE_MEMBERS
    match, message = ("<MatchInfo />", "<Message />") if blank else ("", "")
    return (
        f"<EntityReturnInfo><EntityId>{record_id}</EntityId>"
        "<DatabaseAction>None</DatabaseAction><DuplicateStatus><Found>false</Found>"
        f"{match}<Ignored>false</Ignored></DuplicateStatus>{message}</EntityReturnInfo>"
    ).encode()


@rule(
    "Values",
    "xsi:type by field, decimals with four places, order of the description",
    source="captured",
)
def _field(column: Column, stored: Stored | None) -> str:
    if not column.wire_type:
        # The schema types the field itself and requires it (NotificationHistory).
        return f"<{column.name}>{column.kind.write(stored or 0)}</{column.name}>"
    if column.mask is not None:
        return f'<{column.name} xsi:type="xsd:string">{column.mask}</{column.name}>'
    if stored is None or column.secret:
        return ""
    text = column.kind.write(stored)
    declared = values.wire_type(column.kind, column.wire_type, stored)
    if not text:
        return f'<{column.name} xsi:type="xsd:{declared}" />'
    return f'<{column.name} xsi:type="xsd:{declared}">{escape(text)}</{column.name}>'


@rule(
    "Values", "No user-defined fields in a record when none has a value", source="help"
)
def _udfs(columns: Sequence[Column], stored: Mapping[str, Stored | None]) -> str:
    """Return all UDFs when one has a value, none otherwise. Source: SOAP help, UDFs."""
    texts = {
        column.name: _udf_text(column, stored.get(column.sql)) for column in columns
    }
    if not any(texts.values()):
        return "<UserDefinedFields />"
    members = (
        f"<UserDefinedField><Name>{escape(name)}</Name>"
        f"{f'<Value>{escape(text)}</Value>' if text else ''}</UserDefinedField>"
        for name, text in texts.items()
    )
    return f"<UserDefinedFields>{''.join(members)}</UserDefinedFields>"


def _udf_text(column: Column, stored: Stored | None) -> str:
    if column.mask is not None:
        return column.mask
    return "" if stored is None else column.kind.write(stored)
