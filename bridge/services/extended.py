"""Resources that an account added to the element: kept, listed, answered.

Source: elements-api 3.5.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bridge.catalog.model import JSON, Element
from bridge.errors import InvalidRequestError, NotFoundError
from bridge.services.access import require_enabled
from bridge.services.context import Context
from bridge.services.credentials import open_backend
from bridge.services.definitions import path_pattern, read_definition
from bridge.services.elements import builtin_resources
from bridge.store import extended
from bridge.store.instances import Instance
from bridge.store.tenants import User

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_MOST_RESOURCES = 500


def list_resources(
    ctx: Context, user: User | None, element: Element, *, own_only: bool = False
) -> list[dict[str, JSON]]:
    """Return the element's resources and then the account's own. No vendor call."""
    builtin = [] if own_only else builtin_resources(element)
    return [*builtin, *own_resources(ctx, user, element)]


def own_resources(
    ctx: Context, user: User | None, element: Element
) -> list[dict[str, JSON]]:
    """Return the resources that the caller's account added, ascending by id."""
    if user is None or not user.extended:
        return []
    found = extended.list_extended(ctx.database, user.account_id, element.key)
    return [_document(item.document, item.id) for item in found]


def get_resource(
    ctx: Context, user: User | None, element: Element, resource_id: str
) -> dict[str, JSON]:
    """Return one resource.

    Raises:
        NotFoundError: there is none of this number.
    """
    for document in list_resources(ctx, user, element):
        if str(document["id"]) == resource_id:
            return document
    raise _missing(resource_id)


def add_resource(
    ctx: Context, user: User, element: Element, body: Mapping[str, JSON]
) -> dict[str, JSON]:
    """Keep a resource and return it with its number.

    Raises:
        InvalidRequestError: its path or method cannot be used.
    """
    method = _method(body)
    if len(own_resources(ctx, user, element)) >= _MOST_RESOURCES:
        raise InvalidRequestError(f"An account has at most {_MOST_RESOURCES}.")
    number = extended.add_extended(
        ctx.database, user.account_id, element.key, method, _kept(body)
    )
    return _document(_kept(body), number)


def replace_resource(
    ctx: Context,
    user: User,
    element: Element,
    resource_id: str,
    body: Mapping[str, JSON],
) -> dict[str, JSON]:
    """Replace a resource of the account's own.

    Raises:
        NotFoundError: it has none of this number; a built-in one is nobody's.
        InvalidRequestError: the path or method cannot be used.
    """
    number = _own_number(ctx, user, element, resource_id)
    method = _method(body)
    extended.change_extended(ctx.database, user.account_id, number, method, _kept(body))
    return _document(_kept(body), number)


def remove_resource(
    ctx: Context, user: User, element: Element, resource_id: str
) -> None:
    """Remove a resource of the account's own.

    Raises:
        NotFoundError: it has none of this number; a built-in one is nobody's.
    """
    number = _own_number(ctx, user, element, resource_id)
    extended.remove_extended(ctx.database, user.account_id, number)


def list_part(
    ctx: Context, user: User | None, element: Element, resource_id: str, part: str
) -> list[JSON]:
    """Return a resource's hooks, parameters or models.

    Raises:
        NotFoundError: there is no such resource.
    """
    document = get_resource(ctx, user, element, resource_id)
    found = document.get("model" if part == "models" else part)
    if part == "models":
        return [found] if found else []
    return found if isinstance(found, list) else []


def answer(
    ctx: Context,
    user: User,
    instance: Instance,
    method: str,
    path: str,
    given: Mapping[str, str],
) -> Mapping[str, JSON] | None:
    """Return what an added resource answers to a path, None when none is meant.

    `path` has no hub in front. One vendor call.

    Raises:
        ForbiddenError: one is meant, and the instance is disabled.
        InvalidRequestError: the definition names no operation that may be called.
        ProviderError: Autotask refused, or gave no usable answer.
    """
    if not user.extended:
        return None
    found = extended.list_extended(ctx.database, user.account_id, instance.element_key)
    for item in found:
        match = path_pattern(item.document).fullmatch(path.strip("/"))
        if match and item.method == method:
            require_enabled(instance)
            asked = read_definition(item.document, {**given, **match.groupdict()})
            backend = open_backend(ctx, instance)
            return backend.call(asked.operation, asked.arguments)
    return None


def _document(document: Mapping[str, JSON], number: int) -> dict[str, JSON]:
    return {"id": number, **document}


def _kept(body: Mapping[str, JSON]) -> dict[str, JSON]:
    return {
        name: value
        for name, value in body.items()
        if name not in {"id", "ownerAccountId"}
    }


def _method(body: Mapping[str, JSON]) -> str:
    path, method = body.get("path"), body.get("method")
    if not isinstance(path, str) or not re.fullmatch(r"/?[^\s?#]{1,500}", path):
        raise InvalidRequestError(
            "path is required, such as /getThresholdAndUsageInfo."
        )
    names = re.findall(r"\{([^}/]*)\}", path)
    sound = all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", name) for name in names)
    if not sound or len(set(names)) < len(names):
        raise InvalidRequestError("Names in braces in path must be different words.")
    if not isinstance(method, str) or method.upper() not in _METHODS:
        raise InvalidRequestError(f"method must be one of {', '.join(_METHODS)}.")
    return method.upper()


def _own_number(ctx: Context, user: User, element: Element, resource_id: str) -> int:
    for document in own_resources(ctx, user, element):
        if str(document["id"]) == resource_id:
            return int(resource_id)
    raise _missing(resource_id)


def _missing(resource_id: str) -> NotFoundError:
    return NotFoundError(f"The resource with ID {resource_id[:40]} was not found.")
