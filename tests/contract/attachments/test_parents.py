"""A backend gets the record that an attachment belongs to, where the path names it."""

import io

import pytest
from in_process import serve_in_process

from bridge.composition import open_service
from bridge.interfaces import Parent

HUB = "/elements/api-v2/hubs/crm"
METHODS = (
    "attachment",
    "create_attachment",
    "delete_attachment",
    "preview_attachment",
)


class RecordingBackend:
    """A backend that notes the parents which its methods for attachments get."""

    def __init__(self, backend, noted):
        self._backend = backend
        self._noted = noted

    def __getattr__(self, name):
        method = getattr(self._backend, name)
        if name not in METHODS:
            return method

        def noting(*arguments):
            parents = [one for one in arguments if isinstance(one, Parent)]
            self._noted.append((name, *parents))
            return method(*arguments)

        return noting


@pytest.fixture(scope="module")
def noted():
    return []


@pytest.fixture(scope="module")
def client(demo, demo_dir, noted):
    """A caller of a process whose backends note what they get."""

    def open_recording(settings, **shared):
        service = open_service(settings, **shared)
        inner = service.open_backend
        service.open_backend = lambda *given: RecordingBackend(inner(*given), noted)
        return service

    backends = {"soap": open_recording}
    with serve_in_process(demo, demo_dir, backends=backends) as client:
        yield client


def attach(client, path, query=""):
    file = {"file": (io.BytesIO(b"plan"), "plan.txt")}
    answer = client.post(f"{HUB}{path}/attachments{query}", data=file)
    assert answer.status_code == 200, answer.text
    return answer.json


@pytest.mark.parametrize(
    ("name", "entity"), [("accounts", "Account"), ("Ticket", "Ticket")]
)
def test_a_path_with_a_record_names_the_parent(client, noted, name, entity):
    found = client.get(f"{HUB}/{name}?pageSize=2").json[1]["id"]
    path, parent = f"/{name}/{found}", Parent(entity, found)
    noted.clear()

    attach(client, path, "?dryRun=true")
    made = attach(client, path)["id"]
    one = f"{HUB}{path}/attachments/{made}"
    assert client.get(f"{one}/data").data == b"plan"
    assert client.delete(f"{one}?dryRun=true").status_code == 200
    assert client.delete(one).status_code == 200

    assert noted == [
        ("preview_attachment", parent),
        ("create_attachment", parent),
        ("attachment", parent),
        ("preview_attachment", parent),
        ("delete_attachment", parent),
    ]


def test_a_path_without_a_record_names_none(client, noted):
    made = attach(client, "/accounts/0")["id"]
    noted.clear()

    one = f"{HUB}/attachments/{made}"
    assert client.get(f"{one}/data").data == b"plan"
    assert client.delete(f"{one}?dryRun=true").status_code == 200
    assert client.delete(one).status_code == 200

    assert noted == [
        ("attachment",),
        ("preview_attachment",),
        ("delete_attachment",),
    ]
