"""The shell lines of docs/deploying.md, run in order with this machine's paths.

`sudo`, `systemctl` and `docker` are replaced by scripts, because a test machine has no
service users, no running systemd and no container engine. They start real processes.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from deployment import DROP_INS
from ports import find_free_port
from psycopg import connect

from bridge.cli import main
from bridge.store.secrets.key_ring import parse_ring

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "deploying.md").read_text("utf-8")
SUPPORT = ROOT / "tests" / "support"
CODE = "ABCDEFGHIJKLMNOPQRSTUVWXYZ7"
UPGRADE = "before-upgrade-2026-12-01"
LEFT_OUT = ("apt-get ", "useradd ", "createuser ", "python3 -m venv ", "/bin/pip ")
"""Lines that would change this machine, or that CI runs in another way."""


def blocks(heading):
    """Return the shell blocks of a section."""
    [section] = re.findall(
        rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL
    )
    return re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def without(block, *parts):
    """Return a block without the lines that hold one of some texts."""
    lines = block.splitlines(keepends=True)
    return "".join(line for line in lines if not any(part in line for part in parts))


class Machine:
    """A directory in place of a machine's root, and scripts in place of tools."""

    def __init__(self, root):
        self.root = root
        self.port = find_free_port()
        self.paths = {
            "/opt/bridge": str(root / "opt"),
            "/etc/bridge": str(root / "etc"),
            "/var/lib/bridge": str(root / "lib"),
            "/var/backups/bridge": str(root / "backups"),
            "/etc/systemd/system": str(root / "units"),
        }
        self.changes = {
            **self.paths,
            "-o bridge -g bridge ": "",
            "-o root -g bridge ": "",
            "YOUR-INTEGRATION-CODE": CODE,
            "health --ready": f"health --url http://127.0.0.1:{self.port} --ready",
        }
        for folder in ("bin", "opt", "units"):
            (root / folder).mkdir()
        (root / "opt" / "bin").symlink_to(Path(sys.executable).parent)
        manager = f"{sys.executable} {SUPPORT / 'service_manager.py'}"
        self._replace_tool("sudo", 'if [ "$1" = -u ]; then shift 2; fi; exec "$@"')
        self._replace_tool("systemctl", f'PYTHONPATH={SUPPORT} exec {manager} "$@"')
        self._replace_tool("chown", "exit 0")
        # A run over midnight must restore the backup that it made the day before.
        self._replace_tool(
            "date",
            'if [ "$1" = +%F ]; then echo 2026-12-01; else exec /bin/date "$@"; fi',
        )
        self._replace_tool(
            "docker",
            'if [ "$1 $2 $3" = "run --rm bridge:local" ]; then shift 3; '
            f'exec {sys.executable} -m bridge "$@"; fi',
        )
        self.env = {
            **os.environ,
            "PATH": f"{root / 'bin'}:{os.environ['PATH']}",
            "BRIDGE_CONFIG": str(root / "etc" / "bridge.toml"),
            "UNITS": str(root / "units"),
            "PATHS": json.dumps(self.paths),
            "SERVE_ARGUMENTS": f"--port {self.port} --workers 1",
        }

    def _replace_tool(self, name, script):
        file = self.root / "bin" / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def run(self, script, directory=ROOT):
        """Run a script; return what it printed."""
        for documented, actual in self.changes.items():
            script = script.replace(documented, actual)
        ended = subprocess.run(
            ["sh", "-eux", "-c", f"umask 022\n{script}"],
            cwd=directory,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr + self._logs()
        return ended.stdout

    def _logs(self):
        return "".join(log.read_text() for log in self.root.glob("units/*.log"))

    def bridge(self, *arguments):
        """Run a command in this process, which is faster; return what it printed."""
        result = CliRunner().invoke(main, arguments, env=self.env)
        assert result.exit_code == 0, result.output
        return result.stdout

    def emails(self):
        listed = json.loads(self.bridge("user", "list", "--json"))
        return [user["email"] for user in listed]

    def add_user(self, email):
        password = ("--password", "x")
        self.bridge("user", "add", "--organization", "N", "--email", email, *password)


@pytest.fixture
def machine(tmp_path):
    machine = Machine(tmp_path)
    yield machine
    machine.run("systemctl stop bridge.service")


@pytest.fixture
def database(postgresql_database):
    """A PostgreSQL database's name, and its server by the variables of libpq."""
    with postgresql_database() as url:
        yield url
        others = [f"{url.database}_restored", f"{url.database}_before_restore"]
        maintenance = url.set(drivername="postgresql", database="postgres")
        with connect(
            maintenance.render_as_string(hide_password=False), autocommit=True
        ) as connection:
            for other in others:
                connection.execute(f'DROP DATABASE IF EXISTS "{other}" WITH (FORCE)')


def test_a_server_is_installed_backed_up_and_restored(machine):
    install, settings, service = blocks("A Linux server, with systemd")
    machine.run(without(install, *LEFT_OUT))
    shown = machine.run(settings)
    printed = machine.run(service)

    assert "integration_code" in shown
    assert CODE not in shown
    assert printed.startswith("ready\n")
    assert not re.search("^(warning|failed)", printed, re.MULTILINE), printed

    machine.add_user("before@x.example")
    backup, _ = blocks("Backups")
    machine.run(backup)
    machine.add_user("after@x.example")
    made = {path.name for path in (machine.root / "backups").iterdir()}
    assert {f"{UPGRADE}.db", f"{UPGRADE}.jobs.db"} < made
    assert len(made) == 4

    restore, _ = blocks("Restoring")
    assert machine.run(restore).endswith("ready\n")
    assert machine.emails() == ["before@x.example"]


@pytest.mark.campaign
def test_postgresql_is_set_up_backed_up_and_restored(machine, database, tmp_path):
    name, port = database.database, database.port or 5432
    drop_ins = tmp_path / "drop-ins"
    drop_ins.mkdir()
    [shipped] = DROP_INS
    text = shipped.read_text("utf-8").replace('part" bridge &&', f'part" {name} &&')
    (drop_ins / shipped.name).write_text(text)
    machine.env |= {
        "PGHOST": database.host,
        "PGPORT": str(port),
        "PGUSER": database.username,
        "PGPASSWORD": database.password or "",
    }
    machine.changes |= {
        "bridge@/bridge?host=/var/run/postgresql": f"{database.username}@/{name}?host="
        f"{database.host}&port={port}&options=-csynchronous_commit=off",
        "--owner=bridge ": "",
        'dump" bridge\n': f'dump" {name}\n',
        "bridge_restored": f"{name}_restored",
        "DATABASE bridge RENAME TO bridge": f"DATABASE {name} RENAME TO {name}",
        "RENAME TO bridge'": f"RENAME TO {name}'",
        "deploy/systemd/bridge-backup.service.d/": f"{drop_ins}/",
    }
    install, settings, service = blocks("A Linux server, with systemd")
    machine.run(without(install, *LEFT_OUT))
    machine.run(without(settings, "bridge config"))
    machine.run(without(service, "enable", "health", "doctor"))
    set_up, nightly = blocks("With PostgreSQL")

    assert machine.run(without(set_up, "createuser ", "createdb ")).endswith("ready\n")
    machine.run(nightly)
    [dump] = (machine.root / "backups").iterdir()
    assert dump.name.startswith("bridge-")
    assert dump.suffix == ".dump"

    machine.add_user("before@x.example")
    machine.run(blocks("Backups")[1])
    machine.add_user("after@x.example")
    assert machine.run(blocks("Restoring")[1]).endswith("ready\n")
    assert machine.emails() == ["before@x.example"]


def test_an_upgrade_is_the_start_that_other_sections_run():
    upgrade, _ = blocks("Upgrading")

    assert without(upgrade, "/bin/pip ") in blocks("With PostgreSQL")[0]


def test_the_secrets_of_the_compose_file_are_made(machine, tmp_path):
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    machine.run(blocks("Containers")[0], tmp_path)
    secrets = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}

    assert secrets.keys() == compose["secrets"].keys()
    [_], _ = parse_ring(secrets["keys"], "keys")
    password = secrets["postgres_password"].strip()
    assert secrets["database_url"].endswith(f"bridge:{password}@postgres/bridge\n")
    machine.env["BRIDGE_CONFIG"] = ""
    for name in ("database_url", "keys", "integration_code"):
        file = tmp_path / "secrets" / name
        machine.env[f"BRIDGE_{name.upper()}_FILE"] = str(file)
    shown = json.loads(machine.bridge("config", "--json"))
    assert shown


