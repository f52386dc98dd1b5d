"""Snapshots and the start: all records and tables as they were, whole or not at all."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

CONTACT = (
    "<id>0</id><Active>1</Active><AccountID>0</AccountID>"
    "<FirstName>{}</FirstName><LastName>Kept</LastName>"
)
TEXT, NUMERIC = 1, 4
HOME = '<field>id<expression op="Equals">0</expression></field>'


@pytest.fixture
def steer(fresh, steer):
    yield steer
    steer("POST", "reset").raise_for_status()


def contacts(soap, first_name):
    where = f'<field>FirstName<expression op="Equals">{first_name}</expression></field>'
    return soap.query("Contact", where).ids


def define(soap, *names, data=TEXT):
    records = (
        f"<id>0</id><Name>{name}</Name><UdfType>1</UdfType><DataType>{data}</DataType>"
        "<IsActive>true</IsActive>"
        for name in names
    )
    return soap.write("create", "UserDefinedFieldDefinition", *records).ids


def give(steer, **udfs):
    row = {"id": 0, "AccountName": "Home", "UserDefinedFields": udfs}
    steer("POST", "seed", {"rows": {"Account": [row]}}).raise_for_status()


def udf_values(soap):
    found = soap.query("Account", HOME).find_all("UserDefinedField")
    pairs = ((udf.findtext("{*}Name"), udf.findtext("{*}Value")) for udf in found)
    return {name: value for name, value in pairs if value}


def udf_names(soap):
    return soap.call("getUDFInfo", "<psTable>Account</psTable>").texts("Name")


def test_a_snapshot_is_restored_with_its_numbers(steer, soap):
    assert steer("POST", "snapshot", {"name": "before"}).status_code == 200
    assert "before" in steer("GET", "snapshot").json()["snapshots"]
    first = soap.write("create", "Contact", CONTACT.format("Gone")).ids
    soap.write("delete", "Contact", "<id>29684012</id>")

    assert steer("POST", "restore", {"name": "before"}).status_code == 200

    assert contacts(soap, "Gone") == []
    assert soap.row("Contact", 29684012).status_code == 200
    assert soap.write("create", "Contact", CONTACT.format("Gone")).ids == first


def test_values_of_udfs_come_back_to_their_own(steer, soap):
    define(soap, "Bays", "Berths")
    give(steer, Bays="seven", Berths="nine")
    steer("POST", "snapshot", {"name": "udfs"}).raise_for_status()
    steer("POST", "reset").raise_for_status()
    define(soap, "Other", data=NUMERIC)  # under the number of the first

    steer("POST", "restore", {"name": "udfs"}).raise_for_status()

    assert udf_values(soap) == {"Bays": "seven", "Berths": "nine"}


def test_udfs_created_after_the_snapshot_are_removed(steer, soap):
    define(soap, "Bays")
    give(steer, Bays="seven")
    before = udf_names(soap)
    steer("POST", "snapshot", {"name": "one"}).raise_for_status()
    define(soap, "Berths")
    give(steer, Bays="eight", Berths="nine")

    restored = steer("POST", "restore", {"name": "one"})

    assert (restored.status_code, restored.json()) == (200, {"restored": "one"})
    assert udf_names(soap) == before
    assert udf_values(soap) == {"Bays": "seven"}
    define(soap, "Slips")
    give(steer, Slips="ten")
    assert udf_values(soap)["Slips"] == "ten"


def test_snapshots_of_one_name_at_once_are_all_taken(steer, soap):
    with ThreadPoolExecutor(8) as pool:
        taken = pool.map(
            lambda _: steer("POST", "snapshot", {"name": "busy"}), range(24)
        )
        codes = [reply.status_code for reply in taken]

    assert codes == [200] * 24
    assert steer("GET", "snapshot").json()["snapshots"].count("busy") == 1
    soap.write("delete", "Contact", "<id>29684012</id>")
    assert steer("POST", "restore", {"name": "busy"}).status_code == 200
    assert soap.row("Contact", 29684012).status_code == 200


@pytest.mark.parametrize("name", ["", "../up", "nobody-took-it"])
def test_other_snapshots_are_refused(steer, name):
    assert steer("POST", "restore", {"name": name}).status_code == 400


@pytest.mark.campaign
def test_a_snapshot_of_another_release_is_refused(own_sandbox, tmp_path):
    with own_sandbox("--data", "kept[1].sqlite") as soap:

        def post(path):
            url = f"{soap.url}/sandbox/{path}"
            return soap.session.post(url, json={"name": "old"})

        assert post("snapshot").json() == {"snapshots": ["old"]}
        with sqlite3.connect(tmp_path / "kept[1].sqlite.old.snapshot") as older:
            older.execute("UPDATE made_from SET signature = 'small of old'")

        refused = post("restore")

        assert refused.status_code == 400
        assert "by another release" in refused.json()["message"]
        assert soap.query("Account", HOME).ids == [0]


@pytest.mark.campaign
def test_a_reset_and_a_restore_leave_no_log_behind(own_sandbox, tmp_path):
    log = tmp_path / "kept.sqlite-wal"
    with own_sandbox("--data", "kept.sqlite") as soap:
        for path in ("snapshot", "reset", "restore"):
            soap.write("create", "Contact", CONTACT.format("Logged"))
            before = log.stat().st_size

            url = f"{soap.url}/sandbox/{path}"
            soap.session.post(url, json={"name": "a"}).raise_for_status()

            after = log.stat().st_size
            assert before > 0
            assert after == (before if path == "snapshot" else 0), path


@pytest.mark.campaign
def test_the_start_is_made_again_where_it_is_lost_or_another(own_sandbox, tmp_path):
    start = tmp_path / "kept.sqlite.start"
    with own_sandbox("--data", "kept.sqlite") as soap:
        for spoil in (start.unlink, lambda: start.write_text("no database" * 99)):
            spoil()
            soap.write("create", "Contact", CONTACT.format("Gone"))

            soap.session.post(f"{soap.url}/sandbox/reset").raise_for_status()

            assert contacts(soap, "Gone") == []
            assert len(contacts(soap, "Nora")) < 20


@pytest.mark.campaign
def test_an_empty_file_gets_a_start_of_its_own(own_sandbox, tmp_path):
    with own_sandbox("--data", "kept.sqlite"):
        pass
    (tmp_path / "kept.sqlite").unlink()
    with sqlite3.connect(tmp_path / "kept.sqlite.start") as older:
        older.execute('DELETE FROM "30049 Account"')

    with own_sandbox("--data", "kept.sqlite") as soap:
        assert soap.query("Account", HOME).ids == [0]
