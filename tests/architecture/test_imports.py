"""The import contracts hold, and each notices an import that breaks it."""

import configparser
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

# For each contract: a module to add to, and a line that must not be there.
VIOLATIONS = [
    ("layers", "bridge/catalog/model.py", "import bridge.services"),
    ("layers", "bridge/services/planted.py", "import bridge.web"),
    ("layers", "bridge/store/planted.py", "import bridge.backends.planted"),
    ("layers", "bridge/ceql/ast.py", "import bridge.catalog"),
    ("layers", "bridge/interfaces/data.py", "import bridge.store"),
    ("layers", "bridge/types.py", "import bridge.errors"),
    ("layers", "bridge/utils.py", "import os"),
    ("sandbox", "bridge/sandbox/planted.py", "import bridge.errors"),
    ("sandbox", "bridge/sandbox/planted.py", "import bridge.types"),
    ("sandbox", "bridge/sandbox/planted.py", "import zeep"),
    ("sandbox-layers", "bridge/sandbox/data/planted.py", "import bridge.sandbox.soap"),
    ("sandbox-users", "bridge/web/planted.py", "import bridge.sandbox"),
    ("sandbox-users", "bridge/interfaces/data.py", "import bridge.sandbox"),
    ("backends", "bridge/services/planted.py", "import bridge.backends.autotask_soap"),
    ("tables", "bridge/services/planted.py", "import bridge.store.models"),
    ("zeep", "bridge/backends/planted.py", "import zeep"),
    ("lxml", "bridge/services/planted.py", "import lxml"),
    ("sqlalchemy", "bridge/services/planted.py", "import sqlalchemy"),
    ("sqlalchemy", "bridge/cli/planted.py", "import alembic"),
    ("dbos", "bridge/app.py", "import dbos"),
    ("layers", "bridge/web/planted.py", "import bridge.jobs"),
    ("flask", "bridge/services/planted.py", "import flask"),
    ("http", "bridge/services/planted.py", "import requests"),
    ("http", "bridge/web/planted.py", "import urllib3"),
    ("layers", "bridge/outbound/planted.py", "import bridge.store"),
    ("layers", "bridge/store/planted.py", "import bridge.outbound.delivery"),
    ("pure", "bridge/backends/autotask_soap/encode/queryxml.py", "import zeep"),
    ("pure", "bridge/backends/autotask_soap/decode/parser.py", "import urllib3"),
    ("siblings", "bridge/ceql/ast.py", "import bridge.ceql.parser"),
]


def lint(folder, *arguments):
    """Run import-linter on the package in `folder`, which shadows the installed one."""
    command = Path(sysconfig.get_path("scripts"), "lint-imports")
    return subprocess.run(
        [command, "--no-logo", "--no-cache", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def contracts(root):
    config = configparser.ConfigParser()
    config.read(root / "setup.cfg")
    prefix = "importlinter:contract:"
    return {
        section.removeprefix(prefix): config[section]["name"]
        for section in config.sections()
        if section.startswith(prefix)
    }


def test_every_contract_is_kept(root):
    result = lint(root)

    assert result.returncode == 0, result.stdout + result.stderr
    for name in contracts(root).values():
        assert f"{name} KEPT" in result.stdout


@pytest.mark.parametrize(
    ("contract", "module", "line"),
    [
        *VIOLATIONS[:3],
        *(pytest.param(*v, marks=pytest.mark.campaign) for v in VIOLATIONS[3:]),
    ],
)
def test_a_planted_import_breaks_its_contract(root, tmp_path, contract, module, line):
    ignored = shutil.ignore_patterns("__pycache__", "*.toml")
    shutil.copytree(root / "bridge", tmp_path / "bridge", ignore=ignored)
    shutil.copy(root / "setup.cfg", tmp_path)
    (tmp_path / "bridge/backends/planted.py").touch()
    with (tmp_path / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")

    result = lint(tmp_path, "--contract", contract)

    assert result.returncode == 1, result.stdout + result.stderr
    assert f"{contracts(root)[contract]} BROKEN" in result.stdout


def test_every_contract_has_a_planted_violation(root):
    assert {contract for contract, _, _ in VIOLATIONS} == set(contracts(root))
