"""`bridge doctor` names the cause: one planted fault after the other."""

from __future__ import annotations

import json
import os
import socket
from contextlib import ExitStack, closing

import pytest
from sqlalchemy import text

from bridge.catalog.loader import load_elements
from bridge.interfaces import EntityInfo, Usage, Zone
from bridge.services.diagnostics.vendor_checks import check_permission, check_usage
from bridge.store.instances import add_instance

FAILED = "failed"
OWN_CHECKS = [
    "settings",
    "data directory",
    "key ring",
    "database",
    "schema",
    "writing",
    "background work",
    "worker",
]


class Doctor:
    """Runs the doctor and reads its lines by what they looked at."""

    def __init__(self, operator, arguments=()):
        self.operator = operator
        self.arguments = arguments

    def lines(self, *arguments, **options):
        ended = self.operator.run(
            "doctor", *self.arguments, *arguments, "--json", **options
        )
        assert "Traceback" not in ended.output
        found = json.loads(ended.stdout)
        failed = [line for line in found if line["level"] == FAILED]
        assert ended.exit_code == (1 if failed else 0)
        assert all(line["cure"] for line in found if line["level"] != "ok")
        return {line["check"]: line for line in found}

    def cause(self, *arguments, **options):
        """Return the one line that failed."""
        lines = self.lines(*arguments, **options)
        [failed] = [line for line in lines.values() if line["level"] == FAILED]
        return failed


@pytest.fixture
def doctor(operator):
    return Doctor(operator)


@pytest.fixture
def vendor_doctor(connected, demo):
    """The doctor of the demo's API user."""

    def of(**changes):
        given = {
            "username": demo["username"],
            "password": demo["password"],
            "server-url": demo["sandboxUrl"],
            **changes,
        }
        pairs = [(f"--{name}", value) for name, value in given.items() if value]
        return Doctor(connected, [text for pair in pairs for text in pair])

    return of


def test_a_sound_installation_has_nothing_to_complain_of(doctor):
    lines = doctor.lines()

    assert list(lines) == OWN_CHECKS
    assert lines.pop("worker")["level"] == "warning"
    assert {line["level"] for line in lines.values()} == {"ok"}


def test_lines_for_people_name_level_and_cure(embedded):
    (embedded.settings().data_dir / "keys.json").chmod(0o644)

    printed = embedded.ok("doctor")

    assert "warning  data directory: other users of this machine may read" in printed
    assert "cure: chmod go=" in printed


def test_an_installation_that_never_started_is_said_and_stays_unmade(blank):
    lines = Doctor(blank).lines()

    assert lines["data directory"]["level"] == "warning"
    assert lines["database"]["level"] == FAILED
    assert "There is no installation of Bridge here" in lines["database"]["text"]
    assert not blank.settings().data_dir.exists()


def test_a_connection_is_examined_before_there_is_an_installation(
    vendor_doctor, tmp_path
):
    lines = vendor_doctor().lines(env={"BRIDGE_DATA_DIR": str(tmp_path / "none")})

    assert lines["database"]["level"] == "warning"
    assert lines["login"]["level"] == "ok"
    assert lines["clock"]["level"] == "ok"
    assert not (tmp_path / "none").exists()


def test_a_setting_that_cannot_be_used(doctor):
    cause = doctor.cause(env={"BRIDGE_AUTOTASK_READ_TIMEOUT_S": "soon"})

    assert cause["check"] == "settings"
    assert "BRIDGE_AUTOTASK_READ_TIMEOUT_S" in cause["text"]


def test_a_variable_that_nothing_reads(doctor):
    odd = {"BRIDGE_INTEGRATION_CODES": "x", "BRIDGE_SANDBOX_CACHE": "kept"}

    line = doctor.lines(env=odd)["environment"]

    assert line["level"] == "warning"
    assert line["text"] == "nothing reads BRIDGE_INTEGRATION_CODES"
    assert "BRIDGE_INTEGRATION_CODE may be meant" in line["cure"]


