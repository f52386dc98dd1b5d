"""Writes that failed are repeated until they succeed, and are applied once."""

from __future__ import annotations

import secrets
import select
import socket
import threading
from contextlib import closing, contextmanager, suppress
from functools import partial

import pytest
from sqlalchemy import text
from waiting import wait_until

from bridge.composition import build_context
from bridge.errors import StoreError, StoreUnavailableError
from bridge.services import pending_writes as unsaved_writes
from bridge.services.locks import record_lock
from bridge.services.pending_writes import PendingWrites
from bridge.settings import Settings
from bridge.store.database.engine import Database
from bridge.store.idempotency_records import (
    CreateRequest,
    Result,
    State,
    acquire,
    finish,
    read,
)
from bridge.store.locks import acquire as acquire_lock


@pytest.fixture
def execute(db):
    def execute(*statements):
        with db.autocommit() as connection:
            for statement in statements:
                connection.execute(text(statement))

    return execute


@pytest.fixture
def role():
    return f"bridge_{secrets.token_hex(8)}"


@pytest.fixture
def limited(db, execute, role):
    """The same database opened as a role that can be shut out."""
    with db.read() as connection:
        url = connection.engine.url
        schema = connection.execute(text("SELECT current_schema()")).scalar_one()
    execute(
        f"CREATE ROLE {role} LOGIN",
        f'GRANT USAGE ON SCHEMA "{schema}" TO {role}',
        f'GRANT ALL ON ALL TABLES IN SCHEMA "{schema}" TO {role}',
        f'GRANT ALL ON ALL SEQUENCES IN SCHEMA "{schema}" TO {role}',
    )
    address = url.set(username=role).render_as_string(hide_password=False)
    with closing(Database.open(address, keys=db.keys)) as limited:
        yield limited
    execute(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


@pytest.fixture
def shut_out(execute, role):
    """While it is open the server ends and refuses the role's connections."""

    @contextmanager
    def shut_out():
        execute(
            f"ALTER ROLE {role} CONNECTION LIMIT 0",
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'",  # noqa: S608, E501
        )
        yield
        execute(f"ALTER ROLE {role} CONNECTION LIMIT -1")

    return shut_out


@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
def test_a_result_that_a_server_did_not_take_is_stored_when_it_is_back(
    db, limited, shut_out, instance
):
    wanted = CreateRequest(instance.id, "tenant", "Contact", "key", "body", keyed=True)
    mine = acquire(limited, wanted, holder="mine", lease_s=300, window_s=600)
    unsaved = PendingWrites()
    ending = Result("the answer", record_id=7, lifetime_s=60)
    with shut_out():
        with pytest.raises(StoreError):
            finish(limited, mine.id, "mine", ending)
        unsaved.save(partial(finish, limited, mine.id, "mine", ending))
        assert read(db, mine.id, wanted).state is State.RUNNING

    wait_until(lambda: read(db, mine.id, wanted).state is not State.RUNNING)
    seen = read(db, mine.id, wanted)
    assert (seen.state, seen.answer) == (State.DONE, "the answer")


class Line:
    """A line to a server that can be cut when the answer to a commit comes back."""

    def __init__(self, address):
        self.cut = threading.Event()
        self._address = address
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(60)

    def _accept(self):
        with suppress(OSError), self._listener:
            while True:
                caller, _ = self._listener.accept()
                thread = threading.Thread(target=self._serve, args=(caller,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, caller):
        """Forward both directions by turns, until one side closes."""
        with caller, socket.create_connection(self._address) as server:
            while True:
                for speaker in select.select([caller, server], [], [])[0]:
                    data = speaker.recv(65536)
                    if not data:
                        return
                    (server if speaker is caller else caller).sendall(data)
                    if self.cut.is_set() and b"Q\0\0\0\x0bCOMMIT\0" in data:
                        self.cut.clear()
                        server.recv(65536)
                        return


@pytest.fixture
def line(db):
    with db.read() as connection:
        url = connection.engine.url
    with closing(Line((url.host, url.port or 5432))) as line:
        plain = {"sslmode": "disable", "gssencmode": "disable"}
        line.url = url.set(host="127.0.0.1", port=line.port).update_query_dict(plain)
        yield line


@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
def test_lock_whose_confirmation_was_lost_does_not_block(db, line, tmp_path):
    address = line.url.render_as_string(hide_password=False)
    settings = Settings(data_dir=tmp_path, record_lock_lease_s=120)
    with closing(Database.open(address, keys=db.keys)) as database:
        ctx = build_context(settings, database)
        line.cut.set()
        with pytest.raises(StoreUnavailableError), record_lock(ctx, "a record"):
            pytest.fail("the lock counts as held")
        assert not line.cut.is_set()

        wait_until(lambda: acquire_lock(db, "a record", "another", 60))


def test_refused_write_does_not_delay_others():
    done, unsaved = [], PendingWrites()

    def refuse():
        if len(done) < 2:
            raise StoreError("refused")

    def refuse_once():
        done.append(len(done))
        if len(done) == 1:
            raise StoreError("refused")

    unsaved.save(refuse)
    unsaved.save(refuse_once)

    wait_until(lambda: len(done) >= 2)


def test_calls_that_were_not_sent_use_no_capacity_of_results(caplog):
    """While a database is away, any number of creates are refused."""
    away, done, unsaved = threading.Event(), [], PendingWrites()
    away.set()

    def write(name):
        if away.is_set():
            raise StoreError("away")
        done.append(name)

    for _ in range(6_000):
        unsaved.save(partial(write, "refused"), unsent=True)
    unsaved.save(partial(write, "created"))
    away.clear()

    wait_until(lambda: "created" in done)
    said = [each for each in caplog.records if each.name == unsaved_writes.__name__]
    assert [each for each in said if each.levelname == "ERROR"] == []
