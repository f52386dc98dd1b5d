"""Uploads that cannot be: named by what is wrong, and never sent twice."""

from __future__ import annotations

import io
import uuid

import pytest

from bridge.backends.autotask_soap.service import SoapService
from bridge.backends.autotask_soap.zones import HostPolicy
from bridge.interfaces import Credentials, Field, FieldType, Parent

FILE = 'name="file"; filename="{}"'


def refused(answer, status=400):
    assert answer.status == status, answer.body
    return answer.json()["message"]


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ([('name="title"', b"x")], "file is missing"),
        ([('name="file"', b"x")], "`file` has no file name"),
        ([(FILE.format(""), b"x")], "fileName must be the name of a file"),
        ([(FILE.format("a.txt"), b"")], "file is empty"),
        ([(FILE.format("../a.txt"), b"x")], "fileName must be a name without a path"),
        ([(FILE.format("C:\\dir\\a.txt"), b"x")], "fileName must be a name without"),
        ([("filename*=UTF-8''a%0D%0Ab; name=file", b"x")], "fileName holds control"),
        ([(FILE.format("a"), b"x"), (FILE.format("b"), b"x")], "one file in a call"),
        ([(FILE.format("a"), b"x"), ('name="type"', b"URL")], "takes no file"),
        ([(FILE.format("a"), b"x"), ('name="publish"', b"9")], "publish cannot be 9"),
        ([(FILE.format("x" * 256), b"x")], "fullPath is too long"),
        ([('name="title"', b"x" * 70_000)], "what came with it is very long"),
    ],
)
def test_a_form_that_cannot_be(files, vendor, parts, says):
    vendor.forget()
    answer = files.post_form(*parts)

    assert says in refused(answer, 413 if "very long" in says else 400)
    assert vendor.record_calls() == {}


@pytest.mark.parametrize(
    ("body", "headers", "status", "says"),
    [
        (b"", {}, 400, "file is missing"),
        (b"{}", {}, 400, "title is required"),
        (b'{"data":"@@","fileName":"a"}', {}, 400, "data is not valid base64"),
        (b'{"data":"","fileName":"a"}', {}, 400, "file is empty"),
        (b'{"type":"PIGEON","title":"a","fullPath":"b"}', {}, 400, "type cannot be"),
        (b"{", {}, 400, "Malformed JSON"),
        (b"notes", {"Content_Type": "text/plain"}, 400, "?fileName="),
        (b"\xff\xd8", {"Content_Type": "image/jpeg"}, 400, "fileName is missing"),
        (b"x", {"Content_Type": "multipart/related"}, 415, "multipart/related"),
        (b"x", {"Content_Type": "multipart/form-data"}, 400, "boundary"),
        (b"x", {"Content_Encoding": "gzip"}, 415, "Content-Encoding gzip"),
        (b"x" * 10_000_001, {"Content_Disposition": "x; filename=a"}, 413, "10000000"),
        (b"", {"Content_Disposition": "x; filename=a"}, 400, "file is empty"),
        (b"x", {"Content_Disposition": 'x; filename="C:\\dir\\a"'}, 400, "a path"),
    ],
)
def test_a_body_that_cannot_be(files, vendor, body, headers, status, says):
    vendor.forget()

    assert says in refused(files.post(body, **headers), status)
    assert vendor.record_calls() == {}


def test_the_vendor_s_word_on_a_large_file_reaches_the_caller(files):
    answer = files.post_bytes(bytes(7_000_001), "large.bin")

    assert "maximum size" in refused(answer)
    assert "maximum size" in answer.json()["providerMessage"]


@pytest.fixture
def faults(vendor):
    yield lambda kind, **more: vendor.control(
        "POST", "faults", {"kind": kind, "operation": "CreateAttachment", **more}
    )
    vendor.control("DELETE", "faults")


@pytest.fixture
def somebody(demo):
    """A way to the vendor that does not lead through the bridge."""
    service = SoapService(hosts=HostPolicy(allow_loopback=True))
    names = ("username", "password", "sandboxUrl", "integrationCode")
    yield service.open_backend(Credentials(*map(demo.get, names)), None, print)
    service.close()


@pytest.fixture
def namesake(files, somebody, api):
    """Attach the same to another account, without the bridge's knowledge."""

    def attach(data, title):
        values = {
            Field("ParentID", FieldType.LONG): 0,
            Field("ParentType", FieldType.INTEGER): 1,
            Field("Type", FieldType.STRING): "FILE_ATTACHMENT",
            Field("Title", FieldType.STRING): title,
            Field("FullPath", FieldType.STRING): "lost.bin",
            Field("Publish", FieldType.INTEGER): 1,
        }
        made = somebody.create_attachment(
            Parent("Account", 0), values, io.BytesIO(data)
        )
        files.made.append(made)

    return attach


@pytest.mark.parametrize("keyed", [True, False])
def test_an_upload_without_a_response_is_found_and_not_sent_again(
    files, faults, vendor, namesake, keyed
):
    data, title = uuid.uuid4().bytes, f"Lost {uuid.uuid4().hex}"
    key = {"Idempotency_Key": uuid.uuid4().hex} if keyed else {}
    query = f"&title={title.replace(' ', '%20')}"
    namesake(data, title)
    faults("reset", after_commit=True)

    first = files.post_bytes(data, "lost.bin", query=query, **key)
    vendor.forget()
    second = files.post_bytes(data, "lost.bin", query=query, **key)
    cost = vendor.calls()

    assert "may or may not have happened" in refused(first, 502)
    assert second.status == 200, second.body
    assert [record["id"] for record in files.titled(title)] == [second.json()["id"]]
    assert cost == {"query": 1}


def test_a_missing_upload_is_not_confused_with_other_records(
    files, faults, namesake, vendor
):
    data, title = uuid.uuid4().bytes, f"Lost {uuid.uuid4().hex}"
    query = f"&title={title.replace(' ', '%20')}"
    namesake(data, title)
    faults("reset", after_commit=False)
    files.post_bytes(data, "lost.bin", query=query)

    again = files.post_bytes(data, "lost.bin", query=query)

    assert "no such record is there yet" in refused(again, 502)
    assert files.titled(title) == []


def test_a_key_gives_the_same_answer_and_stands_for_the_same_bytes(files, vendor):
    key = {"Idempotency_Key": uuid.uuid4().hex}
    first = files.post_bytes(b"one", "k.bin", **key)
    vendor.forget()
    second = files.post_bytes(b"one", "k.bin", **key)
    other = files.post_bytes(b"two", "k.bin", **key)

    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"
    assert "another body" in refused(other)
    assert vendor.calls() == {}


@pytest.mark.campaign
def test_an_upload_that_cannot_be_read_back_is_still_a_success(files, faults, vendor):
    faults("http503", operation="query", times=20)

    answer = files.post_bytes(b"x", "blind.txt")

    vendor.control("DELETE", "faults")
    assert answer.status == 200, answer.body
    assert answer.json()["fullPath"] == "blind.txt"
    assert "not read back" in answer.headers["elements-error"]
    assert files.api.get(f"/attachments/{answer.json()['id']}/data").body == b"x"
