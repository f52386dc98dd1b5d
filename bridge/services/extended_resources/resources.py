"""Resources that an account added to the element: stored, listed, called.

Source: elements-api 3.5.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.catalog.model import Element
from bridge.errors import InvalidRequestError, NotFoundError
from bridge.services.access import require_enabled
from bridge.services.context import Context
from bridge.services.credentials import open_backend
from bridge.services.elements import builtin_resources
from bridge.services.extended_resources.components import (
    refuse_legacy_hooks,
    with_legacy_flags,
)
from bridge.services.extended_resources.definitions import (
    ReceivedArguments,
    call_definition,
    path_pattern,
    path_segments,
    path_shape,
    placeholder,
    placeholder_value,
)
from bridge.services.extended_resources.model_schemas import model_schema
from bridge.services.objects import find_object
from bridge.store import extended_resources
from bridge.store.instances import Instance
from bridge.store.organizations import User
from bridge.types import JSON

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_MAX_RESOURCES = 500


@dataclass(frozen=True, slots=True)
class SavedResource:
    """A stored resource; `notes` are sentences for the header `Elements-Error`."""

    document: Mapping[str, JSON]
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class ResolvedRequest:
    """A request for an added resource; `values` are for the names in its path."""

    method: str
    document: Mapping[str, JSON]
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Model:
    """The model of an added resource; `by_path` when the path has the name."""

    method: str
    schema: Mapping[str, JSON]
    by_path: bool


def list_resources(
    ctx: Context, user: User | None, element: Element, *, own_only: bool = False
) -> list[dict[str, JSON]]:
    """Return the element's resources and then the account's own. No vendor call."""
    builtin = [] if own_only else builtin_resources(element)
    return [*builtin, *list_own_resources(ctx, user, element)]


def list_own_resources(
    ctx: Context, user: User | None, element: Element
) -> list[dict[str, JSON]]:
    """Return the resources that the caller's account added, ascending by id."""
    if user is None or not user.extended:
        return []
    found = extended_resources.list_extended(ctx.database, user.account_id, element.key)
    return [_document(item.document, item.id) for item in found]


def get_resource(
    ctx: Context, user: User | None, element: Element, resource_id: str
) -> dict[str, JSON]:
    """Return one resource.

    Raises:
        NotFoundError: it does not exist.
    """
    for document in list_resources(ctx, user, element):
        if str(document["id"]) == resource_id:
            return document
    raise _missing(resource_id)


def add_resource(
    ctx: Context, user: User, element: Element, body: Mapping[str, JSON]
) -> SavedResource:
    """Store a resource and return it with its id.

    A note reports other resources with the same path and method.

    Raises:
        InvalidRequestError: its path or method cannot be used.
    """
    method = _method(body)
    # All of them are read for every request to an added resource.
    if len(list_own_resources(ctx, user, element)) >= _MAX_RESOURCES:
        raise InvalidRequestError(f"An account has at most {_MAX_RESOURCES}.")
    number = extended_resources.add_extended(
        ctx.database, user.account_id, element.key, method, _storable(body)
    )
    return _saved(ctx, user, element, _document(_storable(body), number))


def replace_resource(
    ctx: Context,
    user: User,
    element: Element,
    resource_id: str,
    body: Mapping[str, JSON],
) -> SavedResource:
    """Replace a resource of the account's own.

    A note reports other resources with the same path and method.

    Raises:
        NotFoundError: it does not exist, or is built in.
        InvalidRequestError: the path or method cannot be used, or a hook became a
            legacy one.
    """
    number = own_number(ctx, user, element, resource_id)
    method, kept = _method(body), _storable(body)

    def replace(stored: Mapping[str, JSON]) -> dict[str, JSON]:
        refuse_legacy_hooks(stored, kept)
        return kept

    extended_resources.edit_extended(
        ctx.database, user.account_id, number, replace, method=method
    )
    return _saved(ctx, user, element, _document(kept, number))


def remove_resource(
    ctx: Context, user: User, element: Element, resource_id: str
) -> None:
    """Remove a resource of the account's own.

    Raises:
        NotFoundError: it does not exist, or is built in.
    """
    number = own_number(ctx, user, element, resource_id)
    extended_resources.remove_extended(ctx.database, user.account_id, number)


def resolve_path(
    ctx: Context, user: User, instance: Instance, path: str
) -> list[ResolvedRequest]:
    """Return the added resources whose path matches, the newest first.

    `path` has no hub in front. No vendor call.
    """
    if not user.extended:
        return []
    found = extended_resources.list_extended(
        ctx.database, user.account_id, instance.element_key
    )
    return [
        ResolvedRequest(item.method, item.document, match.groupdict())
        # The newest definition of a path replaces older ones.
        for item in reversed(found)
        if (match := path_pattern(item.document).fullmatch(path.strip("/")))
    ]


