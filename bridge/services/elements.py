"""Documents of the elements catalogue: elements, hubs, resources, metadata.

All of it is the same for all callers, and needs no vendor call.
Source: elements-api 3.1 to 3.4.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import NoReturn

from bridge.catalog.model import ConfigurationKey, Element, Resource, Verb
from bridge.errors import ForbiddenError, InvalidRequestError, NotFoundError
from bridge.services.context import Context
from bridge.types import JSON

POLLER_CONFIGURATION = "event.poller.configuration"
_EVENT_TYPES: list[JSON] = ["CREATED", "UPDATED"]
_OPERATIONS = {
    Verb.CREATE: "CREATE",
    Verb.GET: "RETRIEVE",
    Verb.UPDATE: "UPDATE",
    Verb.LIST: "SEARCH",
    Verb.DELETE: "DELETE",
}

_ID = ("id", "path", "string", True, "Id of the record")
_BODY = ("body", "body", "object", True, "The record")
_LIST = (
    ("where", "query", "string", False, "CEQL filter"),
    ("fields", "query", "string", False, "Members to answer, separated by commas"),
    ("page", "query", "integer", False, "Page, counted from 1"),
    ("pageSize", "query", "integer", False, "Records in a page, 200 unless given"),
    ("nextPage", "query", "string", False, "Token of the page before"),
)
_ROUTES = (
    (Verb.LIST, "GET", "", "Search for {name}", _LIST),
    (Verb.CREATE, "POST", "", "Create a record of {name}", (_BODY,)),
    (Verb.GET, "GET", "/{id}", "Read one record of {name}", (_ID,)),
    (Verb.UPDATE, "PATCH", "/{id}", "Change a record of {name}", (_ID, _BODY)),
    (Verb.UPDATE, "PUT", "/{id}", "Change a record of {name}", (_ID, _BODY)),
    (Verb.DELETE, "DELETE", "/{id}", "Delete a record of {name}", (_ID,)),
)
_OBJECT = ("objectName", "path", "string", True, "Name of an object")
_FIXED_ROUTES = (
    (88001, "/ping", "Check the connection to Autotask", ()),
    (88002, "/objects", "List the names of all objects", ()),
    (88003, "/objects/{objectName}/metadata", "List an object's fields", (_OBJECT,)),
)


def list_elements(ctx: Context, hub: str | None = None) -> list[dict[str, JSON]]:
    """Return all elements, or those of a hub, as embedded in an instance.

    Raises:
        NotFoundError: the hub does not exist.
    """
    if hub is not None:
        find_hub(ctx, hub)
    return [
        dict(element.document)
        for element in ctx.elements.values()
        if hub is None or element.hub["key"] == hub
    ]


def element_document(
    element: Element, own: Sequence[JSON] = (), *, own_only: bool = False
) -> dict[str, JSON]:
    """Return one element with its resources and configuration keys.

    `own` are the resources that the caller's account added; with `own_only` the
    built-in ones are left out.
    """
    builtin = [] if own_only else builtin_resources(element)
    return {
        **element.document,
        "resources": [*builtin, *own],
        "configuration": [*configuration(element)],
    }


def configuration(element: Element) -> list[dict[str, JSON]]:
    """Return the configuration keys, in display order."""
    return [
        _configuration_key(key, place)
        for place, key in enumerate(element.configuration, 1)
    ]


def builtin_resources(element: Element) -> list[dict[str, JSON]]:
    """Return one entry for each route that every instance of the element has."""
    prefix = f"/hubs/{element.hub['key']}"
    fixed = [
        _resource(number, f"{prefix}{path}", "GET", description, parameters)
        for number, path, description, parameters in _FIXED_ROUTES
    ]
    return fixed + [
        _resource(
            # Each resource has ten ids, which stay the same when verbs are added.
            resource.id + number,
            f"{prefix}/{resource.name}{tail}",
            method,
            phrase.format(name=resource.name),
            parameters,
            entity=resource.entity,
        )
        for resource in element.resources.values()
        for number, (verb, method, tail, phrase, parameters) in enumerate(_ROUTES, 1)
        if verb in resource.verbs
    ]


def metadata(element: Element, *, expand: bool = False) -> dict[str, JSON]:
    """Return an element's metadata; `expand` adds its resources and operations."""
    document = {
        name: element.document[name]
        for name in ("id", "name", "key", "description", "active", "beta", "extended")
    }
    document |= {"hub": element.hub["key"], **element.metadata}
    document["events"] = {
        "supported": True,
        "methods": ["polling"],
        "polling": {
            name: {"eventTypes": _EVENT_TYPES, "pollUrl": url}
            for name, url in _polled(element)
        },
    }
    if expand:
        polled = dict(_polled(element))
        document["image"] = element.document["image"]
        document["cloneable"] = element.document["cloneable"]
        document |= element.expanded
        document["resources"] = [
            _abilities(resource, polled=resource.name in polled)
            for resource in element.resources.values()
        ]
    return document


