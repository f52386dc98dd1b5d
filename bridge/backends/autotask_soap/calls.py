"""Call an operation by name, its result as JSON: for callers' own definitions."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lxml import etree

from bridge.backends.autotask_soap.decode.answers import members
from bridge.backends.autotask_soap.decode.entity import local_name
from bridge.backends.autotask_soap.encode.envelopes import Argument, Node
from bridge.backends.autotask_soap.encode.requests import NAMESPACE
from bridge.backends.autotask_soap.encode.xmltext import escape, is_name
from bridge.errors import InvalidRequestError
from bridge.types import JSON

_DONE = "1"
_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_INTEGER_TYPES = frozenset({"byte", "short", "int", "long", "integer"})
_INTEGER_MEMBERS = frozenset(
    {
        ("CreateAttachmentResponse", "CreateAttachmentResult"),
        ("Entity", "id"),
        ("EntityReturnInfo", "EntityId"),
        ("Field", "Length"),
        ("Info", "id"),
        ("PickListValue", "SortOrder"),
    }
)
"""Parent and name of the elements that are declared integers. Source: WSDL 1.6."""

_INTEGER_RESULTS = frozenset({"CI", "ErrorCode", "ReturnCode"})
_DIGITS = re.compile(r"\s*[+-]?[0-9]{1,20}\s*")


def write_body(operation: str, arguments: Mapping[str, Argument]) -> str:
    """Return the element of a call, which holds no secret.

    Raises:
        InvalidRequestError: a name that cannot be an element's or a type's.
    """
    inner = "".join(_write(Node(name, "", item)) for name, item in arguments.items())
    return f'<{operation} xmlns="{NAMESPACE}">{inner}</{operation}>'


def _write(node: Node) -> str:
    for name in (node.name, node.kind.removeprefix("xsd:") or node.name):
        if not is_name(name):
            raise InvalidRequestError(f"{name[:60]!r} is not the name of a member.")
    kind = f' xsi:type="{node.kind}"' if node.kind else ""
    if isinstance(node.content, str):
        content = escape(node.content)
    else:
        content = "".join(map(_write, node.content))
    return f"<{node.name}{kind}>{content}</{node.name}>"


def refusals(result: etree._Element | None) -> list[str]:
    """Return the vendor's messages where a result says that it refused."""
    if result is None or members(result).get("ReturnCode", _DONE) == _DONE:
        return []
    return [
        found.text.strip()
        for found in result.iter("{*}Message")
        if found.text and found.text.strip()
    ]


def as_json(operation: str, result: etree._Element | None) -> dict[str, JSON]:
    """Return a result below the names that the vendor's reply has for it.

    A result that the vendor left out is an empty object.
    """
    if result is None:
        return {f"{operation}Response": {}}
    response = result.getparent()
    name = f"{operation}Response" if response is None else local_name(response)
    return {name: {local_name(result): _json(result)}}


def _json(element: etree._Element) -> JSON:
    children = list(element.iterchildren(etree.Element))
    if not children:
        text = element.text or ""
        # An identifier of digits in a text field must stay a text.
        is_integer = _DIGITS.fullmatch(text) and _is_integer(element)
        return int(text) if is_integer else text
    values: dict[str, JSON] = {}
    for child in children:
        name, value = local_name(child), _json(child)
        before = values.get(name)
        if name not in values:
            values[name] = value
        elif isinstance(before, list):
            before.append(value)
        else:
            values[name] = [before, value]
    return values


def _is_integer(element: etree._Element) -> bool:
    """Whether an element is declared an integer, by itself or in the WSDL."""
    declared = element.get(_TYPE)
    if declared is not None:
        return declared.rpartition(":")[2] in _INTEGER_TYPES
    parent, name = element.getparent(), local_name(element)
    holder = "" if parent is None else local_name(parent)
    if (holder, name) in _INTEGER_MEMBERS:
        return True
    return name in _INTEGER_RESULTS and holder.endswith("Result")
