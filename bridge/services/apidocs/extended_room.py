"""Resources that accounts add to the element: keeping them, and calling them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from bridge.services.apidocs.examples import HOOK, MODEL, PARAMETER
from bridge.services.apidocs.model import (
    JSON_MEDIA,
    Access,
    Operation,
    Parameter,
    of_room,
    shape,
)
from bridge.services.apidocs.parameters import DOCUMENT_WHERE, WHOLE, query
from bridge.services.apidocs.schema import (
    Schema,
    anything,
    array,
    flag,
    obj,
    ref,
    text,
    whole,
)
from bridge.services.extended_resources.components import COMPONENT_KINDS
from bridge.services.extended_resources.definitions import (
    ParameterSpec,
    declarations,
    path_segments,
    placeholder,
)
from bridge.services.extended_resources.model_schemas import model_schema
from bridge.types import JSON

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
    "ElementResourceModel": obj(
        optional={"id": whole(), "name": text(), "swagger": anything()},
        description="Empty where the resource has no model",
    ),
    "ElementResourcePart": obj(
        {"id": whole()},
        description="With the members that it was added with",
    ),
}
_ALL = "/elements/{keyOrId}/resources"
_ONE = f"{_ALL}/{{resourceId}}"
_FORM = "multipart/form-data"
_OWN_HEADERS = frozenset(
    {"authorization", "accept", "content-type", "cookie", "x-api-key"}
)
"""Headers that descriptions speak of, if at all, by themselves."""

_NO_WORD = re.compile(r"[^A-Za-z0-9]+")
_OWN_ONLY = query("accountOnly", flag(default=False), "Leaves the account's own only")


def operations() -> list[Operation]:
    """Return the operations that keep resources."""
    return [
        *of_room("Elements", Access.OPEN, _reading()),
        *of_room("Elements", Access.USER, _writing()),
    ]


def with_own(
    served: Sequence[Operation], documents: Sequence[Mapping[str, JSON]]
) -> list[Operation]:
    """Return operations with those on the resources that an account added.

    They take the place of built-in and of older ones with the same method and path, as
    they do when they are called. Whatever was stored, ids and parameters stay unique.
    """
    paths = {shape(each.path): each.path for each in served if each.hub}
    own: dict[tuple[str, str], Operation] = {}
    for document in documents:
        if (operation := _own(document, paths)) is not None:
            paths.setdefault(shape(operation.path), operation.path)
            own[operation.method, operation.path] = operation
    kept = [each for each in served if not (each.hub and _key(each) in own)]
    used = {each.id for each in kept}
    added = []
    for operation in own.values():
        name, number = operation.id, 1
        while name in used:
            number += 1
            name = f"{operation.id}{number}"
        used.add(name)
        added.append(replace(operation, id=name))
    room = of_room("Resources of the account", Access.TOKEN, added, hub=True)
    return [*kept, *room]


def _key(operation: Operation) -> tuple[str, str]:
    return operation.method, operation.path


def _own(document: Mapping[str, JSON], paths: Mapping[str, str]) -> Operation | None:
    """Describe one added resource, None where its path cannot be written.

    `paths` are those in use by their shape: the names in braces are taken from there.
    """
    segments = path_segments(document)
    loose = [each for each in segments if re.search("[{}<>]", each)]
    if not segments or not all(map(placeholder, loose)):
        return None
    path = "/" + "/".join(segments)
    path = paths.get(shape(path), path)
    method = str(document["method"]).upper()
    declared = list(declarations(document))
    form = _body(declared, "form")
    body = form or _body(declared, "body")
    return Operation(
        method,
        path,
        _id(document, method, path),
        str(document.get("description") or "Call Autotask"),
        _answer(document),
        body,
        tuple(_parameters(declared)),
        consumes=(_FORM,) if form else (JSON_MEDIA,),
        body_required=body is not None and "required" in body,
    )


def _id(document: Mapping[str, JSON], method: str, path: str) -> str:
    given = document.get("operationId")
    words = _NO_WORD.split(str(given or f"{method} {path}").strip())
    name = words[0] if given else words[0].lower()
    name += "".join(word[:1].upper() + word[1:] for word in words[1:])
    return name or f"callResource{document['id']}"


def _answer(document: Mapping[str, JSON]) -> Schema:
    """Return the schema of a success: the model, none of whose members is certain."""
    schema = model_schema(document.get("model"))
    return {k: v for k, v in schema.items() if k != "required"} or anything()


def _parameters(declared: Sequence[ParameterSpec]) -> Iterator[Parameter]:
    """Yield the parameters that a caller sends; constants are no affair of his."""
    seen: set[tuple[str, str]] = set()
    for each in declared:
        name = each.name.lower() if each.kind == "header" else each.name
        fit = each.kind in {"query", "header"} and name not in _OWN_HEADERS
        if fit and (each.kind, name) not in seen:
            seen.add((each.kind, name))
            told = each.description or each.name
            yield Parameter(each.name, each.kind, text(), told, each.required)


def _body(declared: Sequence[ParameterSpec], kind: str) -> Schema | None:
    """Return what stands in the body for the parameters of a kind."""
    members = {
        each.name: text(each.description) for each in declared if each.kind == kind
    }
    if not members:
        return None
    needed = {each.name for each in declared if each.kind == kind and each.required}
    return obj(
        {name: schema for name, schema in members.items() if name in needed},
        {name: schema for name, schema in members.items() if name not in needed},
    )


def _reading() -> Iterator[Operation]:
    yield Operation(
        "GET",
        _ALL,
        "getElementResources",
        "List resources, the element's and the account's own",
        array(ref("ElementResource")),
        None,
        (DOCUMENT_WHERE, _OWN_ONLY, *WHOLE),
    )
    yield Operation(
        "GET",
        _ONE,
        "getElementResourceById",
        "Read a resource",
        ref("ElementResource"),
    )
    one = ref("ElementResourcePart")
    for part in COMPONENT_KINDS:
        path, name = f"{_ONE}/{part}", part.capitalize()
        model = part == "models"
        yield Operation(
            "GET",
            path,
            f"getElementResource{name}",
            "Read a resource's model" if model else f"List a resource's {part}",
            ref("ElementResourceModel") if model else array(one),
            None,
            () if model else WHOLE,
        )
        yield Operation(
            "GET",
            f"{path}/{{partId}}",
            f"getElementResource{name[:-1]}ById",
            f"Read one of a resource's {part}",
            one,
        )


def _writing() -> Iterator[Operation]:
    one, given = ref("ElementResource"), ref("ElementResourceInput")
    for method, path, name, summary in (
        ("POST", _ALL, "createElementResource", "Add a resource"),
        ("PUT", _ONE, "replaceElementResourceById", "Replace a resource"),
    ):
        yield Operation(
            method, path, name, summary, one, given, headers=("Elements-Error",)
        )
    yield Operation(
        "DELETE", _ONE, "deleteElementResourceById", "Remove a resource", None
    )
    for part, example in zip(COMPONENT_KINDS, (HOOK, PARAMETER, MODEL), strict=True):
        for operation in _writing_parts(part):
            yield replace(operation, example=example)


def _writing_parts(part: str) -> Iterator[Operation]:
    path, name, one = f"{_ONE}/{part}", part.capitalize(), ref("ElementResourcePart")
    item, single = f"{path}/{{partId}}", f"ElementResource{name[:-1]}"
    yield Operation(
        "POST",
        path,
        f"create{single}",
        f"Add to the {part} of a resource of the account's own",
        one,
        anything(),
    )
    yield Operation(
        "PUT",
        path,
        f"replaceElementResource{name}",
        f"Replace one of a resource's {part}, named by `id` in the body",
        one,
        anything(),
    )
    yield Operation(
        "PUT",
        item,
        f"replace{single}ById",
        f"Replace one of a resource's {part}",
        one,
        anything(),
    )
    yield Operation(
        "DELETE",
        path,
        f"deleteElementResource{name}",
        f"Remove all {part} of a resource",
        None,
    )
    yield Operation(
        "DELETE",
        item,
        f"delete{single}ById",
        f"Remove one of a resource's {part}",
        None,
    )
