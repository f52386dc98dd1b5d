"""What a server does when its data is taken away, and who may read its files."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from process_tree import children, is_worker
from sqlalchemy import make_url, text
from waiting import wait_until

from bridge.app import create_app
from bridge.composition import OpenedDatabase, make_database, open_database
from bridge.errors import StoreError
from bridge.settings import Settings
from bridge.store.organizations import add_tenant

LOOSE = ("keys.json", "bridge.db", "wsdl/ww3.wsdl", "metrics/old/counter_1.db")
TRIES = 6
"""Calls that together reach each of two serving processes, almost surely."""


def is_facade(pid):
    try:
        return b"\0--ready-fd\0" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def is_loose(path):
    """Return whether other users can read a file; False if it is gone."""
    with suppress(FileNotFoundError):
        return bool(path.stat().st_mode & 0o077)
    return False


class Server:
    """A `bridge serve` of two serving processes and a worker, with one known user."""

    def __init__(self, process, base_url, data, user):
        self.process, self.data, self.aside = process, data, data.parent / "aside"
        self._base_url = base_url
        self._authorization = (
            f"User {user.user_secret}, Organization {user.organization_secret}"
        )

    def call(self, path):
        """Return status and body; the path of an API route is without its prefix."""
        root = self._base_url.split("/elements")[0]
        url = root + path if path in ("/readyz", "/healthz") else self._base_url + path
        headers = {"Authorization": self._authorization}
        try:
            request = urllib.request.Request(url, headers=headers)
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def statuses(self, path):
        return {self.call(path)[0] for _ in range(TRIES)}

    def reasons(self):
        answers = [self.call("/readyz") for _ in range(TRIES)]
        return {body.get("reason", "") for _, body in answers}

    @property
    def serving(self):
        """The serving processes, whose parent is the facade."""
        [facade] = [pid for pid in children(self.process.pid) if is_facade(pid)]
        return children(facade)

    @property
    def workers(self):
        return [pid for pid in children(self.process.pid) if is_worker(pid)]

    def replace_processes(self):
        """Kill a serving process and restart all; return when none is left."""
        before = self.serving
        os.kill(before[0], signal.SIGKILL)
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(self.serving) == 2 and not {*before} & {*self.serving})

    @contextmanager
    def away(self, *names):
        """Move files out of the data directory, or all of it, and back again."""
        paths = [self.data / name for name in names] or [self.data]
        moved = [path for path in paths if path.exists()]
        self.aside.mkdir()
        for path in moved:
            path.rename(self.aside / path.name)
        try:
            yield
        finally:
            for path in moved:
                shutil.rmtree(path, ignore_errors=True)
                (self.aside / path.name).replace(path)
            self.aside.rmdir()
        wait_until(lambda: self.statuses("/readyz") == {200})


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    data = tmp_path_factory.mktemp("served") / "data"
    settings = Settings(data_dir=data)
    make_database(settings)
    with closing(open_database(settings)) as database:
        user = add_tenant(
            database, organization="Northwind", email="a@b.example", password="pw"
        )
    for name in LOOSE:
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).touch()
        (data / name).chmod(0o644)
    data.chmod(0o755)
    with subprocess.Popen(
        [sys.executable, "-m", "bridge", "serve", "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "BRIDGE_DATA_DIR": str(data)},
        umask=0,
    ) as process:
        try:
            line = json.loads(process.stdout.readline())
            server = Server(process, line["baseUrl"], data, user)
            wait_until(lambda: server.workers)
            yield server
        finally:
            process.terminate()
            process.wait(120)


def test_files_are_their_owner_s_whatever_umask_and_directory(server, demo_dir, demo):
    assert server.statuses("/accounts") == {200}
    wait_until((server.data / "jobs.db").exists)

    for directory in (server.data, demo_dir):
        paths = [path for path in directory.rglob("*") if path.is_file()]
        assert {str(path) for path in paths if is_loose(path)} == set()
    assert server.data.stat().st_mode & 0o777 == 0o755
    assert (demo_dir / "sandbox.db").exists()


def test_a_missing_data_directory_is_never_created_again(server):
    [worker] = wait_until(lambda: server.workers)
    with server.away():
        with suppress(ProcessLookupError):  # it has ended, if it began in another test
            os.kill(worker, signal.SIGKILL)
        server.replace_processes()

        assert server.statuses("/readyz") == {503}
        [reason] = server.reasons()
        assert "bridge.db is not there any more" in reason
        assert "mount it again" in reason
        assert server.statuses("/healthz") == {200}
        assert server.statuses("/accounts") <= {500, 502}
        assert not server.data.exists()

    assert server.statuses("/accounts") == {200}
    wait_until(lambda: {*server.workers} - {worker})


@pytest.mark.campaign
def test_an_empty_directory_in_its_place_stays_empty(server):
    """A volume was unmounted: what remains is the empty mount point."""
    with server.away():
        server.data.mkdir()
        server.replace_processes()

        assert server.statuses("/readyz") == {503}
        assert server.statuses("/accounts") <= {500, 502}
        assert list(server.data.iterdir()) == []


def test_another_installation_in_its_place_is_not_served(server, tmp_path):
    make_database(Settings(data_dir=tmp_path / "other"))
    with server.away():
        shutil.copytree(tmp_path / "other", server.data)

        assert server.statuses("/readyz") == {503}
        [reason] = server.reasons()
        assert "is not the one that was opened" in reason
        assert server.statuses("/accounts") <= {500, 502}


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["bridge.db", "bridge.db-wal", "bridge.db-shm"], "bridge.db is not there"),
        (["jobs.db", "jobs.db-wal", "jobs.db-shm"], "jobs.db is not there"),
        (["keys.json"], "keys.json is not there"),
    ],
    ids=["database", "jobs", "keys"],
)
def test_a_missing_part_of_it_is_named_and_not_created_again(server, names, told):
    with server.away(*names):
        assert server.statuses("/readyz") == {503}
        [reason] = server.reasons()
        assert told in reason
        # Who has read the keys goes on, and so do the processes forked from it.
        expected = {200} if "bridge.db" not in names else {500, 502}
        assert server.statuses("/accounts") <= expected
        assert [name for name in names if (server.data / name).exists()] == []


def test_an_emptied_postgresql_is_not_given_tables_by_a_child(
    postgresql_schema, tmp_path
):
    with postgresql_schema() as url:
        settings = Settings(data_dir=tmp_path, database_url=url)
        opened = make_database(settings)
        app = create_app(settings, opened)
        client = app.test_client()
        assert client.get("/readyz").status_code == 200
        schema = make_url(url).query["options"].split("search_path=")[1].split()[0]
        with closing(open_database(settings)) as database:
            with database.begin() as connection:
                connection.execute(text(f'DROP SCHEMA "{schema}" CASCADE'))
                connection.execute(text(f'CREATE SCHEMA "{schema}"'))

            answer = client.get("/readyz")
            app.extensions["bridge"].database.close()

            assert answer.status_code == 503
            assert "emptied or replaced" in answer.json["reason"]
            with pytest.raises(StoreError, match="emptied or replaced"):
                open_database(settings, OpenedDatabase(opened.identity))
            assert database.versions()[0] is None
