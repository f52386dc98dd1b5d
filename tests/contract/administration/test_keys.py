"""Another key under a running installation."""

from __future__ import annotations

import json
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from bridge.composition import open_database
from bridge.errors import ConfigurationError, ConflictError, StoreError
from bridge.services.diagnostics import keys
from bridge.store import key_rotation
from bridge.store.instances import add_instance, get_instance, update_instance
from bridge.store.models import metadata
from bridge.store.organizations import find_user, read_secrets

LATER = timedelta(minutes=2)


def add_instances(database, user_id, count):
    return [
        add_instance(
            database,
            user_id=user_id,
            element_key="autotaskcrm",
            name=f"number {number}",
            tags=[],
            configuration={"crm.autotask.password": f"password {number}"},
            zone=None,
        )
        for number in range(count)
    ]


@pytest.fixture
def running(operator):
    """The database as a serving process opened it before anything was rotated."""
    operator.user = operator.add_user()
    with operator.database() as database:
        yield database


def test_every_sealed_column_takes_part():
    sealed = {
        column
        for table in key_rotation.sealed_tables()
        for column in table.columns
        if column.name.startswith("sealed_")
    }

    assert sealed == {
        column
        for table in metadata.tables.values()
        for column in table.columns
        if column.name.startswith(key_rotation.PREFIX)
    }
    assert {column.table.name for column in sealed} >= {
        "organizations",
        "users",
        "instances",
        "key_checks",
        "result_chunks",
    }


def test_a_process_started_before_reads_and_writes_on(operator, running):
    before = add_instances(running, operator.user["id"], 120)

    operator.ok("key", "rotate")
    after = add_instances(running, operator.user["id"], 1)

    for instance in (*before, *after):
        assert get_instance(running, instance.id) == instance
    states, unopened = keys.list_keys(running)
    assert [state.role for state in states] == ["seals", "retired"]
    assert states[1].seals == 0
    assert unopened == 0
    with operator.database() as restarted:
        assert get_instance(restarted, after[0].id) == after[0]


def test_secrets_and_tokens_are_found_after_a_rotation(operator, running):
    [instance] = add_instances(running, operator.user["id"], 1)

    operator.ok("key", "rotate")

    with operator.database() as restarted:
        user = find_user(
            restarted,
            user_secret=operator.user["userSecret"],
            organization_secret=operator.user["organizationSecret"],
        )
        assert read_secrets(restarted, user)[0] == operator.user["userSecret"]
        assert get_instance(restarted, instance.id).token == instance.token


@pytest.mark.campaign
def test_nothing_is_lost_while_others_write(operator, running):
    made = add_instances(running, operator.user["id"], 60)
    stop, errors, counts = threading.Event(), [], {}

    def write(instance):
        number = 0
        try:
            while not stop.is_set():
                number += 1
                configuration = {"crm.autotask.password": f"written {number}"}
                update_instance(running, instance.id, configuration=configuration)
                assert get_instance(running, instance.id).configuration == configuration
                counts[instance.id] = number
        except Exception as error:  # noqa: BLE001 - raised in the main thread
            errors.append(error)

    threads = [threading.Thread(target=write, args=(one,)) for one in made[:3]]
    for thread in threads:
        thread.start()
    for _ in range(3):
        operator.ok("key", "rotate")
    stop.set()
    for thread in threads:
        thread.join()

    assert errors == []
    with operator.database() as restarted:
        for instance in made[3:]:
            assert get_instance(restarted, instance.id) == instance
        for instance_id, number in counts.items():
            stored = get_instance(restarted, instance_id).configuration
            assert stored == {"crm.autotask.password": f"written {number}"}
        assert keys.list_keys(restarted)[1] == 0


def test_a_row_that_is_written_meanwhile_is_left_as_it_is(operator, running):
    [instance] = add_instances(running, operator.user["id"], 1)
    table = metadata.tables["instances"]
    [row] = next(key_rotation._batches(running, table))
    newer = {"crm.autotask.password": "newer"}

    update_instance(running, instance.id, configuration=newer)
    with key_rotation.rotation_lock(running):
        running.keys.change([keys.new_key(), *running.keys.keys])
    with running.begin() as connection:
        changed = key_rotation._reseal_row(connection, running.keys, table, row)

    assert changed == 0
    assert get_instance(running, instance.id).configuration == newer


def test_a_retired_key_leaves_once_nothing_needs_it(operator, running):
    add_instances(running, operator.user["id"], 3)
    digesting = running.keys.keys[0].id
    operator.ok("key", "rotate")
    running.keys.reload_if_changed()
    second = running.keys.keys[0].id
    operator.ok("key", "rotate")

    assert "try again in 60 s" in operator.refused("key", "remove", second)
    assert "stays" in operator.refused("key", "remove", digesting)
    with operator.database() as database:
        newest = database.keys.keys[0].id
        keys.remove_key(database, second, now=datetime.now(UTC) + LATER)
    assert "seals" in operator.refused("key", "remove", newest)
    assert "no key nonsense" in operator.refused("key", "remove", "nonsense")

    assert [key.id for key in running.keys.keys] != [newest, digesting]
    add_instances(running, operator.user["id"], 1)
    assert [key.id for key in running.keys.keys] == [newest, digesting]
    listed = operator.json("key", "list")
    assert [state["id"] for state in listed] == [newest, digesting]
    assert listed[1]["seals"] == 0


