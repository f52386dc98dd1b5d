"""A value that a source of settings gives, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Value:
    """One value as given.

    `source` is how `bridge config` names its origin, `place` how an error does.
    """

    value: object = field(repr=False)
    source: str
    place: str
