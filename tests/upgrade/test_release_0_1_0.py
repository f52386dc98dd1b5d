"""What release 0.1.0 left behind when it was killed, taken over by this release.

See README.md beside this file for what the data is. Nothing here is written with
regard to how this release stores things: only what a caller or an operator sees.
"""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from waiting import wait_until

RELEASE = "0.1.0"
CONTACTS = "/hubs/crm/contacts"
RESOURCES = "/elements/autotaskcrm/resources"


@pytest.fixture(
    scope="module",
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.campaign)],
)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def old(kind, open_release):
    with open_release(RELEASE, kind) as old:
        yield old


def read(old, path, authorization):
    status, _, body = old.call("GET", path, authorization)
    assert status == 200, body
    return json.loads(body)


def stored_ids(old, body, *, path=CONTACTS, field="lastName"):
    where = quote(f"{field} = '{body[field]}'")
    found = read(old, f"{path}?where={where}", old.secrets_of("main"))
    return [record["id"] for record in found]


def test_the_data_holds_what_a_killed_installation_does(old):
    """Lest somebody replaces it by data that proves less."""
    for table, rows in {
        "users": 5,
        "instances": 6,
        "extended_resources": 2,
        "account_settings": 1,
        "sessions": 2,
        "login_refusals": 1,
        "leases": 1,
        "write_intents": 11,
        "vendor_ledgers": 2,
        "vendor_hosts": 1,
        "list_totals": 1,
        "workers": 1,
    }.items():
        assert (table, old.rows[table]) == (table, rows)
    for table in ("entity_metadata", "page_ends", "request_log", "traces"):
        assert old.rows[table] > 1
    assert old.rows["vendor_call_log"] > 10
    assert old.states == {"done": 4, "unknown": 5, "running": 2}
    assert {name: len(some) for name, some in old.facts["work"].items()} == {
        "done": 1,
        "half done": 2,
        "queued": 1,
    }


@pytest.mark.parametrize("name", ["main", "colleague", "member", "foreign"])
def test_old_tokens_and_secrets_work(old, name):
    instance = old.facts["instances"][name]

    listed = read(old, "/hubs/crm/accounts?pageSize=3", old.secrets_of(name))
    shown = read(old, f"/instances/{instance['id']}", old.platform(instance["user"]))

    assert len(listed) == 3
    assert shown["name"] == instance["name"]
    assert shown["disabled"] is False


@pytest.mark.parametrize("wrong", ["userSecret", "organizationSecret", "token"])
def test_a_wrong_secret_does_not(old, wrong):
    main = old.facts["instances"]["main"]
    given = {**old.facts["users"][main["user"]], "token": main["token"]}
    given[wrong] = given[wrong][:-4] + "AAA="

    status, _, body = old.call(
        "GET",
        "/hubs/crm/accounts?pageSize=1",
        f"User {given['userSecret']}, Organization {given['organizationSecret']}, "
        f"Element {given['token']}",
    )

    assert status == 401, body


def test_secrets_of_two_organizations_do_not_mix(old):
    main, foreign = (old.facts["instances"][name] for name in ("main", "foreign"))
    mixed = f"{old.platform('foreign')}, Element {main['token']}"

    assert old.call("GET", "/hubs/crm/accounts?pageSize=1", mixed)[0] == 401
    listed = read(old, "/instances", old.platform("foreign"))
    assert [instance["id"] for instance in listed] == [foreign["id"]]


def test_passwords_and_sessions_work(old):
    for name in ("admin", "colleague", "member"):
        user = old.facts["users"][name]
        body = {"username": user["email"], "password": user["password"]}
        status, _, answer = old.call("POST", "/authentication", "", body)
        assert status == 200, answer
        for bearer in {user.get("bearer"), json.loads(answer)["token"]} - {None}:
            told = read(old, "/authentication/secrets", f"Bearer {bearer}")
            assert told["userSecret"] == user["userSecret"]
            assert told["organizationSecret"] == user["organizationSecret"]
    for name, password in (("admin", "wrong"), ("inactive", None)):
        user = old.facts["users"][name]
        body = {"username": user["email"], "password": password or user["password"]}
        assert old.call("POST", "/authentication", "", body)[0] == 401
    assert old.call("GET", "/instances", old.platform("inactive"))[0] == 401


def test_accounts_and_users_are_there(old):
    admin = old.platform("admin")
    account = old.facts["account"]

    accounts = {str(each["id"]): each for each in read(old, "/accounts", admin)}
    users = {str(each["id"]): each for each in read(old, "/users", admin)}

    assert accounts[str(account["id"])]["name"] == account["name"]
    assert accounts[str(account["id"])]["externalId"] == "B-1"
    settings = read(old, f"/accounts/{account['id']}/settings", admin)
    assert settings.items() >= account["settings"].items()
    ours = {
        name: user for name, user in old.facts["users"].items() if name != "foreign"
    }
    assert users.keys() == {str(user["id"]) for user in ours.values()}
    for name, user in ours.items():
        assert users[str(user["id"])]["email"] == user["email"]
        assert users[str(user["id"])]["active"] is (name != "inactive")


