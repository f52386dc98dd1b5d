"""The platform's own organization, accounts and users."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bridge.services.openapi.model import Access, Operation, Parameter, of_room
from bridge.services.openapi.parameters import (
    INSTANCES,
    PAGING,
    TOTAL,
    WHERE,
    WHOLE,
    query,
)
from bridge.services.openapi.schema import (
    Schema,
    array,
    either,
    flag,
    moment,
    obj,
    ref,
    text,
    whole,
)

_NAMES: dict[str, Schema] = {
    "firstName": text(minLength=1, maxLength=1000),
    "lastName": text(minLength=1, maxLength=1000),
}
_USER: dict[str, Schema] = {
    "id": whole(),
    "email": text(),
    "firstName": text(),
    "lastName": text(),
    "fullName": text(),
    "roles": array(text("There are none")),
    "active": flag(),
    "createdDate": moment(),
    "accountId": whole(),
    "organizationId": whole(),
}
_LAST_LOGIN: dict[str, Schema] = {"lastLoginDate": moment()}
_EMAIL = text(minLength=3, maxLength=1000, format="email")
_ROLES: Schema = {**array(text()), "maxItems": 0}
_PASSWORD = text(format="password", minLength=8, maxLength=1000)
_ACCOUNT: dict[str, Schema] = {
    "name": text(minLength=1, maxLength=1000),
    "description": either(text(maxLength=1000)),
    "externalId": either(text(maxLength=1000)),
}
_POLICY = "notification.webhook.failure.policy"
SCHEMAS: dict[str, Schema] = {
    "PasswordChange": obj(
        {
            "password": text("The present one", format="password"),
            "newPassword": _PASSWORD,
        }
    ),
    "Organization": obj(
        {
            "id": whole(),
            "name": text(),
            "active": flag(),
            "status": text(),
            "vdrVersion": text(),
        }
    ),
    "PlatformAccount": obj(
        {
            "id": whole(),
            "name": text(),
            "active": flag(),
            "createdDate": moment(),
            "defaultAccount": flag(),
            "type": text(),
            "companyId": whole(),
        },
        {"description": text(), "externalId": text()},
    ),
    "NewPlatformAccount": obj({"name": _ACCOUNT["name"]}, _ACCOUNT),
    "PlatformAccountChange": obj(optional=_ACCOUNT),
    "PlatformUser": obj(_USER, _LAST_LOGIN),
    "ListedPlatformUser": obj(_USER, {"lastLoginDate": text(format="date")}),
    "CreatedPlatformUser": obj(
        {**_USER, "secret": text("The User secret; only this answer tells it")},
        _LAST_LOGIN,
    ),
    "NewPlatformUser": obj(
        {"email": _EMAIL, **_NAMES, "password": _PASSWORD},
        {"active": flag(default=True), "roles": _ROLES},
    ),
    "PlatformUserChange": obj(
        optional={
            "email": _EMAIL,
            **_NAMES,
            "active": flag("`false` ends logins, and the secret opens nothing"),
            "password": {**_PASSWORD, "description": "Of another user, by an admin"},
            "roles": _ROLES,
        }
    ),
    "AccountSettings": {
        "type": "object",
        "properties": {_POLICY: text(enum=["retry", "queue"])},
        "additionalProperties": {"type": ["string", "number", "boolean"]},
        "description": "Single values by name, answered as texts",
    },
}
_OFFSET = query("offset", whole(minimum=0), "Items to pass over; wins over `page`")
_LISTED = (WHERE, _OFFSET, *PAGING, TOTAL)
_TOLD = ("Elements-Error",)
_PERMANENT = query(
    "permanent", flag(default=False), "Who is deactivated loses its instances"
)
_HEIR = "Its instances pass to the administrator of its account."


def operations() -> list[Operation]:
    """Return the operations of these rooms."""
    password = Operation(
        "POST",
        "/authentication/passwords",
        "createAuthenticationPasswords",
        "Change the caller's password; all logins end",
        None,
        ref("PasswordChange"),
    )
    organization = Operation(
        "GET",
        "/organizations/me",
        "getOrganizationsMe",
        "Read the caller's organization",
        ref("Organization"),
    )
    return [
        *of_room("Authentication", Access.USER, [password]),
        *of_room("Tenancy", Access.USER, [organization]),
        *of_room("Tenancy", Access.USER, _accounts()),
        *of_room("Tenancy", Access.USER, _users()),
        *of_room("Tenancy", Access.USER, _below_accounts()),
        *of_room("Tenancy", Access.USER, _roles()),
    ]


def _accounts() -> Iterator[Operation]:
    one, change = ref("PlatformAccount"), ref("PlatformAccountChange")
    path = "/accounts"
    yield Operation(
        "GET",
        path,
        "getPlatformAccounts",
        "List the organization's accounts",
        array(one),
        None,
        _LISTED,
        description="With an Element part, `/accounts` are the CRM's.",
    )
    yield Operation(
        "POST",
        path,
        "createPlatformAccount",
        "Make an account",
        one,
        ref("NewPlatformAccount"),
        headers=_TOLD,
    )
    path = "/accounts/{id}"
    name = "PlatformAccountById"
    yield Operation("GET", path, f"get{name}", "Read an account", one)
    yield from _changes(path, name, "Change an account", one, change)
    yield Operation("DELETE", path, f"delete{name}", "Remove an account", None)


def _users() -> Iterator[Operation]:
    one, change = ref("PlatformUser"), ref("PlatformUserChange")
    yield Operation(
        "GET",
        "/users",
        "getPlatformUsers",
        "List the organization's users",
        array(ref("ListedPlatformUser")),
        None,
        _LISTED,
        description="With an Element part, `/users` are the CRM's.",
    )
    path, name = "/users/{id}", "PlatformUserById"
    yield Operation("GET", path, f"get{name}", "Read a user", one)
    yield from _changes(path, name, "Change a user", one, change, (_PERMANENT,))
    yield Operation(
        "DELETE", path, f"delete{name}", "Remove a user", None, description=_HEIR
    )
    path, name = "/accounts/{id}/users/{userId}", "PlatformAccountUserById"
    yield Operation("GET", path, f"get{name}", "Read a user of an account", one)
    summary = "Change a user of an account"
    yield from _changes(path, name, summary, one, change, (_PERMANENT,))
    path, name = "/organizations/users/{userIdOrEmail}", "OrganizationUser"
    yield Operation("GET", path, f"get{name}", "Read a user of the organization", one)
    yield Operation(
        "DELETE", path, f"delete{name}", "Remove a user", None, description=_HEIR
    )


def _changes(
    path: str,
    name: str,
    summary: str,
    answer: Schema,
    body: Schema,
    parameters: Sequence[Parameter] = (),
) -> Iterator[Operation]:
    for method, word in (("PATCH", "update"), ("PUT", "replace")):
        yield Operation(
            method,
            path,
            f"{word}{name}",
            summary,
            answer,
            body,
            tuple(parameters),
            headers=_TOLD,
            description="Members that are not sent stay as they are.",
        )


def _below_accounts() -> Iterator[Operation]:
    users = "/accounts/{id}/users"
    yield Operation(
        "GET",
        users,
        "getPlatformAccountUsers",
        "List an account's users",
        array(ref("ListedPlatformUser")),
        None,
        _LISTED,
    )
    yield Operation(
        "POST",
        users,
        "createPlatformAccountUser",
        "Make a user of an account",
        ref("CreatedPlatformUser"),
        ref("NewPlatformUser"),
        headers=_TOLD,
    )
    for root, name in (("/accounts", "OwnAccount"), ("/accounts/{id}", "Account")):
        yield Operation(
            "GET",
            f"{root}/instances",
            f"get{name}Instances",
            "List an account's instances",
            array(ref("Instance")),
            None,
            INSTANCES,
        )
        yield Operation(
            "GET",
            f"{root}/settings",
            f"get{name}Settings",
            "Read an account's settings",
            ref("AccountSettings"),
        )
        for method, word in (("POST", "create"), ("PATCH", "update")):
            yield Operation(
                method,
                f"{root}/settings",
                f"{word}{name}Settings",
                "Set what the body names",
                ref("AccountSettings"),
                ref("AccountSettings"),
            )


def _roles() -> Iterator[Operation]:
    for path, of, summary in (
        ("/accounts/{id}/roles", "Account", "Always 400: there are no roles"),
        ("/users/{id}/roles", "PlatformUser", "Always refused: there are no roles"),
    ):
        yield Operation(
            "GET",
            path,
            f"get{of}Roles",
            "List roles: there are none",
            array(text()),
            None,
            WHOLE,
        )
        for method, word in (("PUT", "replace"), ("DELETE", "delete")):
            yield Operation(
                method,
                f"{path}/{{role}}",
                f"{word}{of}Role",
                summary,
                None,
                refused=True,
            )
