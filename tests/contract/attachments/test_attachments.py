"""Files and links of records, up and down, and what each call costs."""

from __future__ import annotations

import base64

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from bridge.sandbox.facts.loader import load_facts
from bridge.sandbox.soap.wsdl import render

NAMED = 'name="file"; filename="Übersicht 日本.pdf"'
PDF = b"%PDF-1.4\n"
DOWNLOAD = {"Accept": "application/octet-stream"}


def test_a_form_is_attached_and_comes_back_byte_by_byte(files, vendor):
    vendor.forget()
    answer = files.post_form(
        ('name="title"', b"Survey"),
        ('name="publish"', b"2"),
        (
            f"{NAMED}\r\nContent-Type: application/pdf",
            PDF,
        ),
    )
    cost = vendor.calls()

    assert answer.status == 200, answer.body
    record = answer.json()
    assert record["parentID"] == int(files.path.split("/")[-1])
    assert record["title"] == "Survey"
    assert record["fullPath"] == "Übersicht 日本.pdf"
    assert (record["publish"], record["fileSize"]) == (2, len(PDF))
    assert record["type"] == "FILE_ATTACHMENT"
    assert cost == {"CreateAttachment": 1, "query": 1}

    vendor.forget()
    down = files.api.get(
        f"{files.path}/attachments/{record['id']}/data", headers=DOWNLOAD
    )
    assert (down.status, down.body) == (200, PDF)
    assert down.headers["content-type"] == "application/pdf"
    assert down.headers["content-disposition"] == (
        'attachment; filename="Ubersicht __.pdf"; '
        "filename*=UTF-8''%C3%9Cbersicht%20%E6%97%A5%E6%9C%AC.pdf"
    )
    assert down.headers["x-content-type-options"] == "nosniff"
    assert vendor.calls() == {"GetAttachment": 1}


LABELLED = 'name="title"\r\nContent-Type: text/plain; charset={}'


@pytest.mark.parametrize(
    "head", [LABELLED.format("iso-8859-1"), LABELLED.format("windows-1252")]
)
def test_a_part_of_a_form_is_read_as_labelled(files, head):
    file = ('name="file"; filename="x.txt"', b"x")

    made = files.post_form(file, (head, b"J\xf6rg")).json()
    unlabelled = files.post_form(file, ('name="title"', b"J\xf6rg"))

    assert made["title"] == "J\u00f6rg"
    assert unlabelled.status == 400
    assert "The part title is not valid UTF-8" in unlabelled.json()["message"]


def test_bytes_with_a_name_are_attached(files):
    plain = files.post_bytes(PDF, "a b.bin", query="&title=Named").json()
    headed = files.post(
        PDF,
        Content_Type="image/png",
        Content_Disposition="attachment; filename*=UTF-8''n%C3%A4me.png",
    ).json()

    assert (plain["title"], plain["fullPath"]) == ("Named", "a b.bin")
    assert (headed["title"], headed["contentType"]) == ("näme.png", "image/png")


def test_a_json_body_holds_a_link_or_a_small_file(files, vendor):
    link = files.post_link(type="url", title="Wiki", fullPath="https://x.example/?a=1")
    text = base64.b64encode(PDF).decode()
    file = files.post_link(fileName="p.pdf", data=text)

    assert link.json()["type"] == "URL"
    assert file.json()["fileSize"] == len(PDF)
    vendor.forget()
    down = files.api.get(f"/attachments/{link.json()['id']}/data", headers=DOWNLOAD)
    assert down.status == 404
    assert "https://x.example/?a=1" in down.json()["message"]
    assert vendor.calls() == {"GetAttachment": 1}


@pytest.mark.parametrize("name", ["Ticket", "opportunities", "Project", "accounts/0"])
def test_other_parents_have_attachments_of_their_own(files, api, name):
    path = f"/{name}"
    if "/" not in name:
        path += f"/{api.get(f'{path}?pageSize=1').json()[0]['id']}"
    made = files.post_bytes(b"x", "x.txt", path=path).json()

    listed = api.get(f"/hubs/crm//{path}/attachments/").json()
    assert made["id"] in [record["id"] for record in listed]
    assert api.get(f"{path}/attachments/{made['id']}").json() == made
    assert api.get(f"{files.path}/attachments/{made['id']}").status == 404
    assert api.get(f"{files.path}/attachments/{made['id']}/data").status == 404


def test_lists_are_paged_and_filtered_like_any_other(files, vendor):
    for title in ("One", "Two", "Three"):
        files.post_bytes(b"x", f"{title}.txt", query=f"&title={title}")
    vendor.forget()
    first = files.api.get(f"{files.path}/attachments?pageSize=2")
    token = first.headers["elements-next-page-token"]
    second = files.api.get(f"{files.path}/attachments?pageSize=2&nextPage={token}")
    cost = vendor.calls()
    found = files.titled("Two")

    assert [r["title"] for r in first.json() + second.json()] == ["One", "Two", "Three"]
    assert first.headers["elements-returned-count"] == "2"
    assert "elements-next-page-token" not in second.headers
    assert [record["title"] for record in found] == ["Two"]
    assert cost == {"query": 2}


def test_no_attachments_is_an_empty_list_and_no_parent_is_not(api, ticket, vendor):
    api.get(f"{ticket}/attachments")
    vendor.forget()
    none = api.get(f"{ticket}/attachments")
    cost = vendor.calls()

    assert (none.status, none.json()) == (200, [])
    assert cost == {"query": 2}
    for path in ("/accounts/999999999", "/accounts/x", "/leads/0", "/nonsense/1"):
        assert api.get(f"{path}/attachments").status == 404, path


