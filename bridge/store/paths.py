"""Files and directories that only their owner may read."""

from __future__ import annotations

import os
from pathlib import Path

from bridge.errors import ConfigurationError


def make_private_directory(path: Path) -> None:
    """Make a directory with mode 0700; one that exists keeps its mode.

    Raises:
        ConfigurationError: it cannot be made.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"The data directory {path} cannot be made: {error.strerror}."
        ) from error


def make_private_file(path: Path) -> None:
    """Make an empty file with mode 0600; one that exists stays as it is.

    Raises:
        ConfigurationError: it cannot be opened for writing.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise ConfigurationError(
            f"The file {path} cannot be written: {error.strerror}."
        ) from error
