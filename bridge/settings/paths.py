"""Paths as settings give them."""

from __future__ import annotations

from pathlib import Path

from bridge.errors import ConfigurationError


def make_absolute(path: str | Path) -> Path:
    """Return a path that no longer depends on the current directory.

    Raises:
        ConfigurationError: it does, and the current directory no longer exists.
    """
    try:
        return Path(path).absolute()
    except FileNotFoundError:
        raise ConfigurationError(
            f"{path} is relative to the current directory, which no longer exists; "
            "change to another directory."
        ) from None
