"""`bridge instance` and `bridge wsdl` against the simulator."""

from __future__ import annotations

import json

import pytest

from bridge.interfaces import Zone
from bridge.store.instances import update_instance


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


def test_a_page_in_place_of_a_description_is_not_kept(connected, demo, add, relay):
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
