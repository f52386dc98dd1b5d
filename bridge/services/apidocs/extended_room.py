"""Resources that accounts add to the element: keeping them, and calling them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from bridge.catalog.model import JSON
from bridge.services.apidocs.model import Access, Operation, Parameter, of_room
from bridge.services.apidocs.parameters import query
from bridge.services.apidocs.schema import Schema, anything, array, flag, obj, ref, text

SCHEMAS: dict[str, Schema] = {
    "ElementResourceInput": obj(
        {
            "path": text(pattern=r"^/?[^\s?#]{1,500}$"),
            "method": text(enum=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        },
        {
            "description": text(),
            "vendorPath": text(),
            "vendorMethod": text(),
            "type": text(),
            "parameters": array(anything()),
        },
    ),
}
_ALL = "/elements/{keyOrId}/resources"
_ONE = f"{_ALL}/{{resourceId}}"
_HUB = re.compile(r"^/?hubs/[^/]+(?=/.)")
_NO_WORD = re.compile(r"[^A-Za-z0-9]+")
_OWN_ONLY = query("accountOnly", flag(default=False), "Leaves the account's own only")


def operations() -> list[Operation]:
    """Return the operations that keep resources."""
    return [
        *of_room("Elements", Access.OPEN, _reading()),
        *of_room("Elements", Access.USER, _writing()),
    ]


def own_operations(
    documents: Sequence[Mapping[str, JSON]], taken: Sequence[str]
) -> list[Operation]:
    """Return operations on the resources an account added; `taken` are ids in use."""
    used = set(taken)
    found = []
    for document in documents:
        operation = _own(document, used)
        used.add(operation.id)
        found.append(operation)
    return of_room("Resources of the account", Access.TOKEN, found, hub=True)


def _own(document: Mapping[str, JSON], used: set[str]) -> Operation:
    """Describe one added resource; the call of the vendor is read from its path."""
    path = "/" + _HUB.sub("", str(document["path"])).split("?")[0].strip("/")
    given = document.get("operationId")
    words = _NO_WORD.split(str(given or f"{document['method']} {path}").strip())
    name = words[0].lower() if not given else words[0]
    name += "".join(word[:1].upper() + word[1:] for word in words[1:])
    if not name or name in used:
        name = f"{name}{document['id']}"
    return Operation(
        str(document["method"]),
        path,
        name,
        str(document.get("description") or "Call Autotask"),
        anything(),
        None,
        tuple(_parameters(document)),
    )


def _parameters(document: Mapping[str, JSON]) -> Iterator[Parameter]:
    """Yield the parameters that a caller sends; constants are no affair of his."""
    parameters = document.get("parameters")
    for each in parameters if isinstance(parameters, list) else ():
        if not isinstance(each, dict) or each.get("type") != "query":
            continue
        name = each.get("name")
        if isinstance(name, str) and name:
            yield query(name, text(), str(each.get("description") or name))


def _reading() -> Iterator[Operation]:
    yield Operation(
        "GET",
        _ALL,
        "getElementResources",
        "List resources, the element's and the account's own",
        array(ref("ElementResource")),
        None,
        (_OWN_ONLY,),
    )
    yield Operation(
        "GET",
        _ONE,
        "getElementResourceById",
        "Read a resource",
        ref("ElementResource"),
    )
    for part in ("hooks", "parameters", "models"):
        yield Operation(
            "GET",
            f"{_ONE}/{part}",
            f"getElementResource{part.capitalize()}",
            f"List a resource's {part}",
            array(anything()),
        )


def _writing() -> Iterator[Operation]:
    one, given = ref("ElementResource"), ref("ElementResourceInput")
    yield Operation("POST", _ALL, "createElementResource", "Add a resource", one, given)
    yield Operation(
        "PUT", _ONE, "replaceElementResourceById", "Replace a resource", one, given
    )
    yield Operation(
        "DELETE", _ONE, "deleteElementResourceById", "Remove a resource", None
    )
