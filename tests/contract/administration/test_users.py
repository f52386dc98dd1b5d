"""`bridge user`: made, shown, listed and removed."""

from __future__ import annotations

import json

import pytest

from bridge.store.organizations import find_session, find_user, log_in
from bridge.store.users import UserChange, change_user, get_user


def test_a_user_made_on_an_empty_installation_is_known_by_its_secrets(operator):
    made = operator.add_user()

    with operator.database() as database:
        found = find_user(
            database,
            user_secret=made["userSecret"],
            organization_secret=made["organizationSecret"],
        )
        session = log_in(
            database,
            email="ann@northwind.example",
            password="correct horse",
            lifetime_s=60,
        )
    assert found.id == made["id"]
    assert session is not None


def test_the_password_is_read_from_stdin_without_its_line_end(embedded):
    embedded.ok(
        *("user", "add", "--organization", "N", "--email", "b@n.example"),
        "--password-stdin",
        stdin="pässword\n",
    )

    with embedded.database() as database:
        assert log_in(database, email="b@n.example", password="pässword", lifetime_s=60)


def test_secrets_are_shown_on_request_only(embedded):
    made = embedded.add_user()

    shown = embedded.json("user", "show", "ANN@northwind.example")
    with_secrets = embedded.json("user", "show", made["id"], "--secrets")

    assert not {"userSecret", "organizationSecret"} & set(shown)
    assert with_secrets["userSecret"] == made["userSecret"]
    assert made["userSecret"] not in embedded.ok("user", "list")


def test_a_second_user_joins_an_organization(operator):
    first = operator.add_user()

    second = operator.json(
        *("user", "add", "--organization-id", first["organizationId"]),
        *("--email", "bob@northwind.example", "--password", "x"),
    )

    assert second["organizationSecret"] == first["organizationSecret"]
    assert second["accountId"] == first["accountId"]
    assert [one["id"] for one in operator.json("user", "list")] == [
        first["id"],
        second["id"],
    ]
    operator.ok("user", "remove", "bob@northwind.example", "--yes")
    operator.ok("user", "remove", first["id"], "--yes")
    assert operator.json("user", "list") == []


def test_inactive_users_are_marked(embedded):
    ann = embedded.add_user()
    embedded.json(
        *("user", "add", "--organization-id", ann["organizationId"]),
        *("--email", "bob@northwind.example", "--password", "x"),
    )
    with embedded.database() as database:
        both = [get_user(database, f"{n}@northwind.example") for n in ("bob", "ann")]
        change_user(database, both[0], UserChange(active=False), by=both[1])

    listed = embedded.json("user", "list")
    lines = embedded.ok("user", "list").splitlines()

    assert [one["active"] for one in listed] == [True, False]
    assert [line.split()[-1] for line in lines if "@" in line] == ["yes", "no"]
    shown = embedded.ok("user", "show", "bob@northwind.example").splitlines()
    assert ["active", "no"] in [line.split() for line in shown]


def test_a_new_password_ends_sessions_and_leaves_secrets(operator):
    made = operator.add_user()
    email = made["email"]

    def session(password):
        with operator.database() as database:
            return log_in(database, email=email, password=password, lifetime_s=60)

    _, bearer = session("correct horse")
    with operator.database() as database:
        assert find_session(database, bearer).id == made["id"]

    for _ in range(2):
        operator.ok(
            *("user", "set-password", email.upper(), "--password-stdin"),
            stdin="battery staple\n",
        )

    assert session("correct horse") is None
    assert session("battery staple") is not None
    with operator.database() as database:
        assert find_session(database, bearer) is None
    shown = operator.json("user", "show", made["id"], "--secrets")
    assert shown["userSecret"] == made["userSecret"]


def test_a_user_who_is_not_active_gets_a_new_password(embedded):
    ann = embedded.add_user()
    with embedded.database() as database:
        user = get_user(database, str(ann["id"]))
        change_user(database, user, UserChange(active=False), by=None)

    shown = embedded.json(
        "user", "set-password", ann["id"], "--password", "battery staple"
    )

    assert (shown["id"], shown["active"]) == (ann["id"], False)


def test_a_password_that_is_too_short_is_refused(embedded):
    embedded.add_user()

    line = embedded.refused(
        "user", "set-password", "ann@northwind.example", "--password", "x"
    )

    assert "at least" in line
    embedded.refused("user", "set-password", "nobody", "--password", "battery staple")


def test_removal_needs_confirmation(embedded):
    made = embedded.add_user()

    result = embedded.run("user", "remove", made["id"], stdin="n\n")

    assert result.exit_code == 1
    assert len(embedded.json("user", "list")) == 1


def test_what_cannot_be_is_said_in_one_line(embedded):
    embedded.add_user()

    assert "e-mail address exists" in embedded.refused(
        *("user", "add", "--organization", "N", "--email", "ANN@northwind.example"),
        *("--password", "x"),
    )
    assert "no organization 77" in embedded.refused(
        *("user", "add", "--organization-id", "77", "--email", "c@n.example"),
        *("--password", "x"),
    )
    assert "no user nobody" in embedded.refused("user", "show", "nobody")


@pytest.mark.parametrize(
    "arguments",
    [
        ["add", "--email", "a@b.example", "--password", "x"],
        ["add", "--email", "nobody", "--organization", "N", "--password", "x"],
        ["add", "--email", "a@b.example", "--organization", "N"],
        ["add", "--organization", "N"],
        ["show"],
        ["nonsense"],
        ["set-password"],
        ["set-password", "ann"],
    ],
)
def test_wrong_usage_exits_with_2_and_makes_nothing(embedded, arguments):
    embedded.refused("user", *arguments, code=2)

    assert embedded.json("user", "list") == []


def test_a_password_in_a_pipe_needs_its_option(embedded):
    embedded.add_user()

    line = embedded.refused(
        *("user", "set-password", "ann@northwind.example"), stdin="new\n", code=2
    )

    assert "There is no terminal to prompt on: add --password-stdin." in line


def test_output_for_scripts_is_json(embedded):
    embedded.add_user()

    assert json.loads(embedded.ok("user", "list", "--json"))[0]["email"] == (
        "ann@northwind.example"
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"--organization": ""},
        {"--organization": "  "},
        {"--email": "@"},
        {"--email": "a b@x.example"},
        {"--password": ""},
    ],
    ids=str,
)
def test_what_is_empty_or_no_address_is_wrong_usage(embedded, wrong):
    given = {
        "--organization": "Northwind",
        "--email": "ann@northwind.example",
        "--password": "correct horse",
        **wrong,
    }

    embedded.refused(
        "user", "add", *[text for pair in given.items() for text in pair], code=2
    )

    assert embedded.json("user", "list") == []
