"""`bridge instance` and `bridge wsdl` against the simulator."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from bridge.cli.administration import open_context
from bridge.interfaces import Zone
from bridge.services.credentials import open_backend
from bridge.store.instances import get_instance, update_instance


@pytest.fixture
def add(connected, demo):
    """Add an instance for a user of its own; returns what was printed."""
    connected.user = connected.add_user()

    def run(*further, password=None, **options):
        return connected.run(
            *("instance", "add", "--user", "ann@northwind.example", "--name", "PSA"),
            *("--api-username", demo["username"]),
            *("--api-secret", password or demo["password"]),
            *("--server-url", demo["sandboxUrl"]),
            *further,
            "--json",
            **options,
        )

    return run


def test_an_instance_is_made_shown_tested_and_removed(connected, demo, add):
    made = json.loads(
        add("--tag", "live", "--set", "filter.response.nulls=false").stdout
    )

    assert made["tags"] == ["live"]
    assert made["configuration"]["filter.response.nulls"] == "false"
    assert made["configuration"]["crm.autotask.password"] == "********"
    shown = connected.ok("instance", "show", made["id"])
    assert made["token"] not in shown
    assert demo["password"] not in shown
    assert made["token"] in connected.ok("instance", "show", made["id"], "--secrets")
    [listed] = connected.json("instance", "list")
    assert (listed["id"], listed["zone"] is not None) == (made["id"], True)
    [tested] = connected.json("instance", "test", made["id"])
    assert (tested["status"], "calls used" in tested["text"]) == ("ok", True)

    connected.ok("instance", "remove", made["id"], "--yes")

    assert connected.json("instance", "list") == []
    assert "no instance" in connected.refused("instance", "show", made["id"])


def test_refused_credentials_store_nothing(connected, add):
    ended = add(password="not the password")

    assert ended.exit_code == 1
    [line] = ended.stderr.splitlines()
    assert "Three things to check" in line
    assert "not the password" not in line
    assert connected.json("instance", "list") == []


def test_a_failing_instance_is_named_and_fails_the_test(connected, add):
    made = json.loads(add().stdout)

    ended = connected.run(
        "instance", "test", "--all", env={"BRIDGE_INTEGRATION_CODE": "x" * 27}
    )

    assert ended.exit_code == 1
    assert f"{made['id']}  failed" in ended.stdout
    assert "integration code" in ended.stdout
    assert ended.stderr == "Error: 1 of 1 instances failed.\n"


def test_an_instance_is_changed_once_autotask_accepts_it(connected, demo, add, relay):
    made = json.loads(add("--tag", "live").stdout)
    before = connected.json("instance", "show", made["id"], "--secrets")

    line = connected.refused("instance", "update", made["id"], "--password", "wrong")

    assert "Three things to check" in line
    assert connected.json("instance", "show", made["id"], "--secrets") == before
    changed = connected.json(
        *(
            "instance",
            "update",
            made["id"],
            "--name",
            "New",
            "--tag",
            "a",
            "--tag",
            "b",
        ),
        *("--zone", relay.url, "--set", "filter.response.nulls=false"),
    )
    assert changed["token"] == "********"
    after = connected.json("instance", "show", made["id"], "--secrets")
    assert after["token"] == made["token"]
    assert (after["name"], after["tags"]) == ("New", ["a", "b"])
    configuration = after["configuration"]
    assert configuration["crm.autotask.username"] == demo["username"]
    assert configuration["crm.autotask.zone"] == relay.url
    assert "crm.autotask.server.url" not in configuration
    assert configuration["filter.response.nulls"] == "false"
    [tested] = connected.json("instance", "test", made["id"])
    assert tested["status"] == "ok"
    unset = ("--unset", "filter.response.nulls")
    for _ in range(2):
        connected.ok("instance", "update", made["id"], *unset)
    after = connected.json("instance", "show", made["id"])
    assert after["configuration"].get("filter.response.nulls") != "false"


def test_a_new_password_of_the_api_user_is_read_from_stdin(connected, demo, add):
    made = json.loads(add().stdout)
    update = ("instance", "update", made["id"], "--password-stdin")

    connected.refused(*update, stdin="not the password\n")

    shown = connected.ok(*update, stdin=f"{demo['password']}\n")
    assert shown == f"Updated {made['id']}.\n"


def test_an_instance_is_disabled_and_enabled_any_number_of_times(connected, add):
    made = json.loads(add().stdout)

    for command, disabled in (("disable", True), ("enable", False)):
        for _ in range(2):
            shown = connected.json("instance", command, made["id"])
            assert (shown["id"], shown["disabled"]) == (made["id"], disabled)
        [listed] = connected.json("instance", "list")
        assert listed["disabled"] is disabled
    assert connected.ok("instance", "disable", made["id"]) == (
        f"Disabled {made['id']}.\n"
    )
    connected.refused("instance", "disable", 77)


def test_an_empty_list_is_said_on_stderr_only(embedded):
    for kind in ("instance", "user"):
        listed = embedded.run(kind, "list")

        assert (listed.exit_code, listed.stdout) == (0, "")
        expected = f"There are no {kind}s: make one with `bridge {kind} add`.\n"
        assert listed.stderr == expected
        assert embedded.json(kind, "list") == []


def test_a_test_of_no_instances_says_so(embedded):
    tested = embedded.run("instance", "test", "--all")

    assert (tested.exit_code, tested.stdout) == (0, "")
    assert tested.stderr == "There are no enabled instances to test.\n"
    assert embedded.json("instance", "test", "--all") == []


def test_tracing_says_what_it_does_on_stderr(connected, add):
    number = json.loads(add().stdout)["id"]
    silent = rf"No calls of {number} are traced; `bridge instance trace {number} "
    until = r"until \d\d:\d\d:\d\d UTC\.\n"

    for arguments, said in (
        ((), rf"{silent}--minutes 10` begins\.\n"),
        (("--minutes", 10), f"Tracing {number} {until}"),
        ((), f"No calls of {number} are traced yet; tracing is on {until}"),
        (("--request", "none"), rf"No call none of {number} is traced\.\n"),
        (("--off",), rf"Tracing of {number} is off\.\n"),
        ((), rf"{silent}--minutes 10` begins\.\n"),
    ):
        traced = connected.run("instance", "trace", number, *arguments)
        assert (traced.exit_code, traced.stdout) == (0, "")
        assert re.fullmatch(said, traced.stderr), traced.stderr


def test_people_read_yes_and_no_and_programs_true_and_false(connected, add):
    number = json.loads(add().stdout)["id"]

    shown = connected.ok("instance", "show", number).splitlines()

    assert ["disabled", "no"] in [line.split() for line in shown]
    assert connected.json("instance", "show", number)["disabled"] is False


def test_a_user_with_instances_is_not_removed(connected, add):
    made = json.loads(add().stdout)

    line = connected.refused("user", "remove", "ann@northwind.example", "--yes")

    assert f"owns the instances {made['id']}" in line


@pytest.mark.parametrize(
    "arguments",
    [
        ["add", "--user", "x", "--name", "y", "--username", "z", "--password", "p"],
        ["test"],
        ["test", "5", "--all"],
        ["show", "x"],
        ["import"],
        ["update", "900001"],
        ["update", "900001", "--zone", "5", "--server-url", "https://ww5.autotask.net"],
        ["update", "900001", "--password", "a", "--password-stdin"],
        ["update", "900001", "--set", "no value"],
        ["update", "900001", "--set", "=no key"],
        ["update", "900001", "--name", " "],
        ["disable"],
    ],
)
def test_wrong_usage_exits_with_2(embedded, arguments):
    embedded.refused("instance", *arguments, code=2)


def test_a_zone_s_description_is_fetched_compared_and_used_when_newer(
    connected, demo, add, relay
):
    made = json.loads(add().stdout)
    connected.refused("wsdl", "diff")
    relay.edits = [
        (f"VersionResult>{release}<", "VersionResult>1.6.30<")
        for release in ("1.6.9", "1.6.11")
    ]
    known = '<s:element minOccurs="0" maxOccurs="1" name="AccountName"'
    extra = '<s:element minOccurs="0" maxOccurs="1" name="Extra" type="s:string"/>'
    relay.edits.append((known, extra + known))
    with connected.database() as database:
        url = f"{relay.url}/ATServices/1.6/atws.asmx"
        update_instance(database, made["id"], zone=Zone(url, 1))

    fetched = connected.ok("wsdl", "refresh", "--instance", made["id"])
    listed = connected.json("wsdl", "list")
    printed = connected.ok("wsdl", "diff")

    assert "calls are made with atws-1.6-1.6.30.wsdl" in fetched
    assert [one["used"] for one in listed] == [True, False]
    assert "+ Account.Extra: string" in printed
    assert connected.json("instance", "test", made["id"])[0]["status"] == "ok"


def test_a_description_that_was_spoilt_does_not_stop_calls(connected, demo, add):
    made = json.loads(add().stdout)
    folder = connected.settings().data_dir / "wsdl"
    folder.mkdir()
    (folder / "atws-1.6-1.7.wsdl").write_text("<html>maintenance</html>")

    assert connected.json("instance", "test", made["id"])[0]["status"] == "ok"


def test_instance_of_a_backend_that_this_release_lacks_is_named_and_corrected(
    connected, demo, add
):
    made = json.loads(add().stdout)["id"]
    with connected.database() as database:
        stored = get_instance(database, made)
        configuration = {**stored.configuration, "crm.autotask.backend": "rest"}
        update_instance(database, made, configuration=configuration)
    cure = "crm.autotask.backend must be `soap`"

    [tested] = json.loads(connected.run("instance", "test", made, "--json").stdout)
    assert tested["status"] == "failed"
    assert cure in tested["text"]
    assert cure in connected.refused("wsdl", "refresh", "--instance", made)
    assert cure in connected.run("doctor", "--instance", made).stdout
    assert [one["id"] for one in connected.json("instance", "list")] == [made]

    connected.ok("instance", "update", made, "--set", "crm.autotask.backend=soap")
    assert connected.json("instance", "test", made)[0]["status"] == "ok"


def open_sockets():
    """Return the sockets of this process by their inode."""
    descriptors = Path("/proc/self/fd").iterdir()
    links = (one.readlink().name for one in descriptors if one.is_symlink())
    return {link for link in links if link.startswith("socket:")}


def test_command_closes_its_connections_to_the_vendor(connected, demo, add):
    made = json.loads(add().stdout)["id"]
    changed = {"integration_code": SecretStr(demo["integrationCode"])}
    before = open_sockets()

    with open_context(connected.settings().model_copy(update=changed)) as ctx:
        instance = get_instance(ctx.database, made)
        open_backend(ctx, instance).check()
        assert len(open_sockets() - before) == 1

    assert open_sockets() <= before


def test_a_page_in_place_of_a_description_is_not_stored(connected, demo, add, relay):
    made = json.loads(add().stdout)
    relay.edits = [("wsdl:definitions", "html")]
    with connected.database() as database:
        url = f"{relay.url}/ATServices/1.6/atws.asmx"
        update_instance(database, made["id"], zone=Zone(url, 1))

    connected.refused("wsdl", "refresh", "--instance", made["id"])

    assert [one["used"] for one in connected.json("wsdl", "list")] == [True]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--last", "99999999999999999999"],
        ["--last", "-1"],
        ["--last", "0"],
        ["--minutes", "inf"],
        ["--minutes", "0"],
        ["--minutes", "5", "--off"],
    ],
    ids=" ".join,
)
def test_a_trace_of_nonsense_is_wrong_usage(embedded, arguments):
    embedded.refused("instance", "trace", 900001, *arguments, code=2)