def test_the_configuration_is_as_it_was(old):
    main = old.facts["instances"]["main"]

    entries = read(old, f"/instances/{main['id']}/configuration", old.platform("admin"))

    values = {entry["key"]: entry["propertyValue"] for entry in entries}
    assert values.items() >= main["configuration"].items()
    assert values["crm.autotask.password"] == "********"


def test_the_disabled_instance_is_still_disabled(old):
    number = old.facts["instances"]["disabled"]["id"]

    status, _, body = old.call("GET", CONTACTS, old.secrets_of("disabled"))

    assert status == 403, body
    shown = read(old, f"/instances/{number}", old.platform("admin"))
    assert shown["disabled"] is True


def test_an_instance_of_a_host_that_was_left_alone_can_be_moved(old):
    number = old.facts["instances"]["unreachable"]["id"]
    url = {"crm.autotask.server.url": old.facts["simulator"]["sandboxUrl"]}

    status, _, body = old.call(
        "GET", "/hubs/crm/accounts?pageSize=1", old.secrets_of("unreachable")
    )
    assert status == 502, body
    assert json.loads(body)["message"]
    status, _, body = old.call(
        "PATCH", f"/instances/{number}", old.platform("admin"), {"configuration": url}
    )
    assert status == 200, body

    read(old, "/hubs/crm/accounts?pageSize=1", old.secrets_of("unreachable"))


@pytest.mark.parametrize("place", range(3))
def test_kept_answers_are_given_again(old, place):
    kept = old.facts["kept"][place]

    status, headers, body = old.call(
        "POST", CONTACTS, old.secrets_of("main"), kept["body"], key=kept["key"]
    )

    assert headers["idempotency-replayed"] == "true"
    assert headers["content-type"] == kept["type"]
    assert status == kept["status"]
    if status == 200:
        assert body.decode() == kept["answer"]
        assert stored_ids(old, kept["body"]) == [json.loads(body)["id"]]
    else:
        was, now = json.loads(kept["answer"]), json.loads(body)
        assert now.pop("requestId") != was.pop("requestId")
        assert now == was


def test_a_kept_key_is_refused_to_another_body(old):
    kept = old.facts["kept"][0]
    body = {**kept["body"], "lastName": "Other"}

    status, _, answer = old.call(
        "POST", CONTACTS, old.secrets_of("main"), body, key=kept["key"]
    )

    assert status == 400
    assert "used before with another body" in json.loads(answer)["message"]
    assert stored_ids(old, body) == []


CREATES = [
    *(("unknown", place) for place in range(5)),
    *(("running", place) for place in range(2)),
]


@pytest.mark.parametrize(("state", "place"), CREATES)
def test_a_create_without_an_answer_is_resolved_by_its_retry(old, state, place):
    """Nobody knew whether it happened; those of dead processes count as such."""
    create = old.facts[state][place]
    path, body, key = create["path"], create["body"], create["key"]
    text = body[create["field"]]
    records = [row for some in old.facts["vendor"].values() for row in some]
    there = [row["id"] for row in records if text in row.values()]
    assert len(there) == create["committed"]

    status, _, answer = old.call("POST", path, old.secrets_of("main"), body, key=key)

    assert status == 200, answer
    number = json.loads(answer)["id"]
    assert stored_ids(old, body, path=path, field=create["field"]) == [number]
    assert there in ([], [number])
    if key:
        again = old.call("POST", path, old.secrets_of("main"), body, key=key)
        assert again[1]["idempotency-replayed"] == "true"
        assert again[2] == answer


def test_a_record_that_a_dead_process_was_updating_can_be_updated(old):
    update = old.facts["update"]

    status, _, body = old.call(
        "PATCH", update["path"], old.secrets_of("main"), update["body"]
    )

    assert status == 200, body
    assert json.loads(body).items() >= update["body"].items()


def test_slots_of_dead_processes_are_free(old):
    """They held all three of the contacts', so nobody could have read one."""
    taken = sum(
        sum(held.values())
        for payload in old.ledgers
        for queue, holders in json.loads(payload)["lanes"].items()
        for held in holders.values()
        if queue.endswith("/Contact")
    )
    assert taken == 3

    assert len(read(old, f"{CONTACTS}?pageSize=2", old.secrets_of("main"))) == 2
    budgets = read(old, "/usage/vendor", old.platform("admin"))
    assert budgets


