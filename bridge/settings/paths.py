"""Paths in settings."""

from __future__ import annotations

from pathlib import Path

from bridge.errors import ConfigurationError


def make_absolute(path: str | Path) -> Path:
    """Return a path that no longer depends on the current directory.

    Raises:
        ConfigurationError: it is relative, and the current directory does not exist.
    """
    try:
        return Path(path).absolute()
    except FileNotFoundError:
        raise ConfigurationError(
            f"{path} is relative to the current directory, which no longer exists; "
            "change to another directory."
        ) from None