@pytest.mark.campaign
def test_removal_seals_again_what_a_broken_off_rotation_left(operator, running):
    [instance] = add_instances(running, operator.user["id"], 1)
    former = running.keys.keys[0]
    with operator.database() as database, key_rotation.rotation_lock(database):
        database.keys.change([keys.new_key(), former])
        # The process died here, before it sealed anything again.

    operator.ok("key", "rotate")
    with operator.database() as restarted:
        assert get_instance(restarted, instance.id) == instance
        states, _ = keys.list_keys(restarted)
    assert [state.seals > 0 for state in states] == [True, False, False]


@pytest.mark.campaign
def test_two_rotations_at_once_lose_no_key(operator, running):
    [instance] = add_instances(running, operator.user["id"], 1)
    together, errors = threading.Barrier(3), []

    def rotate():
        try:
            with operator.database() as database:
                together.wait()
                keys.rotate(database)
        except Exception as error:  # noqa: BLE001 - raised in the main thread
            errors.append(error)

    threads = [threading.Thread(target=rotate) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    with operator.database() as restarted:
        assert get_instance(restarted, instance.id) == instance
        states, unopened = keys.list_keys(restarted)
    assert len(states) == 4
    assert unopened == 0


def test_a_configured_ring_is_printed_to_be_carried_to_every_process(embedded):
    embedded.add_user()
    ring = (embedded.settings().data_dir / "keys.json").read_text()

    refusal = embedded.refused("key", "rotate", env={"BRIDGE_KEYS": ring})
    assert "bridge key add" in refusal
    added = embedded.ok("key", "add", env={"BRIDGE_KEYS": ring})
    rotated = embedded.ok("key", "rotate", env={"BRIDGE_KEYS": added})

    ids = [
        [key["id"] for key in json.loads(text)["keys"]]
        for text in (ring, added, rotated)
    ]
    assert ids[1] == [*ids[0], ids[1][1]]
    assert ids[2] == [ids[1][1], ids[0][0]]
    # A process that knows the waiting key still works, one without it does not.
    assert len(embedded.json("user", "list", env={"BRIDGE_KEYS": added})) == 1
    assert "not the one" in embedded.refused("user", "list", env={"BRIDGE_KEYS": ring})


def test_wrong_keys_stop_every_command_and_change_nothing(operator, tmp_path):
    operator.add_user()
    with operator.database() as database:
        stored = keys.list_keys(database)
    foreign = {"BRIDGE_DATA_DIR": str(tmp_path / "other")}
    operator.run("db", "upgrade", env={**foreign, "BRIDGE_DATABASE_URL": ""})
    ring = (tmp_path / "other" / "keys.json").read_text()

    for command in ("user list", "key list", "key rotate", "db upgrade", "db version"):
        line = operator.refused(*command.split(), env={"BRIDGE_KEYS": ring})

        assert "nothing was changed" in line
    with operator.database() as database:
        assert keys.list_keys(database) == stored


def test_a_seal_of_a_lost_key_is_counted_and_named(embedded):
    embedded.add_user()
    path = embedded.settings().data_dir / "keys.json"
    with embedded.database() as database:
        lost = keys.new_key()
        sound = database.keys.keys
        database.keys.change([lost, *sound])
        key_rotation.reseal(database)
        database.keys.change(sound)
        with database.begin() as connection:
            from bridge.store.models import key_checks  # noqa: PLC0415 - only here

            sealed = database.keys.seal("These keys fit this database.")
            connection.execute(key_checks.update().values(sealed_text=sealed))
    assert lost.id not in path.read_text()

    result = embedded.run("key", "list")
    with embedded.database() as database, pytest.raises(StoreError):
        keys.rotate(database)

    assert result.exit_code == 1
    assert "3 stored values open with none" in result.stderr


def test_a_foreign_file_in_the_place_of_the_ring_is_not_taken_over(embedded, tmp_path):
    embedded.add_user()
    with embedded.database() as database:
        sealed = database.keys.seal("text")
        path = database.keys.source
        path.write_text("{}")
        assert database.keys.open(database.keys.seal("more")) == "more"
        assert database.keys.open(sealed) == "text"

    with pytest.raises(ConfigurationError), closing(open_database(embedded.settings())):
        pass


def test_rotation_without_a_place_for_the_file_changes_nothing(embedded):
    embedded.add_user()
    with embedded.database() as database:
        before = database.keys.keys
        database.keys.source = database.keys.source.parent / "gone" / "keys.json"
        with pytest.raises(ConfigurationError):
            keys.rotate(database)
        assert database.keys.keys == before
        with pytest.raises(ConflictError):
            keys.remove_key(database, before[0].id)
