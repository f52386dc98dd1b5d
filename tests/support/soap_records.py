"""Records written to the simulator over SOAP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def record(values: Mapping[str, object], **more: object) -> str:
    """Return the members of a record, a new one unless an id is given.

    What is None is left out.
    """
    members = {"id": 0, **values, **more}
    return "".join(
        f"<{name}>{value}</{name}>"
        for name, value in members.items()
        if value is not None
    )


def made(soap: Any, entity: str, values: Mapping[str, object], **more: object) -> int:
    """Create a record and return its id."""
    reply = soap.write("create", entity, record(values, **more))
    assert reply.code == 1, reply.errors
    number: int = reply.ids[0]
    return number
