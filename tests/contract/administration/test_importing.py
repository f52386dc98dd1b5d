"""Import: old ids, secrets and tokens, all or nothing, and again."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bridge.store.instances import add_instance, find_by_token, get_instance
from bridge.store.organizations import add_tenant, find_user, log_in

GUIDE = (Path(__file__).parents[3] / "docs/migrating.md").read_text(encoding="utf-8")
EXAMPLE = re.search(r"```json\n(.*?)```", GUIDE, re.DOTALL)[1]


@pytest.fixture
def document():
    """The example of the guide, to be bent."""
    return json.loads(EXAMPLE)


@pytest.fixture
def move(operator, tmp_path):
    """Write a document and run the import."""

    def run(document, *options):
        path = tmp_path / "old.json"
        path.write_text(json.dumps(document))
        return operator.run("instance", "import", path, "--json", *options)

    return run


def result(ended):
    assert ended.exit_code == 0, ended.output
    return json.loads(ended.stdout)


ALL = {"organizations": 1, "accounts": 1, "users": 1, "instances": 1}


def test_every_secret_opens_what_it_opened(operator, move, document):
    moved = result(move(document))

    [organization] = document["organizations"]
    [user], [instance] = organization["users"], organization["instances"]
    assert moved["added"] == ALL
    with operator.database() as database:
        found = find_user(
            database,
            user_secret=user["secret"],
            organization_secret=organization["secret"],
        )
        opened = find_by_token(database, instance["token"])
        session = log_in(
            database, email=user["email"], password=user["password"], lifetime_s=60
        )
    assert (found.id, found.account_id, found.organization_id) == (48211, 31770, 2417)
    assert (opened.id, opened.user_id, opened.name) == (401234, 48211, "Northwind PSA")
    assert opened.configuration == instance["configuration"]
    assert opened.tags == ("live",)
    assert opened.created_at.isoformat() == "2016-03-14T09:26:53+00:00"
    assert session is not None


def test_a_check_keeps_nothing(operator, move, document):
    checked = result(move(document, "--check"))

    assert (checked["added"], checked["checked"]) == (ALL, True)
    assert operator.json("user", "list") == []
    assert operator.json("instance", "list") == []


def test_again_changes_nothing_and_adds_what_is_new(operator, move, document):
    result(move(document))
    with operator.database() as database:
        before = get_instance(database, 401234)
    [organization] = document["organizations"]
    organization["instances"].append(
        {
            **organization["instances"][0],
            "id": None,
            "token": "another token",
            "name": "Second",
        }
    )
    organization["instances"][0]["name"] = "renamed in the file"

    again = result(move(document))

    assert again["added"] == {"instances": 1}
    assert again["kept"] == ALL
    with operator.database() as database:
        assert get_instance(database, 401234) == before
        assert find_by_token(database, "another token").name == "Second"


@pytest.mark.parametrize("brought", [401234, 900001])
def test_ids_given_out_later_never_meet_those_brought(
    operator, move, document, brought
):
    [organization] = document["organizations"]
    organization["instances"][0]["id"] = brought
    organization["users"][0]["id"] = 60301
    organization["id"] = 5502
    organization["accountId"] = 41203
    result(move(document))

    with operator.database() as database:
        tenants = [
            add_tenant(database, organization="x", email=f"{n}@x.example", password="y")
            for n in range(3)
        ]
        made = [
            add_instance(
                database,
                user_id=tenants[0].user.id,
                element_key="autotaskcrm",
                name="later",
                tags=[],
                configuration={},
                zone=None,
            ).id
            for _ in range(3)
        ]
    assert len({brought, *made}) == 4
    assert min(made) > min(brought, 900_000)
    assert len({60301, *(tenant.user.id for tenant in tenants)}) == 4
    assert len({5502, *(tenant.user.organization_id for tenant in tenants)}) == 4


def conflict(ended):
    assert ended.exit_code == 1, ended.output
    [line] = ended.stderr.splitlines()
    return line


def test_every_conflict_is_named_and_nothing_is_added(operator, move, document):
    result(move(document))
    [organization] = document["organizations"]
    [user], [instance] = organization["users"], organization["instances"]
    user["id"] = 5
    stranger = {
        "name": "Stranger",
        "secret": "another secret",
        "users": [{**user, "email": "eve@x.example", "secret": "s", "id": 48211}],
        "instances": [{**instance, "user": "eve@x.example", "token": "t", "id": 1}],
    }
    document["organizations"].append(stranger)

    line = conflict(move(document))

    assert "user ann@northwind.example has the id 48211 here, not 5" in line
    assert "The id 48211 of user eve@x.example is another one's here." in line
    assert "another secret" not in line
    assert len(operator.json("user", "list")) == 1


def test_an_address_or_token_of_another_is_a_conflict(operator, move, document):
    operator.add_user("ann@northwind.example")
    assert "exists here with another secret" in conflict(move(document))

    document["organizations"][0]["users"][0]["email"] = "new@northwind.example"
    document["organizations"][0]["instances"][0]["user"] = "new@northwind.example"
    result(move(document))
    [organization] = document["organizations"]
    thief = {
        "name": "Thief",
        "secret": "x",
        "users": [{"email": "t@x.example", "secret": "y"}],
        "instances": [
            {**organization["instances"][0], "id": None, "user": "t@x.example"}
        ],
    }

    line = conflict(move({"organizations": [thief]}))

    assert "token of instance 'Northwind PSA' is of another owner" in line
    assert len(operator.json("user", "list")) == 2


MISTAKES = [
    (lambda doc: doc.clear(), "document: organizations must be a list."),
    (
        lambda doc: doc["organizations"][0].update(secret=7),
        "[0]: secret must be a text",
    ),
    (lambda doc: doc["organizations"][0].update(id=0), "[0]: id must be a number"),
    (lambda doc: doc["organizations"][0].update(id=2**31), "id must be a number"),
    (lambda doc: doc["organizations"][0].update(nmae="x"), "unknown members: nmae"),
    (
        lambda doc: doc["organizations"][0]["users"].append("x"),
        "organizations[0].users[1]: must be an object",
    ),
    (
        lambda doc: doc["organizations"][0]["instances"][0].update(user="nobody"),
        "instances[0]: user must be the email of a user beside it",
    ),
    (
        lambda doc: doc["organizations"][0]["instances"][0].update(element="x"),
        "there is no element x",
    ),
    (
        lambda doc: doc["organizations"][0]["instances"][0].update(configuration={}),
        "configuration must hold",
    ),
    (
        lambda doc: doc["organizations"][0]["instances"][0]["configuration"].update(
            {"crm.autotask.password": "********"}
        ),
        "crm.autotask.password is masked",
    ),
    (
        lambda doc: doc["organizations"][0]["instances"][0]["configuration"].pop(
            "crm.autotask.server.url"
        ),
        "Missing required configuration: crm.autotask.server.url",
    ),
    (
        lambda doc: doc["organizations"][0]["instances"][0]["configuration"].update(
            {"crm.autotask.backend": "rest"}
        ),
        "crm.autotask.backend must be `soap`, the one way to Autotask there is",
    ),
    (
        lambda doc: doc["organizations"][0]["instances"][0].update(createdDate="soon"),
        "not a date",
    ),
    (
        lambda doc: doc["organizations"].append(doc["organizations"][0]),
        "The same token stands there twice.",
    ),
]


@pytest.mark.parametrize(("spoil", "named"), MISTAKES)
def test_a_mistake_is_named_by_its_place(embedded, tmp_path, document, spoil, named):
    secrets = re.findall(r'(?:secret|token|password)": "([^"]+)', EXAMPLE)
    spoil(document)
    path = tmp_path / "old.json"
    path.write_text(json.dumps(document))

    line = embedded.refused("instance", "import", path)

    assert named in line
    assert not [secret for secret in secrets if secret in line]
    assert embedded.json("user", "list") == []


def test_all_mistakes_are_named_at_once(embedded, tmp_path, document):
    document["organizations"][0]["secret"] = ""
    document["organizations"][0]["users"][0]["secret"] = None
    path = tmp_path / "old.json"
    path.write_text(json.dumps(document))

    line = embedded.refused("instance", "import", path)

    assert "organizations[0]: secret must not be empty." in line
    assert "organizations[0].users[0]: secret must be a text." in line


@pytest.mark.parametrize("text", ["", "{", "[1, 2", '{"organizations": [nonsense]}'])
def test_invalid_json_is_reported_with_its_position(embedded, tmp_path, text):
    path = tmp_path / "old.json"
    path.write_text(text)

    assert "not valid JSON: line 1" in embedded.refused("instance", "import", path)


def test_a_file_that_is_not_there_is_wrong_usage(embedded):
    embedded.refused("instance", "import", "nothing.json", code=2)
