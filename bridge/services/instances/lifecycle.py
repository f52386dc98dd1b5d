"""Instances: create, find, change, delete; credentials are verified first."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bridge.catalog.model import Element
from bridge.errors import (
    InvalidRequestError,
    NotFoundError,
    ProviderCredentialsError,
    ProviderForbiddenError,
    ProviderRejectedError,
)
from bridge.interfaces import Zone
from bridge.services import paging
from bridge.services.access import is_visible
from bridge.services.context import Context
from bridge.services.credentials import (
    CREDENTIAL_KEYS,
    read_credentials,
    select_backend,
)
from bridge.services.instances.bodies import (
    instance_document,
    named_element,
    read_configuration,
    read_name,
    read_tags,
    require_keys,
    unmask,
)
from bridge.services.locks import record_lock
from bridge.services.paging import FIRST_PAGE, PageRequest, PageSlice
from bridge.store import instance_search, instances
from bridge.store.instances import Instance
from bridge.store.organizations import User
from bridge.types import JSON

_SCOPE = "instances"
_Merge: TypeAlias = Callable[[Mapping[str, str], Mapping[str, str]], dict[str, str]]


@dataclass(frozen=True, slots=True)
class InstanceSearch:
    """The parameters of `GET /instances`; see elements-api 2.2."""

    tags: Sequence[str] = ()
    text: str = ""
    element_key: str | None = None
    page: PageRequest = FIRST_PAGE
    hydrate: bool = True


def create_instance(
    ctx: Context,
    user: User,
    body: Mapping[str, JSON],
    *,
    element_key_or_id: str | None = None,
) -> dict[str, JSON]:
    """Verify credentials at Autotask, store the instance, return its document.

    Two vendor calls: zone look-up and one authenticated call; nothing is stored if
    either fails.

    Raises:
        InvalidRequestError: the body is invalid, keys are missing (all are named), or
            the credentials were refused, with the vendor's text.
        NotFoundError: unknown element.
        ProviderError: the vendor call failed.
    """
    named = element_key_or_id or named_element(body)
    if named is None:
        raise InvalidRequestError(
            'element is required: {"key":…} or {"id":…} of one in GET /elements.'
        )
    element = find_element(ctx, named)
    name = read_name(body.get("name"))
    if not name:
        raise InvalidRequestError("name is required.")
    tags = read_tags(body["tags"]) if body.get("tags") is not None else [name]
    configuration = read_configuration(body.get("configuration"))
    require_keys(element, configuration)
    zone = _verify(ctx, configuration)
    instance = instances.add_instance(
        ctx.database,
        user_id=user.id,
        element_key=element.key,
        name=name,
        tags=tags,
        configuration=configuration,
        zone=zone,
    )
    return instance_document(ctx, instance)


def list_instances(
    ctx: Context, user: User, search: InstanceSearch
) -> PageSlice[dict[str, JSON]]:
    """Return the caller's instances, for an admin all of the account; no vendor call.

    They are ascending by id.

    Raises:
        NotFoundError: nothing matches.
        InvalidRequestError: `next_page` is not a token of this list.
    """
    account_id = user.account_id if user.admin else None
    return _list(ctx, search, account_id=account_id, user_id=user.id)


def list_of_account(
    ctx: Context, user: User, account_id: int, search: InstanceSearch
) -> PageSlice[dict[str, JSON]]:
    """Return an account's instances, limited to those that the caller may see.

    Raises:
        NotFoundError, InvalidRequestError: as `list_instances`.
    """
    if user.admin:
        return _list(ctx, search, account_id=account_id)
    return _list(ctx, search, user_id=user.id)


def _list(
    ctx: Context,
    search: InstanceSearch,
    *,
    account_id: int | None = None,
    user_id: int | None = None,
) -> PageSlice[dict[str, JSON]]:
    page = search.page
    after, offset = 0, page.offset
    if page.next_page:
        after, offset = paging.read_token(_SCOPE, page.next_page), 0
    keys = None
    if search.element_key is not None:
        keys = [find_element(ctx, search.element_key).key]
    found, total = instance_search.search_instances(
        ctx.database,
        account_id=account_id,
        user_id=user_id,
        element_keys=keys,
        tags=search.tags,
        text=search.text,
        after=after,
        offset=offset,
        # One more than a page shows whether there is a next one.
        limit=page.size + 1,
    )
    if total == 0:
        raise NotFoundError("No element instances found")
    shown = found[: page.size]
    more = len(found) > len(shown)
    return PageSlice(
        [_listed(ctx, instance, search) for instance in shown],
        next_page=paging.write_token(_SCOPE, shown[-1].id) if more else None,
        total=total,
    )


def count_instances(ctx: Context, user: User) -> dict[str, JSON]:
    """Return how many instances `list_instances` lists; no vendor call."""
    account_id = user.account_id if user.admin else None
    counts = instance_search.count_instances(
        ctx.database, account_id=account_id, user_id=user.id
    )
    return {
        "totalInstances": sum(counts.values()),
        "elementInstances": [
            {"elementKey": key, "count": count} for key, count in counts.items()
        ],
    }


def find_instance(ctx: Context, user: User, instance_id: str) -> Instance:
    """Return an instance that the caller may see, by its id as written in a path.

    Raises:
        NotFoundError: it does not exist, or the caller may not see it.
    """
    instance = None
    if re.fullmatch(r"\d{1,18}", instance_id, re.ASCII):
        instance = instances.get_instance(ctx.database, int(instance_id))
    if instance is None or not is_visible(instance, user):
        raise NotFoundError(
            f"The element instance with ID {instance_id[:40]} was not found."
        )
    return instance


def find_element(ctx: Context, key_or_id: str) -> Element:
    """Return an element by key or by id.

    Raises:
        NotFoundError: it does not exist.
    """
    for element in ctx.elements.values():
        if key_or_id in (element.key, str(element.id)):
            return element
    raise NotFoundError(f"No element found with key or ID {key_or_id[:80]}.")


def replace_instance(
    ctx: Context,
    instance: Instance,
    body: Mapping[str, JSON],
    *,
    reauthenticate: bool = True,
) -> dict[str, JSON]:
    """Replace an instance (`PUT`, elements-api 2.4) and return its document.

    The token stays. A given configuration replaces the stored one, except for masked
    values and missing required keys. Two vendor calls with a configuration, none
    without.
    """
    element = ctx.elements[instance.element_key]
    required = {key.key for key in element.configuration if key.required}

    def replaced(stored: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
        kept = {key: stored[key] for key in required & stored.keys()}
        return kept | dict(given)

    return _change(
        ctx,
        instance,
        body,
        replaced,
        always_verify=True,
        reauthenticate=reauthenticate,
    )


def patch_instance(
    ctx: Context,
    instance: Instance,
    body: Mapping[str, JSON],
    *,
    reauthenticate: bool = True,
) -> dict[str, JSON]:
    """Change an instance (`PATCH`, elements-api 2.4) and return its document.

    The token stays. Configuration keys are merged; null removes a key. Two vendor
    calls when a credential changes, none otherwise.
    """

    def merged(stored: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
        configuration = body.get("configuration")
        members = configuration if isinstance(configuration, dict) else {}
        removed = {key for key, value in members.items() if value is None}
        kept = {key: value for key, value in stored.items() if key not in removed}
        return kept | dict(given)

    disabled = body.get("disabled")
    return _change(
        ctx,
        instance,
        body,
        merged,
        always_verify=False,
        reauthenticate=reauthenticate,
        disabled=disabled if isinstance(disabled, bool) else None,
    )


def delete_instance(ctx: Context, instance: Instance) -> None:
    """Remove an instance; its token stops working at once. No vendor call."""
    instances.remove_instance(ctx.database, instance.id)


def set_enabled(ctx: Context, instance: Instance, *, enabled: bool) -> None:
    """Enable or disable an instance. No vendor call."""
    instances.update_instance(ctx.database, instance.id, disabled=not enabled)


def _change(  # noqa: PLR0913 - the two ways to change differ in three points
    ctx: Context,
    instance: Instance,
    body: Mapping[str, JSON],
    merge: _Merge,
    *,
    always_verify: bool,
    reauthenticate: bool,
    disabled: bool | None = None,
) -> dict[str, JSON]:
    if named := named_element(body):
        find_element(ctx, named)
    name = read_name(body.get("name")) or None
    tags = read_tags(body["tags"]) if body.get("tags") is not None else None
    # Concurrent changes would otherwise merge into the same old configuration, and the
    # later one would overwrite the earlier.
    with record_lock(ctx, f"instance/{instance.id}"):
        current = reload_instance(ctx, instance)
        configuration, zone = None, None
        if body.get("configuration") is not None:
            given = read_configuration(body["configuration"])
            configuration = merge(
                current.configuration, unmask(given, current.configuration)
            )
            require_keys(ctx.elements[current.element_key], configuration)
            changed = any(
                configuration.get(key) != current.configuration.get(key)
                for key in CREDENTIAL_KEYS
            )
            if reauthenticate and (always_verify or changed):
                zone = _verify(ctx, configuration)
        updated = instances.update_instance(
            ctx.database,
            current.id,
            name=name,
            tags=tags,
            configuration=configuration,
            zone=zone,
            disabled=disabled,
        )
    return instance_document(ctx, updated or reload_instance(ctx, instance))


def reload_instance(ctx: Context, instance: Instance) -> Instance:
    """Return the current state of an instance.

    Raises:
        NotFoundError: it was deleted meanwhile.
    """
    current = instances.get_instance(ctx.database, instance.id)
    if current is None:
        raise NotFoundError(
            f"The element instance with ID {instance.id} was not found."
        )
    return current


def _verify(ctx: Context, configuration: Mapping[str, str]) -> Zone | None:
    """Look up the zone, verify the credentials, and return the zone.

    A refusal is 400 here, because callers take 401 as an error in their own secrets.
    Source: elements-api 2.1, errors.
    """
    found: list[Zone] = []
    credentials = read_credentials(ctx, configuration)
    try:
        # Without a known zone, so that the zone is looked up again.
        select_backend(ctx, configuration)(credentials, None, found.append).check()
    except (
        ProviderCredentialsError,
        ProviderForbiddenError,
        ProviderRejectedError,
    ) as error:
        raise InvalidRequestError(
            error.message, provider_message=error.provider_message
        ) from error
    return found[-1] if found else None


def _listed(
    ctx: Context, instance: Instance, search: InstanceSearch
) -> dict[str, JSON]:
    document = instance_document(ctx, instance)
    if not search.hydrate:
        del document["configuration"]
    return document
