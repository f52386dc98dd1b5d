"""Check the connection of an instance to Autotask."""

from __future__ import annotations

from bridge.services.context import Context
from bridge.services.credentials import open_backend
from bridge.services.times import write_time
from bridge.store.instances import Instance
from bridge.types import JSON


def ping(ctx: Context, instance: Instance) -> dict[str, JSON]:
    """Return the document of elements-api 4.8 after one vendor call.

    Raises:
        ProviderError: Autotask refused the credentials, or did not respond.
    """
    open_backend(ctx, instance).check()
    return {
        "dateTime": write_time(ctx.clock()),
        "endpoint": ctx.elements[instance.element_key].name,
        "valid": True,
    }
