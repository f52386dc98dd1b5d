"""Records of an instance: by resource, by any object's name, and as children."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bridge.catalog.model import Resource, Verb
from bridge.services.apidocs.examples import (
    CONTACT,
    CONTACT_CHANGE,
    CONTACT_OF_ACCOUNT,
)
from bridge.services.apidocs.model import Access, Operation, of_room
from bridge.services.apidocs.parameters import (
    CUSTOM,
    DOCUMENT,
    DRY_RUN,
    FIELDS,
    IDEMPOTENCY_KEY,
    LABELS,
    ORDER,
    PAGING,
    TOTAL,
    VERSION,
    WHERE,
    WHOLE,
)
from bridge.services.apidocs.schema import (
    Schema,
    anything,
    array,
    flag,
    moment,
    obj,
    ref,
    text,
)
from bridge.types import JSON

RECORD = "Record"
"""The schema of any object's records, where no tenant says what they look like."""

SCHEMAS: dict[str, Schema] = {
    "Ping": obj({"dateTime": moment(), "endpoint": text(), "valid": flag()}),
    "ObjectInfo": obj(
        {
            "name": text(),
            "vendorName": text(),
            "type": text(enum=["vendor", "ceCanonical", "vdr"]),
        }
    ),
    "ObjectMetadata": obj({"fields": array(ref("FieldMetadata"))}),
    "FieldMetadata": obj(
        {
            "type": text(),
            "path": text(),
            "vendorPath": text(),
            "vendorNativeType": text(),
            "vendorRequired": flag(),
            "vendorReadOnly": flag(),
            "custom": flag(),
        },
        {
            "displayName": text(),
            "picklistValues": array(anything()),
            "reference": text(),
            "mask": text(),
        },
    ),
    RECORD: anything("A record by member names; a create needs no `id`"),
}
OBJECTS: Schema = {
    "type": "array",
    "items": {"anyOf": [text(), ref("ObjectInfo")]},
    "description": "Names, or objects with `Elements-Version: Helium`",
}
_CREATED = ("Elements-Error", "Idempotency-Replayed")
_CHANGED = ("Elements-Error",)
_LISTED = (WHERE, *PAGING, FIELDS, ORDER, TOTAL, LABELS)
_OBJECT, _CHILD = "/{objectName}", "/{childObjectName}"
_SEPARATOR = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Shapes:
    """What the records of one object look like: answered, created and changed."""

    answer: Schema
    create: Schema
    update: Schema


@dataclass(frozen=True, slots=True)
class Collection:
    """A path with records below it, and how its operations are called.

    `item` is the placeholder of a record's id; `route` the path that serves `path`;
    `listed`, `created` and `found` follow the verb in operation ids. The examples are
    request bodies; None where only the tenant's fields tell.
    """

    path: str
    item: str
    route: str
    route_item: str
    listed: str
    created: str
    found: str
    noun: str
    create_example: Mapping[str, JSON] | None = None
    update_example: Mapping[str, JSON] | None = None


ANY = Shapes(ref(RECORD), ref(RECORD), ref(RECORD))
_EVERY_VERB = frozenset(Verb)
_OBJECTS = Collection(
    _OBJECT,
    "objectId",
    _OBJECT,
    "objectId",
    "ByObjectName",
    "ByObjectName",
    "ObjectNameByObjectId",
    "records of any object",
    CONTACT,
    CONTACT_CHANGE,
)
_CHILDREN = Collection(
    f"{_OBJECT}/{{objectId}}{_CHILD}",
    "childObjectId",
    f"{_OBJECT}/{{objectId}}{_CHILD}",
    "childObjectId",
    "ObjectNameByChildObjectName",
    "ObjectNameByChildObjectName",
    "ObjectNameByChildObjectId",
    "children of a record",
    CONTACT_OF_ACCOUNT,
    CONTACT_CHANGE,
)


def fixed_operations() -> list[Operation]:
    """Return what exists once for an instance: its liveness and its objects."""
    return of_room("Objects", Access.TOKEN, _fixed(), hub=True)


