"""`api.yaml` is a document of its own: valid without code, nothing unused in it."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
import yaml
from openapi_spec_validator import validate

CODE_USES = {"schemas/Record"}
"""The schema of records without known fields, which code puts into the templates."""


@pytest.fixture(scope="module")
def source():
    return (files("bridge.services.openapi") / "api.yaml").read_text(encoding="utf-8")


def test_it_is_valid_as_it_stands(source):
    validate(yaml.safe_load(source))


def test_every_component_is_used(source):
    document = yaml.safe_load(source)
    used = set(re.findall(r'"#/components/(\w+/[\w-]+)"', source)) | CODE_USES
    named = {
        f"{kind}/{name}"
        for kind, parts in document["components"].items()
        for name in parts
        if kind != "securitySchemes"
    }

    assert named - used == set()


def test_both_loaders_read_the_same(source):
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    fast = yaml.load(source, Loader=loader)  # noqa: S506 - both are safe loaders

    assert fast == yaml.safe_load(source)
