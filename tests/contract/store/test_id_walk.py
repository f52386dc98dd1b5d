"""A walk saves every record once, wherever it is interrupted and whatever changes."""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.errors import ProviderProtocolError
from bridge.interfaces import Entity, Page
from bridge.services.id_walk import open_walk, save_chunks, walk
from bridge.store.instances import add_instance
from bridge.store.organizations import add_tenant
from bridge.store.result_chunks import Checkpoint, Chunk, Part, read_chunks

LATER = datetime(2126, 1, 2, tzinfo=UTC)
IDS = st.integers(0, 60)


class Killed(BaseException):
    """The process ended here; nothing of it runs any more."""


class Vendor:
    """Records by id, of which any may be created or deleted between two calls."""

    def __init__(self, ids, changes=()):
        self.ids = set(ids)
        self.calls = 0
        self._changes = list(changes)

    def fetch(self, after, limit):
        self.calls += 1
        if self._changes:
            self.ids ^= self._changes.pop(0)
        found = sorted(i for i in self.ids if after is None or i > after)
        entities = [Entity({"id": each}) for each in found[:limit]]
        return Page(entities, more=len(found) > limit)


def encode(page):
    ids = [entity.id for entity in page.entities]
    return Chunk(b"".join(b"%d\n" % each for each in ids), len(ids))


def ids_of(db, owner_id):
    return [int(line) for data in read_chunks(db, owner_id) for line in data.split()]


def killed_at(save, moments):
    """Return `save` that dies before or after the saving, at the given calls."""
    calls = 0

    def killed_save(*arguments):
        nonlocal calls
        calls += 1
        moment = moments.get(calls)
        if moment == "before":
            raise Killed
        reached = save(*arguments)
        if moment == "after":
            raise Killed
        return reached

    return killed_save


@pytest.fixture
def part(instance):
    def part(number=0):
        return Part(secrets.token_hex(8), number, instance.id, LATER)

    return part


@settings(
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    ids=st.sets(IDS),
    changes=st.lists(st.sets(IDS, max_size=8), max_size=12),
    page_size=st.integers(1, 7),
    max_pages=st.integers(1, 4),
    kills=st.dictionaries(
        st.integers(1, 25), st.sampled_from(["before", "after"]), max_size=8
    ),
    first=st.none() | IDS,
    stale=st.booleans(),
)
def test_every_lasting_record_is_saved_once_in_order(
    db, part, ids, changes, page_size, max_pages, kills, first, stale
):
    vendor = Vendor(ids, changes)
    chosen = part()
    save = killed_at(save_chunks(db, chosen, encode), kills)
    # As the durable engine knows it: only from a piece that ended.
    known = Checkpoint(after=first)
    while not known.done:
        # A repeated piece starts at its stored argument, which may be long past.
        start = known if stale else open_walk(db, chosen, first)
        try:
            known = walk(
                vendor.fetch, save, start, max_pages=max_pages, page_size=page_size
            )
        except Killed:
            continue

    saved = ids_of(db, chosen.owner_id)
    toggled = set().union(*changes)
    wanted = {each for each in ids - toggled if first is None or each > first}
    assert saved == sorted(set(saved))
    assert wanted <= set(saved) <= (ids | toggled)
    assert all(first is None or each > first for each in saved)
    assert open_walk(db, chosen).done


@settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    ids=st.sets(IDS),
    changes=st.lists(st.sets(IDS, max_size=8), max_size=12),
    turns=st.lists(st.sampled_from([0, 1]), max_size=30),
    sizes=st.tuples(st.integers(1, 7), st.integers(1, 7)),
)
def test_two_runs_of_one_walk_neither_lose_nor_double(
    db, part, ids, changes, turns, sizes
):
    # A worker that was given up for dead goes on beside its successor.
    vendor = Vendor(ids, changes)
    chosen = part()
    save = save_chunks(db, chosen, encode)
    known = [Checkpoint(), Checkpoint()]
    for run in [*turns, *[0] * 80, *[1] * 80]:
        known[run] = walk(
            vendor.fetch, save, known[run], max_pages=1, page_size=sizes[run]
        )

    saved = ids_of(db, chosen.owner_id)
    toggled = set().union(*changes)
    assert known[0] == known[1]
    assert known[0].done
    assert saved == sorted(set(saved))
    assert ids - toggled <= set(saved) <= (ids | toggled)