def test_pages_go_on_where_they_were(old):
    ask = old.secrets_of("main")
    everybody = [one["id"] for one in read(old, f"{CONTACTS}?pageSize=500", ask)]
    first, by_token, by_number = old.facts["pages"]
    end = everybody.index(first["ids"][-1]) + 1

    token = [one["id"] for one in read(old, by_token["path"], ask)]
    number = [one["id"] for one in read(old, by_number["path"], ask)]

    assert token == everybody[end : end + 10]
    assert number == everybody[20:30]


def test_added_resources_answer(old):
    admin = old.platform("admin")
    for kept in old.facts["resources"]:
        answer = read(old, kept["ask"], old.secrets_of("main"))
        assert any(name.endswith("Response") for name in answer), answer
        assert read(old, f"{RESOURCES}/{kept['id']}", admin)["path"] == kept["path"]
        for part, text in (
            ("hooks", "done("),
            ("parameters", "accId"),
            ("models", "own"),
        ):
            assert text in json.dumps(
                read(old, f"{RESOURCES}/{kept['id']}/{part}", admin)
            )
        foreign = old.call("GET", f"{RESOURCES}/{kept['id']}", old.platform("foreign"))
        assert foreign[0] == 404


def test_the_log_of_requests_is_there(old):
    usage = old.facts["usage"]

    shown = read(old, f"/usage/{usage['request_id']}", old.platform("admin"))

    same = ("request_id", "request_uri", "request_status")
    assert [str(shown[name]) for name in same] == [str(usage[name]) for name in same]


def test_work_is_finished_and_no_step_is_done_twice(old, kind):
    work = old.facts["work"]
    pieces = [*work["done"], *work["half done"], *work["queued"]]

    def ended():
        asked = "SELECT workflow_uuid, status FROM workflow_status"
        states = dict(old.store.ask(asked, jobs=True))
        found = {piece: states[piece] for piece in pieces}
        return {} if {"ENQUEUED", "PENDING"} & set(found.values()) else found

    assert wait_until(ended) == dict.fromkeys(pieces, "SUCCESS")

    for piece, kept in work["half done"].items():
        before = [row for row in old.steps if row[0] == piece]
        after = [row for row in old.read_steps() if row[0] == piece]
        assert len(before) == kept
        assert after[:kept] == before
        assert len({name for _, _, name, _ in after}) == len(after) > kept


@pytest.mark.campaign
def test_commands_for_operators_work(old):
    main, traced = old.facts["instances"]["main"]["id"], old.facts["trace"]
    commands = (
        f"doctor --instance {main} --json",
        "db version",
        "key list --json",
        "instance list --json",
        f"instance trace {main} --request {traced['request']}",
    )
    with ThreadPoolExecutor(len(commands)) as threads:
        found = threads.map(lambda command: old.run(*command.split()), commands)
        ended = dict(zip(commands, found, strict=True))

    for command, one in ended.items():
        assert one.returncode == 0, (command, one.stdout, one.stderr)
    doctor, version, keys, instances, trace = (one.stdout for one in ended.values())
    assert '"failed"' not in doctor
    found, needed = (part.split()[1] for part in version.split(","))
    assert found == needed
    assert len(json.loads(keys)) >= 2
    known = {each["id"] for each in old.facts["instances"].values()}
    assert {each["id"] for each in json.loads(instances)} == known
    [line] = trace.splitlines()
    assert traced["path"] in line
    assert "vendorCalls" in line


def restore_sqlite(old):
    """Copy while it serves, stop, put the copies in place, as the manual says."""
    copy = old.data.parent / "copy.db"
    ended = old.run("db", "backup", copy)
    assert ended.returncode == 0, ended.stderr
    old.stop()
    for name, source in (
        ("bridge.db", copy),
        ("jobs.db", copy.with_suffix(".jobs.db")),
    ):
        source.replace(old.data / name)
        for log in ("wal", "shm"):
            (old.data / f"{name}-{log}").unlink(missing_ok=True)


def restore_postgresql(old):
    copy = old.data.parent / "copy.dump"
    url = f"--dbname={old.store.libpq}"
    subprocess.run(["pg_dump", "--format=custom", f"--file={copy}", url], check=True)
    old.stop()
    subprocess.run(["pg_restore", "--clean", "--if-exists", url, copy], check=True)


@pytest.mark.campaign
def test_a_backup_is_restored_and_serves_again(old, kind):
    """The second start on the data, too: nothing is upgraded twice."""
    {"sqlite": restore_sqlite, "postgresql": restore_postgresql}[kind](old)
    old.serve()
    kept = old.facts["kept"][0]

    status, _, body = old.call(
        "POST", CONTACTS, old.secrets_of("main"), kept["body"], key=kept["key"]
    )
    assert (status, body.decode()) == (200, kept["answer"])
    rotated = old.run("key", "rotate")
    assert rotated.returncode == 0, rotated.stderr
    assert read(old, f"{CONTACTS}?pageSize=1", old.secrets_of("foreign"))
