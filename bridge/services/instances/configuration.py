"""The configuration of an instance, entry by entry. Source: elements-api 2.5."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from bridge.catalog.model import ConfigurationKey
from bridge.errors import InvalidRequestError, NotFoundError
from bridge.services.context import Context
from bridge.services.instances.bodies import MASK
from bridge.services.instances.lifecycle import patch_instance, reload_instance
from bridge.store.instances import Instance
from bridge.types import JSON

_FIRST_FOREIGN_ID = 1_000_000


def list_entries(ctx: Context, instance: Instance) -> list[dict[str, JSON]]:
    """Return an entry for every key of the element, then for every other supplied.

    Keys left at their default are there too; secrets are masked. No vendor call.
    """
    keys = ctx.elements[instance.element_key].configuration
    known = {key.key for key in keys}
    foreign = [_foreign_key(key) for key in instance.configuration if key not in known]
    return [_entry(key, instance.configuration) for key in (*keys, *foreign)]


def get_entry(ctx: Context, instance: Instance, config_id: str) -> dict[str, JSON]:
    """Return the entry with this id, as written in a path. No vendor call.

    Raises:
        NotFoundError: the instance has no such entry.
    """
    for entry in list_entries(ctx, instance):
        if str(entry["id"]) == config_id:
            return entry
    raise NotFoundError(
        f"The configuration with ID {config_id[:40]} was not found for the element "
        f"instance {instance.id}."
    )


def patch_entry(
    ctx: Context, instance: Instance, config_id: str, body: Mapping[str, JSON]
) -> dict[str, JSON]:
    """Set the `propertyValue` of one entry and return the entry.

    Null sets the key back to its default; a masked value changes nothing. Two vendor
    calls when the key is a credential, none otherwise.

    Raises:
        NotFoundError: the instance has no such entry.
        InvalidRequestError: no `propertyValue`, or one that Autotask refuses.
    """
    entry = get_entry(ctx, instance, config_id)
    if "propertyValue" not in body:
        raise InvalidRequestError("propertyValue is required.")
    change: dict[str, JSON] = {str(entry["key"]): body["propertyValue"]}
    patch_instance(ctx, instance, {"configuration": change})
    return get_entry(ctx, reload_instance(ctx, instance), config_id)


def _entry(key: ConfigurationKey, configuration: Mapping[str, str]) -> dict[str, JSON]:
    value = configuration.get(key.key, key.default or "")
    return {
        "id": key.id,
        "key": key.key,
        "name": key.name,
        "description": key.description,
        "propertyValue": MASK if key.secret and value else value,
        "type": key.type,
        "active": True,
        "required": key.required,
        "hideFromConsole": key.hidden,
    }


def _foreign_key(key: str) -> ConfigurationKey:
    """Describe a key that the element does not know; its id follows from its name."""
    return ConfigurationKey(
        id=_FIRST_FOREIGN_ID + zlib.crc32(key.encode()),
        key=key,
        name=key,
        description="",
        type="TEXTFIELD_1000",
    )
