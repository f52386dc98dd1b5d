"""Dockerfile, compose file and units name settings, users and files that exist."""

from __future__ import annotations

import configparser
import re

import pytest
from deployment import (
    ROOT,
    UNITS,
    bridge_services,
    dockerfile_instructions,
    image_setting,
    read_compose,
)

from bridge.settings.model import SECRETS, Settings
from bridge.settings.names import CONFIG, variable

KNOWN = (
    {variable(name) for name in Settings.model_fields}
    | {f"{variable(name)}_FILE" for name in SECRETS}
    | {CONFIG}
)
FILES = [ROOT / "Dockerfile", ROOT / "compose.yaml", *UNITS]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_variable_is_a_setting(file):
    found = set(re.findall(r"\bBRIDGE_[A-Z_]+", file.read_text("utf-8")))

    assert found <= KNOWN


def test_the_image_runs_as_a_user_of_its_own_and_drains_on_sigterm():
    final = dockerfile_instructions()
    final = final[max(i for i, (name, _) in enumerate(final) if name == "FROM") :]
    last = dict(final)

    assert last["USER"] == "bridge"
    assert last["STOPSIGNAL"] == "SIGTERM"
    assert last["VOLUME"] == "/var/lib/bridge"
    assert "BRIDGE_DATA_DIR=/var/lib/bridge" in last["ENV"]
    assert image_setting("ENTRYPOINT") == ["bridge"]
    assert image_setting("CMD") == ["serve", "--host", "0.0.0.0"]  # noqa: S104 - its own network
    assert not [text for name, text in final if name == "RUN" and "pip" in text]


def test_the_image_is_built_from_what_the_wheel_needs():
    sources = {
        source
        for name, text in dockerfile_instructions()
        if name == "COPY" and not text.startswith("--")
        for source in text.split()[:-1]
    }
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    folders = config["options"]["package_dir"].strip().splitlines()
    needed = {
        "setup.cfg",
        "pyproject.toml",
        config["metadata"]["long_description"].removeprefix("file: "),
        config["metadata"]["license_files"],
        *(folder.partition(" = ")[2] for folder in folders),
    }
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split("\n")

    assert sources == needed
    assert {line[1:] for line in ignored if line.startswith("!")} == needed


def test_services_get_secrets_by_files_that_are_declared():
    document = read_compose()
    for service in document["services"].values():
        given = {
            value.removeprefix("/run/secrets/")
            for name, value in service["environment"].items()
            if name.endswith("_FILE")
        }
        assert given == set(service["secrets"])
        assert given <= document["secrets"].keys()
        named = {each.split(":")[0] for each in service["volumes"]}
        assert named <= document["volumes"].keys()


def test_services_trust_the_gateway_of_their_network_only():
    document = read_compose()
    [network] = document["networks"]["default"]["ipam"]["config"]
    for service in bridge_services().values():
        variables = service["environment"]
        assert variables["BRIDGE_TRUSTED_PROXIES"] == f'["{network["gateway"]}"]'
        assert variables["BRIDGE_METRICS_NETWORKS"] == f'["{network["subnet"]}"]'
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:")


def test_services_are_given_longer_to_stop_than_calls_to_finish():
    drain_s = Settings().shutdown_timeout_s
    for service in bridge_services().values():
        assert float(service["stop_grace_period"].removesuffix("s")) > drain_s
    unit = (ROOT / "deploy" / "systemd" / "bridge.service").read_text("utf-8")
    assert float(re.search(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)[1]) > drain_s
