"""The deployment files as data: what the image, the services and the units run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
SYSTEMD = ROOT / "deploy" / "systemd"
UNITS = sorted(path for path in SYSTEMD.iterdir() if path.is_file())
DROP_INS = sorted(SYSTEMD.glob("*.d/*.conf"))


def read_compose() -> dict[str, Any]:
    """Return the compose file, with its anchors merged."""
    document: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return document


def bridge_services() -> dict[str, dict[str, Any]]:
    """Return the services that run the image, by name."""
    services = read_compose()["services"]
    return {n: each for n, each in services.items() if "build" in each}


def dockerfile_instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile, lines that go on joined."""
    text = (ROOT / "Dockerfile").read_text()
    joined = re.sub(r"\s*\\\n\s*", " ", text)
    lines = [line for line in joined.splitlines() if line and line[0] not in "# "]
    return [(line.split()[0], line.partition(" ")[2]) for line in lines]


def image_setting(instruction: str) -> Any:
    """Return the JSON of the final stage's only CMD, ENTRYPOINT or HEALTHCHECK."""
    [value] = [text for name, text in dockerfile_instructions() if name == instruction]
    return json.loads(value[value.index("[") :])