def test_a_variable_like_no_other_is_not_guessed_at(doctor):
    line = doctor.lines(env={"BRIDGE_SLOTZ": "1"})["environment"]

    assert line["text"] == "nothing reads BRIDGE_SLOTZ"
    assert line["cure"] == "docs/settings.md has all names"


def test_a_data_directory_that_is_a_file(embedded, tmp_path):
    (tmp_path / "file").write_text("")

    lines = Doctor(embedded).lines(env={"BRIDGE_DATA_DIR": str(tmp_path / "file")})

    assert lines["data directory"]["level"] == FAILED
    assert "is no directory" in lines["data directory"]["text"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_data_directory_of_another_user(embedded):
    embedded.settings().data_dir.chmod(0o000)

    assert Doctor(embedded).cause()["check"] == "data directory"


def test_keys_of_another_installation(doctor, tmp_path):
    foreign = {"BRIDGE_DATA_DIR": str(tmp_path / "other"), "BRIDGE_DATABASE_URL": ""}
    doctor.operator.run("db", "upgrade", env=foreign)
    ring = (tmp_path / "other" / "keys.json").read_text()

    cause = doctor.cause(env={"BRIDGE_KEYS": ring})

    assert cause["check"] == "key ring"
    assert "restore the keys.json" in cause["cure"]


def test_lost_keys(doctor):
    path = doctor.operator.settings().data_dir / "keys.json"
    path.unlink()

    cause = doctor.cause()

    assert cause["check"] == "key ring"
    assert "there is a database" in cause["text"]
    assert not path.exists()


def test_damaged_keys(doctor):
    (doctor.operator.settings().data_dir / "keys.json").write_bytes(b'{"keys\xff')

    assert doctor.cause()["check"] == "key ring"


@pytest.mark.parametrize(
    ("version", "cure"), [("9999", "newer release"), ("0001", "bridge db upgrade")]
)
def test_a_schema_of_another_release(doctor, version, cure):
    with doctor.operator.database() as database, database.begin() as connection:
        changed = text("UPDATE alembic_version SET version_num = :version")
        connection.execute(changed, {"version": version})

    cause = doctor.cause()

    assert cause["check"] == "schema"
    assert version in cause["text"]
    assert cure in cause["cure"]


def test_postgresql_that_is_down(embedded):
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        url = f"postgresql+psycopg://bridge:hush-hush@127.0.0.1:{port}/bridge"
        cause = Doctor(embedded).cause(env={"BRIDGE_DATABASE_URL": url})

        refusal = embedded.refused("user", "list", env={"BRIDGE_DATABASE_URL": url})

    assert cause["check"] == "database"
    assert "start the database server" in cause["cure"]
    assert "hush-hush" not in str(cause)
    assert str(port) in refusal
    assert "start the database server" in refusal
    assert "hush-hush" not in refusal


def test_a_database_url_of_another_kind(embedded):
    cause = Doctor(embedded).cause(env={"BRIDGE_DATABASE_URL": "mysql://u:hush@h/d"})

    assert (cause["check"], cause["cure"]) == (
        "settings",
        "correct BRIDGE_DATABASE_URL",
    )
    assert "hush" not in str(cause)


def test_a_sound_connection(vendor_doctor, relay):
    relay.edits = [(newer, "1.6.9<") for newer in ("1.6.11<", "1.6.9+<")]

    lines = vendor_doctor(**{"server-url": relay.url}).lines()

    vendor = {name: line for name, line in lines.items() if "permission" not in name}
    assert list(vendor)[len(OWN_CHECKS) :] == [
        "zone",
        "login",
        "integration code",
        "threshold",
        "rate limiter",
        "clock",
        "WSDL",
    ]
    assert {name for name, line in vendor.items() if line["level"] != "ok"} == {
        "settings",
        "worker",
    }
    assert lines["permission accounts"]["level"] == "ok"
    assert lines["permission contacts"]["text"] == "query, create, update"


def test_a_stored_instance_is_examined_by_its_id(connected, demo):
    user = connected.add_user()
    instance = connected.json(
        *("instance", "add", "--user", user["id"], "--name", "PSA"),
        *("--username", demo["username"], "--api-secret", demo["password"]),
        *("--server-url", demo["sandboxUrl"]),
    )

    lines = Doctor(connected).lines("--instance", instance["id"])

    assert lines["clock"]["level"] == "ok"
    refresh = f"bridge wsdl refresh --instance {instance['id']}`"
    assert refresh in lines["WSDL"]["cure"]
    assert "instance" not in lines
    assert Doctor(connected).cause("--instance", 5)["check"] == "instance"

    connected.ok("instance", "disable", instance["id"])
    lines = Doctor(connected).lines("--instance", instance["id"])
    assert lines["instance"]["level"] == "warning"
    assert lines["instance"]["text"] == (
        f"{instance['id']} is disabled, its calls are refused"
    )
    assert lines["instance"]["cure"] == f"bridge instance enable {instance['id']}"
    assert lines["clock"]["level"] == "ok"
    [tested] = connected.json("instance", "test", instance["id"])
    assert tested["status"] == "ok"
    assert tested["text"].endswith("; disabled: calls are refused")
    connected.ok("instance", "enable", instance["id"])
    [tested] = connected.json("instance", "test", instance["id"])
    assert "disabled" not in tested["text"]


def test_an_unknown_user_name(vendor_doctor):
    cause = vendor_doctor(username="nobody@nowhere.example").cause()

    assert cause["check"] == "zone"
    assert "crm.autotask.username (API username)" in cause["cure"]


def test_a_wrong_password(vendor_doctor):
    cause = vendor_doctor(password="not-the-password").cause()

    assert cause["check"] == "login"
    assert "API secret" in cause["cure"]
    assert "not-the-password" not in str(cause)


def test_a_missing_identifier(vendor_doctor):
    cause = vendor_doctor().cause(env={"BRIDGE_INTEGRATION_CODE": ""})

    assert cause["check"] == "integration code"
    assert "make one at Autotask" in cause["cure"]


def test_a_refused_identifier(vendor_doctor):
    wrong = {"integration-code": "WRONGWRONGWRONGWRONGWRONG27"}

    cause = vendor_doctor(**wrong).cause()

    assert cause["check"] == "integration code"
    assert "all 27 characters" in cause["cure"]
    assert "WRONGWRONG" not in str(cause)


@pytest.mark.parametrize("length", [0, 21, 27, 28])
def test_an_integration_code_that_was_not_copied_whole(embedded, length):
    lines = Doctor(embedded).lines(env={"BRIDGE_INTEGRATION_CODE": "Q" * length})

    line = lines.get("integration code length")
    assert (line is None) == (length in {0, 27})
    if line:
        assert line["level"] == "warning"
        assert line["text"] == (
            f"BRIDGE_INTEGRATION_CODE has {length} characters, Autotask's have 27"
        )
        assert line["cure"] == "copy it whole"


def test_an_integration_code_of_the_connection_that_was_not_copied_whole(vendor_doctor):
    lines = vendor_doctor(**{"integration-code": "Q" * 21}).lines(
        env={"BRIDGE_INTEGRATION_CODE": "Q" * 20}
    )

    text = lines["integration code length"]["text"]
    assert text.startswith("crm.autotask.integration.code has 21 characters")
    assert lines["integration code"]["level"] == FAILED


def test_a_host_that_is_down(vendor_doctor):
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        cause = vendor_doctor(**{"server-url": url}).cause()

    assert cause["check"] == "zone"
    assert f"{url[7:]} cannot be reached: connection refused" in cause["text"]
    assert "nothing listens there" in cause["cure"]


def test_a_host_that_answers_no_connection_in_time(vendor_doctor):
    with closing(socket.socket()) as full, ExitStack() as stack:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            caller = stack.enter_context(closing(socket.socket()))
            caller.settimeout(0)
            caller.connect_ex(full.getsockname())
        host = f"127.0.0.1:{full.getsockname()[1]}"
        cause = vendor_doctor(**{"server-url": f"http://{host}"}).cause(
            env={"BRIDGE_CONNECT_TIMEOUT_S": "0.1"}
        )

    assert f"{host} cannot be reached: no connection in time" in cause["text"]
    assert "firewall" in cause["cure"]


def test_a_host_without_an_address(vendor_doctor):
    cause = vendor_doctor(**{"server-url": "https://nowhere.invalid"}).cause(
        env={"BRIDGE_ALLOWED_HOSTS": '["nowhere.invalid"]'}
    )

    assert "nowhere.invalid:443 cannot be reached: its name" in cause["text"]
    assert "DNS" in cause["cure"]


def test_a_host_without_tls(vendor_doctor, relay):
    url = relay.url.replace("http:", "https:")

    cause = vendor_doctor(**{"server-url": url}).cause()

    assert f"{url[8:]} cannot be reached: no secure connection" in cause["text"]
    assert "certificate" in cause["cure"]


@pytest.mark.parametrize(
    "status",
    [
        *(403, 500, 501),
        *(pytest.param(rare, marks=pytest.mark.campaign) for rare in (400, 401, 405)),
    ],
)
def test_a_web_server_that_is_not_autotask(vendor_doctor, relay, status):
    relay.page, relay.status = "<html><title>It works!</title></html>", status

    cause = vendor_doctor(**{"server-url": relay.url}).cause()

    assert cause["check"] == "zone"
    assert f"{relay.url[7:]} answers, but not as Autotask" in cause["text"]
    assert f"HTTP {status}" in cause["text"]
    assert cause["cure"].startswith(f"correct the server URL, {relay.url}")


@pytest.mark.parametrize(
    "status",
    [
        *(500, 503),
        *(pytest.param(rare, marks=pytest.mark.campaign) for rare in (502, 504)),
    ],
)
def test_a_service_that_is_down(vendor_doctor, relay, status):
    relay.page, relay.status = "<html><title>Service unavailable</title></html>", status

    cause = vendor_doctor(**{"server-url": relay.url}).cause()

    assert cause["check"] == "zone"
    assert f"HTTP {status}" in cause["text"]
    assert cause["cure"] == "wait, and see Autotask's status page"


def test_a_host_that_is_not_autotask(vendor_doctor, demo):
    cause = vendor_doctor(**{"server-url": demo["baseUrl"]}).cause()

    assert cause["check"] == "zone"
    assert "correct the server URL" in cause["cure"]


@pytest.mark.parametrize(
    "page",
    [
        "<html><title>Autotask is down for maintenance</title></html>",
        "<html><title>We are upgrading Autotask</title></html>",
    ],
)
def test_a_maintenance_page(vendor_doctor, relay, page):
    relay.page = page

    cause = vendor_doctor(**{"server-url": relay.url}).cause()

    assert cause["check"] == "zone"
    assert cause["cure"].startswith("wait, and see Autotask's status page")


def test_a_page_of_another_web_server(vendor_doctor, relay):
    relay.page = "<html><title>Welcome to nginx!</title></html>"

    cause = vendor_doctor(**{"server-url": relay.url}).cause()

    assert cause["cure"].startswith("correct the server URL")


def test_a_server_url_that_is_not_allowed(vendor_doctor):
    cause = vendor_doctor(**{"server-url": "https://evil.example"}).cause()

    assert cause["check"] == "zone"
    assert "not allowed" in cause["text"]
    assert "BRIDGE_AUTOTASK_ALLOWED_HOSTS" in cause["cure"]


def test_an_entity_without_permission(vendor_doctor, relay):
    granted = "<UserAccessForCreate>All<"
    relay.edits = [(granted, granted.replace("All", "None"))]

    lines = vendor_doctor(**{"server-url": relay.url}).lines()

    assert lines["permission accounts"]["level"] == "warning"
    assert "may not create Account" in lines["permission accounts"]["text"]
    assert "may not create Contact" in lines["permission contacts"]["text"]
    assert "security level" in lines["permission contacts"]["cure"]


@pytest.mark.parametrize(
    ("used", "level"), [(5999, "ok"), (6000, "warning"), (9500, FAILED)]
)
def test_a_threshold_nearly_used_up(used, level):
    finding = check_usage(Usage(threshold=10_000, timeframe_minutes=60, used=used))

    assert finding.level == level
    assert str(used) in finding.text


def test_a_threshold_that_the_vendor_reports_as_used_up(vendor_doctor, relay):
    relay.edits = [("numberOfExternalRequest: ", "numberOfExternalRequest: 99999999")]

    cause = vendor_doctor(**{"server-url": relay.url}).cause()

    assert cause["check"] == "threshold"
    assert "/usage/vendor" in cause["cure"]


@pytest.mark.parametrize(
    ("ahead_s", "level", "side"),
    [(-120, "warning", "ahead of"), (3600, FAILED, "behind")],
)
def test_a_clock_that_is_off(vendor_doctor, relay, ahead_s, level, side):
    relay.ahead_s = ahead_s

    clock = vendor_doctor(**{"server-url": relay.url}).lines()["clock"]

    assert clock["level"] == level
    assert side in clock["text"]
    assert "synchronise" in clock["cure"]


def test_a_zone_with_a_newer_release(vendor_doctor, relay):
    relay.edits = [
        (f"VersionResult>{release}<", "VersionResult>1.6.30<")
        for release in ("1.6.9", "1.6.11")
    ]

    wsdl = vendor_doctor(**{"server-url": relay.url}).lines()["WSDL"]

    assert wsdl["level"] == "warning"
    assert "bridge wsdl refresh" in wsdl["cure"]


def test_a_fetched_file_that_is_not_a_description(vendor_doctor, connected):
    folder = connected.settings().data_dir / "wsdl"
    folder.mkdir(exist_ok=True)
    broken = folder / "atws-1.6-1.6.40.wsdl"
    broken.write_text("cut off")
    try:
        wsdl = vendor_doctor().lines()["WSDL"]
    finally:
        broken.unlink()

    assert wsdl["level"] == "warning"
    assert wsdl["text"].startswith("atws-1.6-1.6.40.wsdl cannot be used; in its place")
    assert "bridge wsdl refresh --instance" in wsdl["cure"]


def test_a_tenant_that_moved(connected, demo):
    user = connected.add_user()
    with connected.database() as database:
        instance = add_instance(
            database,
            user_id=user["id"],
            element_key="autotaskcrm",
            name="x",
            tags=[],
            configuration={
                "crm.autotask.username": demo["username"],
                "crm.autotask.password": demo["password"],
                "crm.autotask.server.url": demo["sandboxUrl"],
            },
            zone=Zone("https://webservices3.autotask.net/x", 1),
        )

    zone = Doctor(connected).lines("--instance", instance.id)["zone"]

    assert zone["level"] == "warning"
    assert "moved from https://webservices3" in zone["text"]


def test_a_module_that_is_switched_off():
    resource = load_elements()["autotaskcrm"].resources["products"]
    closed = EntityInfo(
        resource.entity,
        can_query=True,
        can_create=True,
        can_update=True,
        can_delete=False,
        has_udfs=False,
        denied=frozenset({"query", "create", "update"}),
    )

    assert check_permission(resource, closed).level == FAILED
    assert "module" in check_permission(resource, None).cure


@pytest.mark.parametrize(
    "arguments",
    [
        ["--username", "x"],
        ["--username", "x", "--password", "y"],
        ["--instance", "1", "--username", "x"],
        ["--instance", "1", "--server-url", "http://x", "--password", "y"],
        ["--instance", "1", "--integration-code", "x"],
        ["--server-url", "x"],
        ["--password", "x"],
        ["--zone", "webservices3"],
        [
            *("--username", "x", "--password", "y"),
            *("--zone", "a", "--server-url", "b"),
        ],
        ["--password", "x", "--password-stdin"],
        ["--instance", "x"],
    ],
)
def test_wrong_usage(embedded, arguments):
    embedded.refused("doctor", *arguments, code=2)