def find_model(ctx: Context, instance: Instance, name: str) -> Model | None:
    """Return the model of a name, compared without case; None without one.

    The name is the first segment of a path, followed by placeholders only, or the name
    of a model. The newest counts, and models that do not describe an object are
    skipped. No vendor call.
    """
    stored = extended_resources.list_extended(
        ctx.database, instance.account_id, instance.element_key
    )
    found: list[Model] = []
    for item in reversed(stored):
        model = item.document.get("model")
        own_name = str(model.get("name", "")) if isinstance(model, dict) else ""
        by_path = _is_path_name(name, item.document)
        if by_path or own_name.lower() == name.lower():
            schema = model_schema(model)
            found += [Model(item.method, schema, by_path=by_path)] if schema else []
    return next((model for model in found if model.by_path), next(iter(found), None))


def call_resource(
    ctx: Context, instance: Instance, request: ResolvedRequest, sent: ReceivedArguments
) -> Mapping[str, JSON]:
    """Call an added resource and return its response. One vendor call.

    Raises:
        ForbiddenError: the instance is disabled.
        InvalidRequestError: the definition's operation may not be called, or a
            required parameter is missing.
        ProviderError: Autotask refused, or sent no usable response.
    """
    require_enabled(instance)
    definition = call_definition(request.document, ctx.settings.extended_operations)
    value = placeholder_value(request.document, sent)
    return open_backend(ctx, instance).call_stored(definition, value)


def is_object(ctx: Context, instance: Instance, name: str) -> bool:
    """Return whether a name is a resource's or an entity's.

    Vendor calls as `find_object`.

    Raises:
        ProviderError: the vendor call failed and nothing is cached.
    """
    try:
        find_object(ctx, instance, name)
    except NotFoundError:
        return False
    return True


def _is_path_name(name: str, document: Mapping[str, JSON]) -> bool:
    segments = path_segments(document)
    rest = all(map(placeholder, segments[1:]))
    return rest and [segment.lower() for segment in segments[:1]] == [name.lower()]


def _document(document: Mapping[str, JSON], number: int) -> dict[str, JSON]:
    return {"id": number, **with_legacy_flags(document)}


def _saved(
    ctx: Context, user: User, element: Element, document: Mapping[str, JSON]
) -> SavedResource:
    """Return a stored resource, with a note if others match the same requests."""
    own = extended_resources.list_extended(ctx.database, user.account_id, element.key)
    method, shape = _method(document), path_shape(document)
    alike = [
        item.id
        for item in own
        if item.method == method and path_shape(item.document) == shape
    ]
    others = ", ".join(str(number) for number in alike if number != document["id"])
    if not others:
        return SavedResource(document, ())
    note = (
        f"Other resources of the account have this path and method too: {others}. The "
        f"newest one, {max(alike)}, answers."
    )
    return SavedResource(document, (note,))


def _storable(body: Mapping[str, JSON]) -> dict[str, JSON]:
    return {
        name: value
        for name, value in body.items()
        # Ids and owners are ours to assign; clients send whole documents back.
        if name not in {"id", "ownerAccountId"}
    }


def _method(body: Mapping[str, JSON]) -> str:
    path, method = body.get("path"), body.get("method")
    if not isinstance(path, str) or not re.fullmatch(r"/?[^\s?#]{1,500}", path):
        raise InvalidRequestError(
            "path is required: up to 500 characters without blanks, ? and #, such as "
            "/getThresholdAndUsageInfo."
        )
    segments = path_segments(body)
    if not segments:
        raise InvalidRequestError("path must be more than slashes.")
    names = [name for segment in segments if (name := placeholder(segment))]
    # Braces that are not a placeholder would never match a path.
    loose = [each for each in segments if re.search("[{}<>]", each)]
    if len(loose) > len(names) or len(set(names)) < len(names):
        raise InvalidRequestError(
            "Names in braces in path must be different words, each between slashes."
        )
    if not isinstance(method, str) or method.upper() not in _METHODS:
        raise InvalidRequestError(f"method must be one of {', '.join(_METHODS)}.")
    return method.upper()


def own_number(ctx: Context, user: User, element: Element, resource_id: str) -> int:
    """Return the id of a resource of the account's own, as a number.

    Raises:
        NotFoundError: it does not exist, or is built in.
    """
    for document in list_own_resources(ctx, user, element):
        if str(document["id"]) == resource_id:
            return int(resource_id)
    raise _missing(resource_id)


def _missing(resource_id: str) -> NotFoundError:
    return NotFoundError(f"The resource with ID {resource_id[:40]} was not found.")
