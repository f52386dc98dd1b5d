"""The coverage report, compared with the metadata of a running simulator."""

import re
import subprocess
import sys

import pytest

VERBS = {"q": "Query", "c": "Create", "u": "Update", "d": "Delete"}


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    """The rows of the table of entities: verbs, refused verbs, fields, lists, UDFs."""
    done = subprocess.run(
        [sys.executable, "-m", "bridge", "sandbox", "--coverage"],
        cwd=tmp_path_factory.mktemp("coverage"),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    _, _, table = done.stdout.partition("### Entities")
    row = re.compile(
        r"^\| (\w+) \| ([qcud]*) ?(?:\(([qcud]+)\))? \| (\d+) \| "
        r"(?:\d+ of (\d+))? \| (yes)? \|",
        re.MULTILINE,
    )
    return {name: rest for name, *rest in row.findall(table)}


@pytest.fixture(scope="module")
def served(soap):
    """The entities of the simulator's metadata, by name."""
    infos = soap.call("GetEntityInfo").find_all("EntityInfo")
    return {
        info.findtext("{*}Name"): {
            member.tag.partition("}")[2]: member.text for member in info
        }
        for info in infos
    }


def test_all_served_entities_are_reported_and_no_others(reported, served):
    assert list(reported) == list(served)


def test_verbs_are_those_that_are_carried_out(reported, served):
    for name, info in served.items():
        able = [verb for verb, word in VERBS.items() if info[f"Can{word}"] == "true"]
        closed = [v for v in able if info[f"UserAccessFor{VERBS[v]}"] == "None"]
        opened = [verb for verb in able if verb not in closed]
        assert reported[name][:2] == ["".join(opened), "".join(closed)], name


def test_entities_with_udfs_can_have_them(reported, served):
    flagged = {
        n for n, info in served.items() if info["HasUserDefinedFields"] == "true"
    }

    assert flagged <= {name for name, row in reported.items() if row[4] == "yes"}


def test_fields_and_lists_are_as_many_as_are_served(reported, served, soap):
    for name in served:
        reply = soap.call("GetFieldInfo", f"<psObjectType>{name}</psObjectType>")
        lists = reply.texts("IsPickList").count("true")
        fields = len(reply.find_all("Field"))
        assert reported[name][2:4] == [str(fields), str(lists or "")], name
