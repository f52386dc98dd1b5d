"""The catalogue of elements and hubs, which anybody may read, and the descriptions."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.services.openapi.model import Access, Operation, of_room
from bridge.services.openapi.parameters import (
    DOCUMENT,
    DOCUMENT_WHERE,
    EXPAND,
    WHOLE,
    query,
)
from bridge.services.openapi.schema import (
    Schema,
    anything,
    array,
    either,
    flag,
    obj,
    ref,
    text,
    whole,
)

_ELEMENT: dict[str, Schema] = {
    "id": whole(),
    "name": text(),
    "hookName": text(),
    "key": text(),
    "description": text(),
    "image": text(),
    "active": flag(),
    "deleted": flag(),
    "typeOauth": flag(),
    "trialAccount": flag(),
    "configDescription": text(),
    "signupURL": text(),
    "defaultTransformations": array(anything()),
    "objectMetadata": array(anything()),
    "transformationsEnabled": flag(),
    "bulkDownloadEnabled": flag(),
    "bulkUploadEnabled": flag(),
    "cloneable": flag(),
    "extendable": flag(),
    "beta": flag(),
    "authentication": obj({"type": text()}),
    "extended": flag(),
    "hub": text(),
    "protocolType": text(),
    "parameters": array(anything()),
    "private": flag(),
}
SCHEMAS: dict[str, Schema] = {
    "Element": obj(_ELEMENT),
    "ElementWithResources": obj(
        {
            **_ELEMENT,
            "resources": array(ref("ElementResource")),
            "configuration": array(ref("ConfigurationKey")),
        }
    ),
    "ElementResource": obj(
        {"id": whole(), "path": text(), "method": text()},
        description="One the account added has the members that it was added with",
    ),
    "ConfigurationKey": obj(
        {
            "id": whole(),
            "name": text(),
            "key": text(),
            "description": text(),
            "resellerConfig": flag(),
            "companyConfig": flag(),
            "active": flag(),
            "internal": flag(),
            "groupControl": flag(),
            "displayOrder": whole(),
            "type": text(),
            "hideFromConsole": flag(),
            "required": flag(),
        },
        {"defaultValue": text()},
    ),
    "ElementMetadata": obj(
        {
            "id": whole(),
            "name": text(),
            "key": text(),
            "description": text(),
            "active": flag(),
            "hub": text(),
            "events": obj(
                {
                    "supported": flag(),
                    "methods": array(text()),
                    "polling": anything(),
                }
            ),
        },
        {"resources": array(anything("With `expand=true`"))},
    ),
    "Hub": obj(
        {"id": whole(), "key": text(), "name": text(), "description": text()},
        {
            "resources": array(text("With `hydrate=true`")),
            "active": flag(),
            "videoLink": either(text()),
        },
    ),
    "SwaggerDocument": obj(
        {
            "swagger": text(enum=["2.0"]),
            "basePath": text(),
            "host": text(),
            "info": anything(),
            "paths": anything(),
            "definitions": anything(),
            "tags": array(anything()),
        },
        {"schemes": array(text())},
        description="A Swagger 2.0 document",
    ),
    "SwaggerDefinitions": anything("Schemas of Swagger 2.0 by name"),
    "OpenApiDocument": obj(
        {"openapi": text(), "info": anything(), "paths": anything()},
        description="An OpenAPI 3.1 document",
    ),
}
_ONE = "/elements/{keyOrId}"
_PARTS = {
    "objects": array(text()),
    "hooks": array(anything()),
    "parameters": array(anything()),
    "models": array(anything()),
    "versions": array(obj({"version": text(), "active": flag()})),
    "authentication-types": array(text()),
}
_PROVIDER = query(
    "provider",
    text(enum=["aws"]),
    "A gateway in front, at `baseUrl`: its key becomes a parameter of every call",
)
_SELECTED = (DOCUMENT_WHERE, *WHOLE)
_OWN_ONLY = query(
    "extendedOnly", flag(default=False), "Leaves the account's own resources only"
)
_OPERATION = query("operationId", text(), "Leaves one operation only")


def operations() -> list[Operation]:
    """Return the operations of these rooms."""
    described = Operation(
        "GET",
        "/openapi.json",
        "getOpenapiJson",
        "Describe the whole API, as OpenAPI 3.1",
        ref("OpenApiDocument"),
        description="With User and Element, the tenant's own fields are described.",
    )
    hub_docs = Operation(
        "GET",
        "/docs/{hub}",
        "getDocsByHub",
        "Describe a hub, as Swagger 2.0",
        ref("SwaggerDocument"),
        None,
        (_PROVIDER, *DOCUMENT),
    )
    return [
        *of_room("Elements", Access.OPEN, _elements()),
        *of_room("Elements", Access.USER, _refused()),
        *of_room("Hubs", Access.OPEN, _hubs()),
        *of_room("Hubs", Access.USER, [hub_docs]),
        *of_room("Elements", Access.ANYBODY, [described]),
    ]


def _elements() -> Iterator[Operation]:
    yield Operation(
        "GET",
        "/elements",
        "getElements",
        "List elements",
        array(ref("Element")),
        None,
        _SELECTED,
    )
    yield Operation(
        "GET",
        "/elements/keys",
        "getElementsKeys",
        "List keys",
        array(text()),
        None,
        _SELECTED,
    )
    yield Operation(
        "GET",
        "/elements/metadata",
        "getElementsMetadata",
        "Read the metadata of all elements",
        array(ref("ElementMetadata")),
        None,
        (EXPAND, *_SELECTED),
    )
    yield from _one_element()
    yield from _element_documents()


def _one_element() -> Iterator[Operation]:
    whole_element = ref("ElementWithResources")
    yield Operation(
        "GET", _ONE, "getElementByKeyOrId", "Read an element", whole_element
    )
    yield Operation(
        "GET",
        f"{_ONE}/export",
        "getElementExport",
        "Export an element",
        whole_element,
        None,
        (_OWN_ONLY,),
    )
    yield Operation(
        "GET",
        f"{_ONE}/metadata",
        "getElementMetadata",
        "Read the metadata of an element",
        ref("ElementMetadata"),
        None,
        (EXPAND,),
    )
    yield Operation(
        "GET",
        f"{_ONE}/configuration",
        "getElementConfiguration",
        "List configuration keys",
        array(ref("ConfigurationKey")),
        None,
        WHOLE,
    )
    yield Operation(
        "GET",
        f"{_ONE}/transformations",
        "getElementTransformations",
        "Read default transformations",
        anything(),
    )
    for part, schema in _PARTS.items():
        name = "".join(word.capitalize() for word in part.split("-"))
        yield Operation(
            "GET",
            f"{_ONE}/{part}",
            f"getElement{name}",
            f"List {part}",
            schema,
            None,
            WHOLE,
        )


def _element_documents() -> Iterator[Operation]:
    for part in ("docs", "lbdocs"):
        yield Operation(
            "GET",
            f"{_ONE}/{part}",
            f"getElement{part.capitalize()}",
            "Describe an element, as Swagger 2.0",
            ref("SwaggerDocument"),
            None,
            (_OPERATION, *DOCUMENT),
        )
    for part in ("url", "token"):
        yield Operation(
            "GET",
            f"{_ONE}/oauth/{part}",
            f"getElementOauth{part.capitalize()}",
            "Always 400: the element has no OAuth",
            None,
            refused=True,
        )


def _refused() -> Iterator[Operation]:
    """Yield what builds elements: it exists, and the built-in element refuses it."""
    for method, path, name in (
        ("POST", "/elements", "createElement"),
        ("POST", "/elements/validate", "createElementsValidate"),
        ("PUT", _ONE, "replaceElementByKeyOrId"),
        ("PATCH", _ONE, "updateElementByKeyOrId"),
        ("DELETE", _ONE, "deleteElementByKeyOrId"),
        ("POST", f"{_ONE}/clone", "createElementClone"),
        ("PUT", f"{_ONE}/active", "replaceElementActive"),
        ("DELETE", f"{_ONE}/active", "deleteElementActive"),
        ("POST", f"{_ONE}/configuration", "createElementConfiguration"),
        ("PUT", f"{_ONE}/configuration/{{configKey}}", "replaceElementConfiguration"),
        ("DELETE", f"{_ONE}/configuration/{{configKey}}", "deleteElementConfiguration"),
    ):
        summary = "Always 403: the element is built in"
        yield Operation(method, path, name, summary, None, refused=True)
    yield Operation(
        "POST",
        f"{_ONE}/oauth/url",
        "createElementOauthUrl",
        "Always 400: the element has no OAuth",
        None,
        refused=True,
    )


def _hubs() -> Iterator[Operation]:
    hydrate = query("hydrate", flag(default=False), "Adds the names of resources")
    yield Operation(
        "GET",
        "/hubs",
        "getHubs",
        "List hubs",
        array(ref("Hub")),
        None,
        (hydrate, *_SELECTED),
    )
    yield Operation(
        "GET", "/hubs/keys", "getHubsKeys", "List keys", array(text()), None, _SELECTED
    )
    yield Operation("GET", "/hubs/{hub}", "getHubByHub", "Read a hub", ref("Hub"))
    yield Operation(
        "GET",
        "/hubs/{hub}/elements",
        "getHubElements",
        "List a hub's elements",
        array(ref("Element")),
        None,
        _SELECTED,
    )