def list_element_part(element: Element, name: str) -> list[JSON]:
    """Return one of the lists below an element; most are always empty.

    Raises:
        NotFoundError: the list does not exist.
    """
    parts: dict[str, list[JSON]] = {
        "objects": [*element.resources],
        "hooks": [],
        "models": [],
        "parameters": [],
        "versions": [{"version": "api-v2", "active": True}],
        "authentication-types": [element.expanded["authenticationType"]],
    }
    if name not in parts:
        raise NotFoundError("No such path.")
    return parts[name]


def list_hubs(ctx: Context, *, hydrate: bool = False) -> list[dict[str, JSON]]:
    """Return all hubs; `hydrate` adds the names of the resources each has."""
    return [_hub(element, hydrate=hydrate) for element in _one_of_each_hub(ctx)]


def find_hub(ctx: Context, key: str) -> dict[str, JSON]:
    """Return one hub.

    Raises:
        NotFoundError: no hub has this key.
    """
    for element in _one_of_each_hub(ctx):
        if element.hub["key"] == key:
            return {**_hub(element), "active": True, "videoLink": None}
    raise NotFoundError(f"No hub {key[:100]}.")


def refuse_change(element: Element) -> NoReturn:
    """Refuse to change an element, as all of them are built in.

    Raises:
        ForbiddenError: always.
    """
    raise ForbiddenError(
        f"The element {element.key} is built in and cannot be changed; add a resource "
        f"of your own with POST /elements/{element.key}/resources."
    )


def refuse_oauth(element: Element) -> NoReturn:
    """Refuse a request that only elements with OAuth support.

    Raises:
        InvalidRequestError: always.
    """
    raise InvalidRequestError(
        f"The element {element.key} has no OAuth: create an instance with user name, "
        "password and server URL."
    )


def _configuration_key(key: ConfigurationKey, place: int) -> dict[str, JSON]:
    entry: dict[str, JSON] = {
        "id": key.id,
        "name": key.name,
        "key": key.key,
        "description": key.description,
    }
    if key.default is not None:
        entry["defaultValue"] = key.default
    return entry | {
        "resellerConfig": False,
        "companyConfig": False,
        "active": True,
        "internal": False,
        "groupControl": False,
        "displayOrder": place,
        "type": key.type,
        "hideFromConsole": key.hidden,
        "required": key.required,
    }


def _resource(
    number: int,
    path: str,
    method: str,
    description: str,
    parameters: tuple[tuple[str, str, str, bool, str], ...],
    *,
    entity: str = "",
) -> dict[str, JSON]:
    return {
        "id": number,
        "description": description,
        "path": path,
        "vendorPath": f"/{entity}",
        "method": method,
        "vendorMethod": "POST",
        "type": "api",
        "parameters": [
            {
                "name": name,
                "vendorName": name,
                "type": kind,
                "vendorType": "body",
                "dataType": data_type,
                "vendorDataType": data_type,
                "source": "request",
                "required": required,
                "description": text,
            }
            for name, kind, data_type, required, text in parameters
        ],
        "hooks": [],
    }


def _abilities(resource: Resource, *, polled: bool) -> dict[str, JSON]:
    creates = Verb.CREATE in resource.verbs
    return {
        "canonicalName": resource.name,
        "operations": [
            word for verb, word in _OPERATIONS.items() if verb in resource.verbs
        ],
        "events": {
            "supported": polled,
            "methods": ["polling"] if polled else [],
            "eventTypes": _EVENT_TYPES if polled else [],
        },
        "bulk": {
            "upload": {"supported": creates, "native": False},
            "download": {"supported": True, "native": False},
        },
        "customField": {
            "get": True,
            "create": False,
            "update": False,
            "delete": False,
        },
    }


def _polled(element: Element) -> Iterator[tuple[str, str]]:
    """Yield the resources that are polled by default, each with its poll URL."""
    for key in element.configuration:
        if key.key == POLLER_CONFIGURATION and key.default:
            for name, settings in json.loads(key.default).items():
                yield name, settings["url"]


def _one_of_each_hub(ctx: Context) -> list[Element]:
    # Several elements may share a hub.
    return list({e.hub["key"]: e for e in ctx.elements.values()}.values())


def _hub(element: Element, *, hydrate: bool = False) -> dict[str, JSON]:
    resources: dict[str, JSON] = {"resources": [*element.resources]} if hydrate else {}
    return {**element.hub, **resources}
