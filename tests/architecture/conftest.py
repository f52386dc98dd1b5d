"""Where the repository is."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def root():
    """Return the repository's root folder."""
    return Path(__file__).parents[2]


@pytest.fixture(scope="session")
def modules(root):
    """Return every module of the package, by path from the root."""
    return {
        path.relative_to(root): path.read_text("utf-8")
        for folder in ("bridge", "wsdl_cache")
        for path in sorted((root / folder).rglob("*.py"))
    }