def object_operations() -> list[Operation]:
    """Return the operations on objects by any name, and on their children."""
    return [
        *_records("Any object", _OBJECTS, _EVERY_VERB, ANY),
        *_records("Children", _CHILDREN, _EVERY_VERB, ANY),
    ]


def resource_operations(resource: Resource, shapes: Shapes = ANY) -> list[Operation]:
    """Return the operations on one resource, or on one entity by its own name."""
    singular = type_name(resource)
    collection = Collection(
        f"/{resource.name}",
        "id",
        _OBJECT,
        "objectId",
        _pascal(resource.name),
        singular,
        f"{singular}ById",
        resource.name,
        resource.create_example or None,
        resource.update_example or None,
    )
    return _records(resource.name, collection, resource.verbs, shapes)


def type_name(resource: Resource) -> str:
    """Return what a record of a resource is called among the schemas."""
    return _pascal(resource.singular)


def _pascal(name: str) -> str:
    words = _SEPARATOR.split(name)
    return "".join(word[:1].upper() + word[1:] for word in words)


def _fixed() -> Iterator[Operation]:
    yield Operation(
        "GET", "/ping", "getPing", "Check the connection to Autotask", ref("Ping")
    )
    yield Operation(
        "GET",
        "/objects",
        "getObjects",
        "List the names of all objects",
        OBJECTS,
        None,
        (VERSION, *WHOLE),
    )
    yield Operation(
        "GET",
        "/objects/{objectName}/metadata",
        "getObjectsObjectNameMetadata",
        "List the fields of an object",
        ref("ObjectMetadata"),
        None,
        (CUSTOM, VERSION),
    )
    yield Operation(
        "GET",
        "/objects/{objectName}/docs",
        "getObjectsObjectNameDocs",
        "Describe an object with the tenant's fields, as Swagger 2.0",
        ref("SwaggerDocument"),
        None,
        DOCUMENT,
    )


def _records(
    tag: str, at: Collection, verbs: frozenset[Verb], shapes: Shapes
) -> list[Operation]:
    operations = [
        operation
        for verb, operation in (*_whole(at, shapes), *_single(at, shapes))
        if verb in verbs
    ]
    return of_room(tag, Access.TOKEN, operations, hub=True)


def _whole(at: Collection, shapes: Shapes) -> Iterator[tuple[Verb, Operation]]:
    yield (
        Verb.LIST,
        Operation(
            "GET",
            at.path,
            f"get{at.listed}",
            f"Search for {at.noun}",
            array(shapes.answer),
            None,
            _LISTED,
            route=at.route,
        ),
    )
    yield (
        Verb.CREATE,
        Operation(
            "POST",
            at.path,
            f"create{at.created}",
            f"Create one of {at.noun}",
            shapes.answer,
            shapes.create,
            (DRY_RUN, FIELDS, LABELS, IDEMPOTENCY_KEY),
            _CREATED,
            route=at.route,
            example=at.create_example,
        ),
    )


def _single(at: Collection, shapes: Shapes) -> Iterator[tuple[Verb, Operation]]:
    path, route = f"{at.path}/{{{at.item}}}", f"{at.route}/{{{at.route_item}}}"
    yield (
        Verb.GET,
        Operation(
            "GET",
            path,
            f"get{at.found}",
            f"Read one of {at.noun}",
            shapes.answer,
            None,
            (FIELDS, LABELS),
            route=route,
        ),
    )
    for method, word in (("PATCH", "update"), ("PUT", "replace")):
        yield (
            Verb.UPDATE,
            Operation(
                method,
                path,
                f"{word}{at.found}",
                f"Change one of {at.noun}",
                shapes.answer,
                shapes.update,
                (DRY_RUN, FIELDS, LABELS),
                _CHANGED,
                route=route,
                description="Members that are not sent stay as they are.",
                example=at.update_example,
            ),
        )
    yield (
        Verb.DELETE,
        Operation(
            "DELETE",
            path,
            f"delete{at.found}",
            f"Delete one of {at.noun}",
            None,
            None,
            (DRY_RUN,),
            route=route,
            description="Autotask deletes records of few entities; else 405.",
        ),
    )