def test_an_object_without_attachments_is_refused_with_those_that_have_them(files):
    contact = files.api.get("/contacts?pageSize=1").json()[0]["id"]

    for answer in (
        files.api.get(f"/contacts/{contact}/attachments"),
        files.post_bytes(b"x", "x", path=f"/contacts/{contact}"),
    ):
        assert answer.status == 404
        assert "Account, Task Or Ticket, Project" in answer.json()["message"]


def test_an_upload_to_a_record_that_is_not_there(files, vendor):
    vendor.forget()
    answer = files.post_bytes(b"x", "x.txt", path="/accounts/999999999")

    assert answer.status == 404
    assert answer.json()["message"] == "The account with ID 999999999 was not found."
    assert vendor.calls() == {"CreateAttachment": 1, "query": 1}


def test_attachments_by_themselves(files, vendor):
    made = files.post_bytes(PDF, "x.pdf").json()
    alone = f"/attachments/{made['id']}"

    assert files.api.get(alone).json() == made
    assert files.api.get(f"/attachments?where=id={made['id']}").json() == [made]
    for path in (alone, f"/AttachmentInfo/{made['id']}", f"/hubs/crm{alone}"):
        assert files.api.get(f"{path}/data").body == PDF
    vendor.forget()
    assert files.api.call("DELETE", alone).status == 200
    assert vendor.calls() == {"DeleteAttachment": 1}
    assert files.api.get(f"{alone}/data").status == 404


def test_only_a_record_s_own_attachment_is_deleted(files, ticket, vendor):
    made = files.post_bytes(b"x", "x.txt").json()["id"]
    vendor.forget()
    foreign = files.api.call("DELETE", f"{ticket}/attachments/{made}")
    own = files.api.call("DELETE", f"{files.path}/attachments/{made}")
    cost = vendor.calls()
    again = files.api.call("DELETE", f"{files.path}/attachments/{made}")

    assert [foreign.status, own.status, again.status] == [404, 200, 404]
    assert own.body == b""
    assert cost == {"query": 2, "DeleteAttachment": 1}
    assert files.api.call("DELETE", "/attachments/x").status == 404
    assert files.api.call("DELETE", "/attachments/1").status == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "{account}/attachments/1"),
        ("PUT", "/attachments/1"),
        ("POST", "/attachments"),
        ("DELETE", "{account}/attachments"),
        ("POST", "{account}/attachments/1/data"),
    ],
)
def test_other_verbs_are_refused(api, account, method, path):
    answer = api.call(method, path.format(account=account), {})

    assert answer.status == 405
    assert answer.headers["allow"]


def test_any_media_type_is_acceptable_for_a_file_but_not_for_a_record(files):
    made = files.post_bytes(b"x", "x.png").json()["id"]
    one = f"{files.path}/attachments/{made}"

    for accept in ("image/*", "application/octet-stream", "text/csv;q=0.5"):
        headers = {"Accept": accept}
        assert files.api.get(f"{one}/data", headers=headers).status == 200
        assert files.api.get(one, headers=headers).status == 406


def test_a_dry_run_sends_nothing(files, vendor):
    vendor.forget()
    answer = files.post_bytes(b"secret bytes", "x.txt", query="&dryRun=true").json()

    assert answer["operation"] == "create"
    assert "<CreateAttachment " in answer["request"]
    assert ">x.txt</FullPath>" in answer["request"]
    assert vendor.calls() == {}
    made = files.post_bytes(b"x", "x.txt").json()["id"]
    path = f"{files.path}/attachments/{made}?dryRun=true"
    assert "DeleteAttachment" in files.api.call("DELETE", path).json()["request"]
    assert files.api.get(f"/attachments/{made}").status == 200


def test_what_is_said_is_valid_by_the_schema(files, vendor):
    found = etree.fromstring(render(load_facts())).find(
        ".//{http://www.w3.org/2001/XMLSchema}schema"
    )
    schema = etree.XMLSchema(etree.fromstring(etree.tostring(found)))
    vendor.control("DELETE", "exchanges")
    vendor.control("POST", "knobs", {"recording": True})
    try:
        made = files.post_bytes(PDF, "<&>.pdf", query="&title=%26%3C").json()["id"]
        files.api.get(f"/attachments/{made}/data")
        files.api.call("DELETE", f"/attachments/{made}")
        exchanges = vendor.control("GET", "exchanges").json()["exchanges"]
    finally:
        vendor.control("DELETE", "knobs")

    validated = set()
    for exchange in exchanges:
        for text in (exchange["request"], exchange["reply"]):
            envelope = etree.fromstring(text.encode())
            for payload in envelope.iterfind("{*}Body/*"):
                schema.assertValid(payload)
                validated.add(etree.QName(payload).localname)
    verbs = ("GetAttachment", "CreateAttachment", "DeleteAttachment")
    assert validated >= {f"{verb}{end}" for verb in verbs for end in ("", "Response")}


NAMES = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Cn", "Zl", "Zp", "Co")),
    min_size=1,
    max_size=20,
).filter(lambda name: name == name.strip() and not set(name) & {"/", "\\", "."})


@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(NAMES, st.binary(min_size=1, max_size=3000))
def test_any_name_and_bytes_make_the_round_trip(files, name, data):
    made = files.post_bytes(data, f"{name}.x").json()

    down = files.api.get(f"/attachments/{made['id']}/data", headers=DOWNLOAD)

    assert made["fullPath"] == f"{name}.x"
    assert down.body == data
