"""A record that is read and sent back whole stays as it was: nothing lost, no fault."""

import re

import pytest
from lxml import etree

ALL = '<field>id<expression op="GreaterThanorEquals">0</expression></field>'
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
STAMPS = re.compile(
    rb"<(LastActivity(Date|DateTime)?|LastModified(Date|DateTime)|DateStamp|UpdateDateTime"
    rb"|LastTrackedModifi(ed|cation)DateTime|LastActivityResourceID|LastModifiedBy"
    rb"|LastActivityPersonType|UpdateResourceI[dD])[ >].*?</\1>"
)
CRM = ("Account", "Contact", "Opportunity", "Product", "Task", "ClientPortalUser")


@pytest.mark.parametrize("entity", CRM)
def test_an_echoed_record_is_unchanged(fresh, entity):
    records = fresh.query(entity, ALL).find_all("Entity")[:200]
    before = {r: fresh.row(entity, r).content for r in map(record_id, records)}
    inner = b"".join(etree.tostring(record) for record in records).decode()

    reply = fresh.call("update", f"<Entities>{inner}</Entities>")

    assert reply.errors == []
    for number, stored in before.items():
        after = fresh.row(entity, number).content
        assert STAMPS.sub(b"", after) == STAMPS.sub(b"", stored)


def record_id(element):
    return int(element.findtext("{*}id"))
