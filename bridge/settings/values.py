"""Values of settings with their sources."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Value:
    """One value as it was set.

    `source` names its origin for `bridge config`, `place` for errors; `file` is the
    settings file that contains it.
    """

    value: object = field(repr=False)
    source: str
    place: str
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class SecretFile:
    """A file with the value of a setting; `place` is where the file's path was set."""

    path: Path
    place: str