def test_piece_costs_one_call_a_page_and_none_when_done(db, part):
    vendor = Vendor(range(10))
    chosen = part()
    save = save_chunks(db, chosen, encode)

    first = walk(vendor.fetch, save, Checkpoint(), max_pages=2, page_size=3)
    calls = vendor.calls
    last = walk(vendor.fetch, save, first, max_pages=9, page_size=3)
    again = walk(vendor.fetch, save, last, max_pages=9, page_size=3)

    assert (first, calls) == (Checkpoint(2, 5), 2)
    assert (last, again, vendor.calls) == (Checkpoint(4, 9, done=True), last, 4)


def test_walk_of_nothing_is_done_at_once(db, part):
    chosen = part()

    end = walk(
        Vendor([]).fetch,
        save_chunks(db, chosen, encode),
        Checkpoint(),
        max_pages=5,
        page_size=500,
    )

    assert end == Checkpoint(done=True)
    assert ids_of(db, chosen.owner_id) == []


@pytest.mark.parametrize("ids", [[5, 4], [3, 3], [2, 1, 3]])
def test_records_out_of_order_are_an_error_and_not_saved(db, part, ids):
    chosen = part()

    def fetch(after, limit):
        return Page([Entity({"id": each}) for each in ids], more=True)

    with pytest.raises(ProviderProtocolError, match="order of ids"):
        walk(
            fetch,
            save_chunks(db, chosen, encode),
            Checkpoint(),
            max_pages=5,
            page_size=500,
        )

    assert open_walk(db, chosen, 7) == Checkpoint(after=7)


def test_vendor_that_repeats_its_page_is_an_error(db, part):
    def fetch(after, limit):
        return Page([Entity({"id": 1})], more=True)

    with pytest.raises(ProviderProtocolError, match="record 1 after the record 1"):
        walk(
            fetch,
            save_chunks(db, part(), encode),
            Checkpoint(),
            max_pages=5,
            page_size=500,
        )


PROGRAM = """
import json, os, pathlib, signal, sys
from datetime import UTC, datetime
from bridge.interfaces import Entity, Page
from bridge.services.id_walk import open_walk, save_chunks, walk
from bridge.store.database.engine import Database
from bridge.store.result_chunks import Chunk, Part
from bridge.store.secrets.key_ring import KeyRing

url, data_dir, instance_id, moments = json.loads(sys.argv[1])

def fetch(after, limit):
    found = [n for n in range(35) if after is None or n > after]
    return Page([Entity({"id": each}) for each in found[:limit]], len(found) > limit)

def run(moment):
    db = Database.open(url, keys=KeyRing.load(pathlib.Path(data_dir), None))
    part = Part("killed job", 0, instance_id, datetime(2126, 1, 2, tzinfo=UTC))

    def die_at(now):
        if now == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    def encode(page):
        die_at(open_walk(db, part).sequence)
        ids = [entity.id for entity in page.entities]
        return Chunk(b"".join(b"%d\\n" % each for each in ids), len(ids))

    save = save_chunks(db, part, encode)

    def save_and_die(*arguments):
        reached = save(*arguments)
        die_at(reached.sequence - 0.5)
        return reached

    walk(fetch, save_and_die, open_walk(db, part), max_pages=99, page_size=10)

for moment in moments:
    child = os.fork()
    if not child:
        run(moment)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_killed_processes_leave_a_walk_that_the_next_one_ends(fresh_db, url, data_dir):
    tenant = add_tenant(
        fresh_db, organization="x", email="a@x.example", password="long"
    )
    instance_id = add_instance(
        fresh_db,
        user_id=tenant.user.id,
        element_key="autotaskcrm",
        name="x",
        tags=[],
        configuration={},
        zone=None,
    ).id

    # At each page once before it is saved, and, with a half, once after it was.
    moments = [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 99]
    argument = json.dumps([url, str(data_dir), instance_id, moments])
    command = [sys.executable, "-c", PROGRAM, argument]

    ends = subprocess.check_output(command, text=True).split()

    assert ends == [str(-signal.SIGKILL)] * 8 + ["0"]
    assert ids_of(fresh_db, "killed job") == list(range(35))
