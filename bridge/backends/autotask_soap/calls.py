"""An operation called by name, its answer as JSON: for callers' own definitions."""

from __future__ import annotations

from lxml import etree

from bridge.backends.autotask_soap.answers import members
from bridge.catalog.model import JSON

_DONE = "1"


def refusals(result: etree._Element) -> list[str]:
    """Return the vendor's messages where a result says that it refused."""
    if members(result).get("ReturnCode", _DONE) == _DONE:
        return []
    return [
        found.text.strip()
        for found in result.iter("{*}Message")
        if found.text and found.text.strip()
    ]


def as_json(operation: str, result: etree._Element) -> dict[str, JSON]:
    """Return a result below the names that the vendor's reply has for it."""
    return {f"{operation}Response": {etree.QName(result).localname: _json(result)}}


def _json(element: etree._Element) -> JSON:
    children = list(element.iterchildren(etree.Element))
    if not children:
        return element.text or ""
    members_: dict[str, JSON] = {}
    for child in children:
        name, value = etree.QName(child).localname, _json(child)
        before = members_.get(name)
        if name not in members_:
            members_[name] = value
        elif isinstance(before, list):
            before.append(value)
        else:
            members_[name] = [before, value]
    return members_
