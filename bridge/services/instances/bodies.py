"""What stands in an instance's body: read from callers, and written for them.

Source: elements-api 2.1 (document), 2.3 (configuration), 2.4 (masked values).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from bridge.catalog.model import Element
from bridge.errors import InvalidRequestError
from bridge.services.context import Context
from bridge.services.credentials import SERVER_URL, derive_server_url
from bridge.services.times import write_time
from bridge.services.traces import is_traced
from bridge.store.instances import Instance
from bridge.types import JSON

MASK = "********"
_TAG = re.compile(r"</?[A-Za-z!][^>]*>")
_MAX_NAME_LENGTH = 255


def instance_document(ctx: Context, instance: Instance) -> dict[str, JSON]:
    """Return the document of elements-api 2.1, secrets masked.

    Every member of the published answer is there, in its order, whatever its value.
    """
    element = ctx.elements[instance.element_key]
    configuration = _shown_configuration(element, instance)
    enabled = configuration.get("event.notification.enabled")
    return {
        "id": instance.id,
        "name": instance.name,
        "createdDate": write_time(instance.created_at),
        "token": instance.token,
        "element": dict(element.document),
        "elementId": element.id,
        "tags": list(instance.tags),
        "provisionInteractions": [],
        "valid": True,
        "disabled": instance.disabled,
        "maxCacheSize": 0,
        "cacheTimeToLive": 0,
        "configuration": dict(configuration),
        "eventsEnabled": str(enabled).lower() == "true",
        "traceLoggingEnabled": is_traced(ctx, instance),
        "cachingEnabled": False,
        "externalAuthentication": "none",
        "user": {
            "id": instance.user_id,
            "emailAddress": instance.user_email,
            "firstName": instance.user_first_name,
            "lastName": instance.user_last_name,
        },
    }


def _shown_configuration(element: Element, instance: Instance) -> dict[str, JSON]:
    """Return supplied keys and the element's shown defaults, secrets masked."""
    secret = {key.key for key in element.configuration if key.secret}
    shown: dict[str, JSON] = {
        key: MASK if key in secret and value else value
        for key, value in instance.configuration.items()
    }
    for key in element.configuration:
        if key.shown_by_default and key.default is not None:
            shown.setdefault(key.key, key.default)
    return shown


def unmask(given: Mapping[str, str], stored: Mapping[str, str]) -> dict[str, str]:
    """Return what was given; a masked value means the stored one, if there is one."""
    return {
        key: stored[key] if value == MASK and key in stored else value
        for key, value in given.items()
    }


def named_element(body: Mapping[str, JSON]) -> str | None:
    """Return the key or id in `element`, as text; None when none is named."""
    element = body.get("element")
    members = element if isinstance(element, dict) else {}
    for member in ("key", "id"):
        if members.get(member) is not None:
            return str(members[member])
    return None


def read_name(value: JSON) -> str:
    """Return a name with its HTML tags stripped and their text kept; `""` for none.

    Raises:
        InvalidRequestError: not a text, or too long.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidRequestError("name must be a text.")
    name = _strip(value).strip()
    if len(name) > _MAX_NAME_LENGTH:
        raise InvalidRequestError(f"name is longer than {_MAX_NAME_LENGTH} characters.")
    return name


def read_tags(value: JSON) -> list[str]:
    """Return tags, sanitised like a name; those of which nothing is left are dropped.

    Raises:
        InvalidRequestError: not a list of texts.
    """
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise InvalidRequestError("tags must be a list of texts.")
    stripped = (_strip(str(tag)) for tag in value)
    return [tag for tag in stripped if tag.strip()]


def _strip(text: str) -> str:
    """Return a text without HTML tags, those that appear by the stripping included."""
    while (stripped := _TAG.sub("", text)) != text:
        text = stripped
    return text


def read_configuration(value: JSON) -> dict[str, str]:
    """Return a configuration as texts: true, 15 and objects as `true`, `15`, JSON.

    Raises:
        InvalidRequestError: not an object.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidRequestError("configuration must be an object of keys and values.")
    return {key: _config_text(item) for key, item in value.items() if item is not None}


def _config_text(value: JSON) -> str:
    if isinstance(value, str):
        return value
    # Unlike orjson it writes whole numbers of any size.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def require_keys(element: Element, configuration: Mapping[str, str]) -> None:
    """Refuse a configuration that lacks a required key; the zone stands for the URL.

    Raises:
        InvalidRequestError: with every missing key.
    """
    values = {**configuration, SERVER_URL: derive_server_url(configuration)}
    missing = [
        key.key
        for key in element.configuration
        if key.required and not values.get(key.key, "").strip()
    ]
    if missing:
        raise InvalidRequestError(
            f"Missing required configuration: {', '.join(missing)}."
        )