def test_logrotate_reads_its_configuration(tmp_path):
    program = shutil.which("logrotate", path=f"{os.environ['PATH']}:/usr/sbin")
    missing = "logrotate is not installed: apt-get install logrotate"
    if program is None and os.environ.get("CI") == "true":
        pytest.fail(missing)
    if program is None:
        pytest.skip(missing)
    pattern = r"<!-- logrotate -->\n```\n(.*?)```"
    [text] = re.findall(pattern, PAGE, re.DOTALL)
    (tmp_path / "bridge").write_text(text)

    ended = subprocess.run(
        [program, "--debug", "--state", tmp_path / "state", tmp_path / "bridge"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "error" not in ended.stderr
    assert "/var/log/bridge.log" in ended.stderr


def test_prometheus_finds_the_rules_and_the_job_they_name():
    pattern = r"<!-- prometheus -->\n```yaml\n(.*?)```"
    [text] = re.findall(pattern, PAGE, re.DOTALL)
    document = yaml.safe_load(text)

    [job] = document["scrape_configs"]
    rules = (ROOT / "deploy" / "prometheus-rules.yml").read_text("utf-8")
    assert f'up{{job="{job["job_name"]}"}}' in rules


def test_every_file_that_is_named_exists():
    for link in re.findall(r"\]\(([^)#]+)", PAGE):
        assert (ROOT / "docs" / link).exists(), link
    for name in re.findall(r"deploy/[\w./-]+\w", PAGE):
        assert (ROOT / name).exists(), name
