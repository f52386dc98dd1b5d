"""Callers that upload, and leave nothing behind."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

BOUNDARY = "between-7f3a"


def form(*parts):
    """Return a multipart body; a part is (headers after `form-data; `, bytes)."""
    pieces = [
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode()
        + data
        + b"\r\n"
        for head, data in parts
    ]
    return b"".join(pieces) + f"--{BOUNDARY}--\r\n".encode()


class Attachments:
    """The attachments of one account, seen by one caller."""

    def __init__(self, api, path):
        self.api = api
        self.path = path
        self.made = []

    def post(self, body, *, path=None, query="", **headers):
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.api.call(
            "POST", f"{path or self.path}/attachments{query}", body, headers=sent
        )
        if answer.status == 200 and "id" in answer.json():
            self.made.append(answer.json()["id"])
        return answer

    def post_form(self, *parts, **more):
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        return self.post(form(*parts), Content_Type=kind, **more)

    def post_bytes(self, data, name, *, query="", **more):
        query = f"?fileName={quote(name)}{query}"
        more.setdefault("Content_Type", "application/octet-stream")
        return self.post(data, query=query, **more)

    def post_link(self, **members):
        return self.post(json.dumps(members).encode(), Content_Type="application/json")

    def titled(self, title):
        where = quote(f"title = '{title}'")
        return self.api.get(f"{self.path}/attachments?where={where}").json()

    def close(self):
        for attachment_id in self.made:
            self.api.call("DELETE", f"/attachments/{attachment_id}")


def record_of(api, object_name, *, number=0):
    """Return the path of one of the simulator's records."""
    found = api.get(f"/{object_name}?pageSize={number + 1}").json()
    return f"/{object_name}/{found[number]['id']}"


@pytest.fixture(scope="session")
def account(api):
    return record_of(api, "accounts", number=1)


@pytest.fixture(scope="session")
def ticket(api):
    return record_of(api, "Ticket")


@pytest.fixture
def files(api, account):
    files = Attachments(api, account)
    # Metadata is read once; the tests count what comes after that.
    api.get(f"{account}/attachments")
    yield files
    files.close()
