"""A value that a source of settings gives, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Value:
    """One value as given.

    `source` is how `bridge config` names its origin, `place` how an error does, and
    `file` the settings file that it stands in.
    """

    value: object = field(repr=False)
    source: str
    place: str
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class SecretFile:
    """A file that holds the value of a setting; `place` is where the file is named."""

    path: Path
    place: str
