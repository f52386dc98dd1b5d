"""Letters of callers who do not send UTF-8: none is lost, none refused in silence."""

import secrets

import pytest

CONTACT = {"accountID": 0, "active": 1}


@pytest.fixture(scope="module")
def jorg(api):
    """Create a contact by a body in windows-1252; return the stored record."""
    last_name = f"M\u00fcller\u2019s {secrets.token_hex(4)}"
    body = (
        f'{{"accountID":0,"active":1,"firstName":"J\u00f6rg","lastName":"{last_name}"}}'
    )
    answer = api.call(
        "POST",
        "/contacts",
        body.encode("cp1252"),
        headers={"Content-Type": "application/json; charset=windows-1252"},
    )
    assert answer.status == 200, answer.body
    assert answer.json()["lastName"] == last_name
    return answer.json()


@pytest.mark.parametrize("name", ["J%F6rg", "J%f6rg", "J%C3%B6rg", "J%F6r%67"])
def test_a_query_finds_it_in_either_charset(api, jorg, name):
    where = f"firstName='{name}'%20and%20id={jorg['id']}"

    found = api.get(f"/contacts?where={where}").json()

    assert [contact["id"] for contact in found] == [jorg["id"]]


def test_a_pattern_finds_it_too(api, jorg):
    token = jorg["lastName"][-8:]

    found = api.get(f"/contacts?where=lastName%20like%20'M%FCl%25{token}'").json()

    assert [contact["id"] for contact in found] == [jorg["id"]]


@pytest.mark.parametrize(
    ("media_type", "status", "says"),
    [
        ("application/json", 400, "not valid UTF-8; send UTF-8, or name the charset"),
        ("application/json;charset=utf-8", 400, "not valid utf-8"),
        ("application/json;charset=klingon", 415, "charset klingon is not read here"),
        ("text/plain", 400, "not valid UTF-8"),
    ],
)
def test_what_cannot_be_read_is_refused(api, jorg, media_type, status, says):
    answer = api.call(
        "PATCH",
        f"/contacts/{jorg['id']}",
        b'{"firstName":"J\xf6rg"}',
        headers={"Content-Type": media_type},
    )

    assert answer.status == status
    assert says in answer.json()["message"]


@pytest.mark.parametrize("charset", ["iso-8859-1", "ISO-8859-15", '"latin1"'])
def test_a_labelled_body_repeats_what_is_stored(api, vendor, jorg, charset):
    answer = api.call(
        "PUT",
        f"/contacts/{jorg['id']}",
        b'{"firstName":"J\xf6rg"}',
        headers={"Content-Type": f"application/json; charset={charset}"},
    )

    assert answer.json() == jorg
    assert vendor.calls() == {"query": 1}


def test_a_path_is_answered_with_its_own_letters(api):
    answer = api.get("/J%F6rg/7")

    assert answer.status == 404
    assert "J\u00f6rg" in answer.json()["message"]
