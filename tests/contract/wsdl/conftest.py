"""The vendor's description, where the shared documents lie beside the repository."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def vendor_wsdl() -> Callable[[str], bytes]:
    def read(version: str) -> bytes:
        path = ROOT.parent / "shared" / "wsdl" / f"atws-{version}.wsdl"
        if path.exists():
            return path.read_bytes().lstrip()
        reason = f"the vendor's description of {version} is not beside the repository"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)

    return read
