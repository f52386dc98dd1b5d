"""Parameters that several calls have, and what stands in paths."""

from __future__ import annotations

from bridge.services.openapi.model import Parameter
from bridge.services.openapi.schema import Schema, array, flag, text, whole

_PATHS = {
    "id": "Id",
    "keyOrId": "Key or id of an element",
    "configId": "Id of a configuration entry",
    "configKey": "Key of a configuration entry",
    "hub": "Key of a hub",
    "objectName": "Name of a resource, or of a vendor entity",
    "objectId": "Id of a record",
    "childObjectName": "Name of the resource or entity of the children",
    "childObjectId": "Id of a child",
    "operationId": "Id of an operation, as `getContacts` or `GET-contacts`",
    "role": "Name of a role",
    "requestId": "Value of `Elements-Request-Id` in an answer, or a traffic id",
    "resourceId": "Id of a resource",
    "partId": "Id of a hook, a parameter or a model",
    "attachmentId": "Id of an attachment",
}


def path(name: str) -> Parameter:
    """Return the parameter of a placeholder in a path."""
    schema: Schema = {"type": "string", "minLength": 1}
    return Parameter(name, "path", schema, _PATHS.get(name, name), required=True)


def query(name: str, schema: Schema, description: str) -> Parameter:
    """Return an optional parameter of the query."""
    return Parameter(name, "query", schema, description)


WHERE = query("where", text(), "Filter in CEQL, for example `accountName like 'Har%'`")
DOCUMENT_WHERE = query(
    "where",
    text(),
    "Filter in CEQL, for example `key in ('autotaskcrm')`; conditions on members that "
    "nothing has are left out",
)
_NEXT_PAGE = query(
    "nextPage",
    text(),
    "Value of `Elements-Next-Page-Token` in the answer before; wins over `page`",
)
PAGING = (
    query(
        "pageSize",
        whole(minimum=1, maximum=5000, default=200),
        "Items in a page; more than 5000 are cut to 5000",
    ),
    query("page", whole(minimum=1, default=1), "Number of the page, from 1"),
    _NEXT_PAGE,
)
FIELDS = query("fields", text(), "Members to answer, separated by commas")
LABELS = query(
    "labels",
    flag(default=False),
    "Adds `<member>Label` beside the values of picklists and references",
)
DRY_RUN = query(
    "dryRun",
    flag(default=False),
    "Sends nothing, and answers with the request that Autotask would get: members "
    "`dryRun`, `operation`, `entity`, `request` and `problems`",
)
ORDER = query("orderBy", text(), "Members to sort by, as `city asc, accountName desc`")
TOTAL = query("returnTotalCount", flag(default=False), "Adds `Elements-Total-Count`")
WHOLE = (
    query(
        "pageSize",
        whole(minimum=1, maximum=5000),
        "Items in a page, 200 where only `page` is given; without both it is all",
    ),
    query("page", whole(minimum=1), "Number of the page, from 1"),
    _NEXT_PAGE,
    TOTAL,
)
"""Of lists that are answered whole unless a page is asked for."""
TAGS = query("tags[]", array(text()), "Tags that an instance must carry, all of them")
SEARCH = query("searchText", text(), "Part of the name, or of the element's key")
HYDRATE = query("hydrate", flag(default=True), "`false` leaves out `configuration`")
INSTANCES = (TAGS, SEARCH, *PAGING, HYDRATE)
"""Of lists of instances."""
REAUTHENTICATE = query(
    "reAuthenticate", flag(default=True), "`false` stores credentials unverified"
)
CUSTOM = query(
    "customFieldsOnly", flag(default=False), "Leaves user-defined fields only"
)
EXPAND = query("expand", flag(default=False), "Adds resources and abilities")
IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    "header",
    text(maxLength=255, pattern=r"^[\x20-\x7e]*$"),
    "Makes sending the same create again harmless",
)
VERSION = Parameter(
    "Elements-Version",
    "header",
    text(enum=["Hydrogen", "Helium"]),
    "`Helium` asks for objects instead of names, and for more about fields",
)
API_KEY = Parameter(
    "x-api-key",
    "header",
    text(),
    "Key that the gateway in front asks for; nothing here looks at it",
    required=True,
)
DOCUMENT = (
    query("version", whole(default=-1), "Version of the description; -1 is the latest"),
    query("discovery", flag(default=True), "`false` leaves out user-defined fields"),
    query(
        "basic", flag(default=False), "`true` leaves out the fields, and asks no vendor"
    ),
    query(
        "resolveReferences",
        flag(default=False),
        "`true` writes definitions where they are used",
    ),
    query("baseUrl", text(), "Address to name as host, as `https://gw.example`"),
)
