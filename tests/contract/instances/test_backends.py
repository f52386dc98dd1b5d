"""Which backend serves an instance: the one that its configuration names."""

import pytest
from in_process import serve_in_process

from bridge.catalog.loader import load_elements
from bridge.composition import (
    BACKENDS,
    DESCRIPTIONS,
    DIAGNOSTICS,
    open_service,
)

KEY = "crm.autotask.backend"
HUB = "/elements/api-v2/hubs/crm"


class OtherService:
    """A second way to the vendor, which counts the backends that it opens."""

    def __init__(self, settings, **shared):
        self.service = open_service(settings, **shared)
        self.opened = 0
        self.closed = 0

    def open_backend(self, *arguments, **more):
        self.opened += 1
        return self.service.open_backend(*arguments, **more)

    def close(self):
        self.closed += 1
        self.service.close()


@pytest.fixture(scope="module")
def process(demo, demo_dir):
    """A process on the demo's data with a second backend, which it yields."""
    services = []

    def open_other(*arguments, **more):
        services.append(OtherService(*arguments, **more))
        return services[-1]

    backends = {**BACKENDS, "other": open_other}
    with serve_in_process(demo, demo_dir, backends=backends) as client:
        client.environ_base["HTTP_AUTHORIZATION"] = (
            f"User {demo['userSecret']}, Organization {demo['organizationSecret']}"
        )
        [other] = services
        yield client, other
    assert other.closed == 1


@pytest.fixture
def add(process, demo):
    """Add an instance whose configuration names a backend; it is removed again."""
    client, _ = process
    made = []

    def add(name, *, status=200):
        body = {
            "name": "Elsewhere",
            "element": {"key": "autotaskcrm"},
            "configuration": {
                "crm.autotask.username": demo["username"],
                "crm.autotask.password": demo["password"],
                "crm.autotask.server.url": demo["sandboxUrl"],
                **({} if name is None else {KEY: name}),
            },
        }
        answer = client.post("/elements/api-v2/instances", json=body)
        assert answer.status_code == status, answer.text
        if status == 200:
            made.append(answer.json["id"])
        return answer.json

    yield add
    for number in made:
        client.delete(f"/elements/api-v2/instances/{number}")


def secrets_of(demo, instance):
    return {"Authorization": f"User {demo['userSecret']}, Element {instance['token']}"}


@pytest.mark.parametrize(
    ("name", "counted"),
    [(None, 0), ("", 0), ("soap", 0), ("SOAP", 0), ("other", 1), ("Other", 1)],
)
def test_instance_is_served_by_the_backend_that_it_names(
    process, demo, add, name, counted
):
    client, other = process
    before = other.opened
    instance = add(name)
    assert other.opened - before == counted

    path, headers = f"{HUB}/accounts?pageSize=1", secrets_of(demo, instance)
    answer = client.get(path, headers=headers)

    assert answer.status_code == 200, answer.text
    assert len(answer.json) == 1
    assert (other.opened - before > counted) == bool(counted)


def test_configuration_that_names_no_known_backend_is_refused(api, demo, add):
    refused = add("rest", status=400)
    assert refused["message"] == f"{KEY} must be `soap` or `other`."

    body = {
        "name": "Elsewhere",
        "element": {"key": "autotaskcrm"},
        "configuration": {
            "crm.autotask.username": demo["username"],
            "crm.autotask.password": demo["password"],
            "crm.autotask.server.url": demo["sandboxUrl"],
            KEY: "other",
        },
    }
    answer = api.call("POST", "/instances", body, authorization=api.platform)

    assert answer.status == 400
    assert answer.json()["message"] == (
        f"{KEY} must be `soap`, the one way to Autotask there is."
    )


@pytest.mark.parametrize(
    "path",
    [
        "/ping",
        "/hubs/crm/accounts",
        "/hubs/crm/accounts/0",
        "/hubs/crm/objects",
        "/hubs/crm/objects/accounts/metadata",
        "/hubs/crm/accounts/0/attachments",
    ],
)
def test_stored_instance_of_an_unknown_backend_is_refused_with_the_cure(
    api, vendor, demo, add, path
):
    headers = secrets_of(demo, add("other"))
    vendor.forget()

    answer = api.get(path, authorization=headers["Authorization"])

    assert answer.status == 400, answer.body
    assert answer.json()["message"].startswith(f"{KEY} must be `soap`")
    assert vendor.calls() == {}


def test_verb_that_an_object_lacks_is_refused_before_credentials_are_read(
    api, demo, add
):
    authorization = secrets_of(demo, add("other"))["Authorization"]

    answer = api.call("DELETE", "/hubs/crm/accounts/0", authorization=authorization)

    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, PATCH, PUT"


def test_bad_key_is_refused_before_the_object_is_looked_up(api):
    answer = api.call("POST", "/hubs/crm/nothing", {}, headers={"Idempotency-Key": "ä"})

    assert answer.status == 400
    assert "Idempotency-Key" in answer.json()["message"]


def test_instance_of_an_unknown_backend_can_be_corrected(api, demo, add):
    instance = add("other")
    headers = secrets_of(demo, instance)

    answer = api.call(
        "PATCH",
        f"/instances/{instance['id']}",
        {"configuration": {KEY: "soap"}},
        authorization=api.platform,
    )

    assert answer.status == 200, answer.body
    path = "/hubs/crm/accounts?pageSize=1"
    assert api.get(path, authorization=headers["Authorization"]).status == 200


def test_tables_agree_on_the_names_and_the_default():
    [element] = load_elements().values()
    [key] = [key for key in element.configuration if key.key == KEY]

    assert next(iter(BACKENDS)) == next(iter(DESCRIPTIONS)) == key.default
    assert DIAGNOSTICS.keys() == BACKENDS.keys()
    assert DESCRIPTIONS.keys() <= BACKENDS.keys()
