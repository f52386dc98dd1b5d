"""What a description says of one call, whatever dialect it is written in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeAlias

from bridge.services.apidocs.schema import Schema
from bridge.types import JSON

Routes: TypeAlias = frozenset[tuple[str, str]]
"""Method and shape of everything served, as `shape` writes it."""

JSON_MEDIA = "application/json"
_PLACEHOLDER = re.compile(r"[<{]([^>}]*)[>}]")


class Access(Enum):
    """Which secrets a call asks for."""

    ANYBODY = "nothing"
    OPEN = "nothing, or User and Organization"
    BEARER = "the bearer token of a login"
    USER = "User and Organization"
    TOKEN = "User and Element"  # noqa: S105 - words, no secret


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter outside the body; `place` is `query`, `header` or `path`."""

    name: str
    place: str
    schema: Schema
    description: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path below the base path.

    `answer` is the schema of a success, None when it has no body; `media` its type,
    or what else the body may be. `headers` names what a success may carry besides
    what every answer has. A `hub` operation is served under `/hubs/{hub}` and bare.
    `route` is the served path where this operation is one case of it. A `refused` one
    never succeeds. `example` is a body to start from where the schema of the body has
    none in `examples`.
    """

    method: str
    path: str
    id: str
    summary: str
    answer: Schema | None
    body: Schema | None = None
    parameters: tuple[Parameter, ...] = ()
    headers: tuple[str, ...] = ()
    description: str = ""
    tag: str = ""
    access: Access = Access.USER
    hub: bool = False
    route: str = ""
    media: tuple[str, ...] = (JSON_MEDIA,)
    consumes: tuple[str, ...] = (JSON_MEDIA,)
    body_required: bool = True
    refused: bool = False
    example: Mapping[str, JSON] | None = None

    @property
    def is_listing(self) -> bool:
        """Whether a success is a list of items."""
        return self.answer is not None and self.answer.get("type") == "array"

    @property
    def placeholders(self) -> list[str]:
        """The names in braces, in the order of the path."""
        return _PLACEHOLDER.findall(self.path)

    def is_served(self, routes: Routes) -> bool:
        """Tell whether there is a route for it."""
        prefix = "/hubs/{hub}" if self.hub else ""
        return (self.method, shape(prefix + (self.route or self.path))) in routes


def shape(path: str) -> str:
    """Return a path with nothing left of its placeholders' names and kinds."""
    return _PLACEHOLDER.sub("{}", path)


def of_room(
    tag: str, access: Access, operations: Iterable[Operation], *, hub: bool = False
) -> list[Operation]:
    """Return operations with what all of a room have in common."""
    return [replace(each, tag=tag, access=access, hub=hub) for each in operations]
