"""What is called with User and Organization: logging in, instances, call budgets."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.services.openapi.hub_room import OBJECTS
from bridge.services.openapi.model import Access, Operation, of_room
from bridge.services.openapi.parameters import (
    CUSTOM,
    DOCUMENT,
    INSTANCES,
    REAUTHENTICATE,
    VERSION,
    WHOLE,
)
from bridge.services.openapi.schema import (
    Schema,
    anything,
    array,
    either,
    flag,
    moment,
    obj,
    ref,
    text,
    whole,
)

SCHEMAS: dict[str, Schema] = {
    "Login": obj({"username": text(), "password": text(format="password")}),
    "Session": obj(
        {
            "token": text("Bearer token"),
            "id": whole(),
            "username": text(),
            "firstName": text(),
            "lastName": text(),
            "accountId": whole(),
            "accountName": text(),
            "organizationId": whole(),
            "organizationName": text(),
            "organizationAdmin": flag(),
            "accountAdmin": flag(),
            "sysAdmin": flag(),
            "twoFactor": flag(),
            "registeredForTwoFactor": flag(),
            "createdDate": moment(),
            "lastLoginDate": moment(),
            "roles": array(text()),
        }
    ),
    "Secrets": obj({"userSecret": text(), "organizationSecret": text()}),
    "InstanceUser": obj(
        {
            "id": whole(),
            "emailAddress": text(),
            "firstName": text(),
            "lastName": text(),
        }
    ),
    "Configuration": {
        "type": "object",
        "description": "Values by key; secrets are shown as ********",
        "additionalProperties": {"type": "string"},
    },
    "ConfigurationInput": {
        "type": "object",
        "description": "Values by key. An old value shown as ******** stays when sent "
        "back; null means not set",
        "additionalProperties": True,
    },
    "Instance": obj(
        {
            "id": whole(),
            "name": text(),
            "createdDate": moment(),
            "token": text("The Element token"),
            "element": ref("Element"),
            "elementId": whole(),
            "tags": array(text()),
            "provisionInteractions": array(anything()),
            "valid": flag(),
            "disabled": flag(),
            "maxCacheSize": whole(),
            "cacheTimeToLive": whole(),
            "eventsEnabled": flag(),
            "traceLoggingEnabled": flag(),
            "cachingEnabled": flag(),
            "externalAuthentication": text(),
            "user": ref("InstanceUser"),
        },
        {"configuration": ref("Configuration")},
    ),
    "ElementChoice": obj(optional={"key": text(), "id": whole()}),
    "NewInstance": obj(
        {"name": text(maxLength=255), "configuration": ref("ConfigurationInput")},
        {"element": ref("ElementChoice"), "tags": array(text())},
        description="The element is named here or in the path",
    ),
    "InstanceChange": obj(
        optional={
            "name": text(maxLength=255),
            "tags": array(text()),
            "configuration": ref("ConfigurationInput"),
            "element": ref("ElementChoice"),
            "disabled": flag(),
        }
    ),
    "InstanceCount": obj(
        {
            "totalInstances": whole(),
            "elementInstances": array(obj({"elementKey": text(), "count": whole()})),
        }
    ),
    "ConfigurationEntry": obj(
        {
            "id": whole(),
            "key": text(),
            "name": text(),
            "description": text(),
            "propertyValue": text(),
            "type": text(),
            "active": flag(),
            "required": flag(),
            "hideFromConsole": flag(),
        }
    ),
    "ConfigurationValue": obj(
        {"propertyValue": either(text("null sets the key back to its default"))}
    ),
    "TraceDuration": obj(
        optional={
            "duration": {
                "type": "number",
                "exclusiveMinimum": 0,
                "maximum": 1440,
                "default": 60,
                "description": "Minutes",
            }
        }
    ),
    "VendorUsage": obj(
        {
            "database": text("Host and number of the tenant database"),
            "threshold": whole("Calls allowed in an hour"),
            "used": whole("Calls of the last hour, anybody's"),
            "ours": whole(),
            "theirs": either(whole("null when no recent reading tells")),
            "readAt": either(moment()),
            "ageSeconds": either(whole("Age of the reading that tells `theirs`")),
            "assumedUsedUp": flag("Autotask refused a call for quota, not read since"),
            "quotaRefusedAt": either(moment()),
            "refusedUntil": obj(
                {
                    "interactive": either(moment()),
                    "polling": either(moment()),
                    "bulk": either(moment()),
                }
            ),
            "lanes": array(
                obj(
                    {
                        "entity": text(),
                        "lanes": whole(),
                        "inFlight": whole(),
                        "waiting": whole(),
                    }
                )
            ),
            "breaker": obj({"state": text(), "retryAt": either(moment())}),
        }
    ),
}


def operations() -> list[Operation]:
    """Return the operations of these rooms."""
    return [
        *_authentication(),
        *of_room("Instances", Access.USER, _instances()),
        *of_room("Instances", Access.USER, _instances_alone()),
        *of_room("Instances by token", Access.TOKEN, _by_token()),
        *of_room(
            "Usage",
            Access.USER,
            [
                Operation(
                    "GET",
                    "/usage/vendor",
                    "getVendorUsage",
                    "Show where the call budgets stand",
                    array(ref("VendorUsage")),
                    None,
                    WHOLE,
                )
            ],
        ),
    ]


def _authentication() -> list[Operation]:
    path = "/authentication"
    log_in = Operation(
        "POST", path, "createAuthentication", "Log in", ref("Session"), ref("Login")
    )
    secrets = Operation(
        "GET",
        f"{path}/secrets",
        "getAuthenticationSecrets",
        "Read the two secrets of a login",
        ref("Secrets"),
    )
    return [
        *of_room("Authentication", Access.ANYBODY, [log_in]),
        *of_room("Authentication", Access.BEARER, [secrets]),
    ]


def _instances() -> Iterator[Operation]:
    one, many = ref("Instance"), array(ref("Instance"))
    for root, of in (("/instances", ""), ("/elements/{keyOrId}/instances", "Element")):
        yield Operation(
            "GET",
            root,
            f"get{of}Instances",
            "List instances",
            many,
            None,
            INSTANCES,
            description="The caller's own; an administrator's list holds those of the "
            "account. No match is 404.",
        )
        yield Operation(
            "POST",
            root,
            f"create{of}Instance",
            "Verify credentials and store an instance",
            one,
            ref("NewInstance"),
        )
        by_id = f"{root}/{{id}}"
        yield Operation("GET", by_id, f"get{of}InstanceById", "Read an instance", one)
        yield Operation(
            "PUT",
            by_id,
            f"replace{of}InstanceById",
            "Replace an instance",
            one,
            ref("InstanceChange"),
            (REAUTHENTICATE,),
        )
        yield Operation(
            "DELETE", by_id, f"delete{of}InstanceById", "Remove an instance", None
        )


def _instances_alone() -> Iterator[Operation]:
    """Yield what instances have that is not below their element."""
    yield Operation(
        "PATCH",
        "/instances/{id}",
        "updateInstanceById",
        "Change an instance",
        ref("Instance"),
        ref("InstanceChange"),
        (REAUTHENTICATE,),
    )
    yield Operation(
        "GET",
        "/instances/count",
        "getInstancesCount",
        "Count instances",
        ref("InstanceCount"),
    )
    yield from _below("/instances/{id}", "InstanceById")


def _by_token() -> Iterator[Operation]:
    one, change = ref("Instance"), ref("InstanceChange")
    wish = (REAUTHENTICATE,)
    path = "/instances"
    yield Operation(
        "PUT", path, "replaceInstance", "Replace an instance", one, change, wish
    )
    yield Operation(
        "PATCH", path, "updateInstance", "Change an instance", one, change, wish
    )
    yield Operation("DELETE", path, "deleteInstance", "Remove an instance", None)
    yield Operation("GET", "/instance", "getInstance", "Read the instance", one)
    yield from _below(path, "Instance")


def _below(root: str, of: str) -> Iterator[Operation]:
    """Yield what exists below an instance, found by id or by token."""
    yield Operation("PUT", f"{root}/enabled", f"replace{of}Enabled", "Enable", None)
    yield Operation("DELETE", f"{root}/enabled", f"delete{of}Enabled", "Disable", None)
    yield Operation(
        "PUT",
        f"{root}/trace-logging",
        f"replace{of}TraceLogging",
        "Trace for a while",
        None,
        ref("TraceDuration"),
        body_required=False,
    )
    yield Operation(
        "DELETE",
        f"{root}/trace-logging",
        f"delete{of}TraceLogging",
        "Trace no more",
        None,
    )
    yield from _configuration(root, of)
    yield from _objects(root, of)
    yield from _descriptions(root, of)


def _configuration(root: str, of: str) -> Iterator[Operation]:
    entry = ref("ConfigurationEntry")
    entries, one = f"{root}/configuration", f"{root}/configuration/{{configId}}"
    name = f"{of}Configuration"
    yield Operation(
        "GET",
        entries,
        f"get{name}",
        "List the configuration",
        array(entry),
        None,
        WHOLE,
    )
    yield Operation("GET", one, f"get{name}ByConfigId", "Read one entry", entry)
    yield Operation(
        "PATCH",
        one,
        f"update{name}ByConfigId",
        "Change one entry",
        entry,
        ref("ConfigurationValue"),
    )


def _objects(root: str, of: str) -> Iterator[Operation]:
    yield Operation(
        "GET",
        f"{root}/objects",
        f"get{of}Objects",
        "List the names of all objects",
        OBJECTS,
        None,
        (VERSION, *WHOLE),
    )
    yield Operation(
        "GET",
        f"{root}/objects/{{objectName}}/metadata",
        f"get{of}ObjectsObjectNameMetadata",
        "List the fields of an object",
        ref("ObjectMetadata"),
        None,
        (CUSTOM, VERSION),
    )


def _descriptions(root: str, of: str) -> Iterator[Operation]:
    docs = f"{root}/docs"
    yield Operation(
        "GET",
        docs,
        f"get{of}Docs",
        "Describe the element with the tenant's fields, as Swagger 2.0",
        ref("SwaggerDocument"),
        None,
        DOCUMENT,
    )
    yield Operation(
        "GET",
        f"{docs}/{{operationId}}",
        f"get{of}DocsByOperationId",
        "Describe one operation, as Swagger 2.0",
        ref("SwaggerDocument"),
        None,
        DOCUMENT,
    )
    yield Operation(
        "GET",
        f"{docs}/{{operationId}}/definitions",
        f"get{of}DocsDefinitionsByOperationId",
        "Read the definitions that one operation uses",
        ref("SwaggerDefinitions"),
        None,
        DOCUMENT,
    )
