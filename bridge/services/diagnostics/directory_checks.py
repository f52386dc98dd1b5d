"""Checks of the data directory: access, free space, file permissions.

They change nothing and create nothing.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from shutil import disk_usage

from bridge.services.diagnostics.doctor import Finding, fail, fine, warn
from bridge.settings import Settings
from bridge.store.secrets.key_ring import KEYS_FILE
from bridge.store.secrets.private_files import cure_ownership, is_read_only

_CHECK = "data directory"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_MIN_FREE_BYTES = 1_000_000
_LOW_FREE_BYTES = 100_000_000


def check_directory(settings: Settings) -> Finding:
    """Check the data directory; it may be missing before the first start."""
    path = settings.data_dir
    # `Path.exists` raises an error below a directory that we may not enter.
    if not os.path.exists(path):  # noqa: PTH110
        return _check_parent(path)
    if not path.is_dir():
        return fail(_CHECK, f"{path} is no directory", "set BRIDGE_DATA_DIR to one")
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        text = f"{path} cannot be read and written by this user"
        return fail(_CHECK, text, cure_ownership(path))
    return _check_owners(path)


def check_disk(settings: Settings) -> Finding | None:
    """Check the free space of the data directory's disk; None when it is enough."""
    path = settings.data_dir
    free = disk_usage(path).free if path.is_dir() else _LOW_FREE_BYTES
    if free < _MIN_FREE_BYTES:
        return fail("disk", f"the disk of {path} is full", "make room on it")
    if free < _LOW_FREE_BYTES:
        text = f"the disk of {path} has {free // 1_000_000} MB left"
        return warn("disk", text, "make room on it")
    return None


def _check_owners(path: Path) -> Finding:
    """Check that only the owner of the directory can read it and its secrets."""
    found = [path / KEYS_FILE, *path.glob("*.db")]
    files = [each for each in found if each.exists()]
    exposed = [each for each in (path, *files) if each.stat().st_mode & _OTHERS]
    if exposed:
        text = f"other users of this machine may read {', '.join(map(str, exposed))}"
        return warn(_CHECK, text, f"chmod go= {' '.join(map(str, exposed))}")
    owner = path.stat().st_uid
    foreign = [each for each in files if each.stat().st_uid != owner]
    if foreign:
        named = " ".join(map(str, foreign))
        text = f"not owned by the owner of {path}: {named}"
        return warn(_CHECK, text, f"chown --reference={path} {named}")
    return fine(_CHECK, f"{path} is its owner's alone")


def _check_parent(path: Path) -> Finding:
    """Check whether a data directory that does not exist can be created."""
    above = next(each for each in path.parents if os.path.exists(each))  # noqa: PTH110
    text = f"{path} does not exist"
    if not above.is_dir():
        text = f"{text} and cannot be made: {above} is no directory"
        return fail(_CHECK, text, "set BRIDGE_DATA_DIR to another")
    if not os.access(above, os.X_OK):
        text = f"{path} cannot be used: {above} is closed to this user"
        return fail(_CHECK, text, cure_ownership(path / KEYS_FILE))
    if not os.access(above, os.W_OK):
        text = f"{text} and cannot be made: {above} cannot be written by this user"
        cure = f"set BRIDGE_DATA_DIR to another, or make {path} for this user"
        if is_read_only(above):
            cure = f"{cure_ownership(above)}, or set BRIDGE_DATA_DIR to another"
        return fail(_CHECK, text, cure)
    cure = (
        "nothing, if this is a new installation: the first start makes it; "
        "else set BRIDGE_DATA_DIR"
    )
    return warn(_CHECK, text, cure)
