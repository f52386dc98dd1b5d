"""What callers send to added resources, on its way into the vendor's request."""

from __future__ import annotations

import secrets
from html import escape
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

HOSTILE = (
    '0</expression><expression op="greaterthan">0',
    "0</expression></field><field>id<expression op='greaterthan'>0",
    "0]]></v1:sXML></v1:query>",
    "&lt;/expression&gt;",
    "{id}",
)


@pytest.fixture(scope="module")
def by_id(api, definition, query, queryxml):
    """The path of a resource that finds contacts by `id`, as it comes."""
    body = definition(query(queryxml("Contact", "id", "{id}")))
    path = "/elements/autotaskcrm/resources"
    made = api.call("POST", path, body, authorization=api.platform).json()
    yield made["path"]
    api.call("DELETE", f"{path}/{made['id']}", authorization=api.platform)


def entities(answer):
    """Return the ids of the records in an answer to a query."""
    assert answer.status == 200, answer.body
    found = answer.json()["queryResponse"]["queryResult"]["EntityResults"]
    rows = found["Entity"] if found else []
    return [row["id"] for row in (rows if isinstance(rows, list) else [rows])]


@pytest.fixture(scope="module")
def contact(api):
    """A contact with a name that XML has another use for."""
    body = {
        "accountID": 0,
        "active": 1,
        "firstName": "Ida",
        "lastName": f"Smith & <Sons> {secrets.token_hex(4)}",
    }
    answer = api.call("POST", "/contacts", body)
    assert answer.status == 200, answer.body
    return answer.json()


def told(answer):
    """Return the ids in an answer, none where the vendor refused the value."""
    if answer.status == 400 and "providerMessage" in answer.json():
        return []
    return entities(answer)


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_stays_a_value(api, by_id, value):
    assert told(api.get(f"{by_id}?id={quote(value)}")) == []


def test_no_value_finds_more_than_itself(api, by_id, contact):
    @settings(max_examples=25, database=None)
    @given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
    def attack(value):
        answer = api.get(f"{by_id}?id={quote(value)}")
        if "XML cannot carry" not in answer.body.decode():
            assert len(told(answer)) <= 1

    attack()
    assert entities(api.get(f"{by_id}?id={contact['id']}")) == [contact["id"]]


def test_a_value_with_signs_of_xml_is_found(api, add, query, queryxml, contact):
    path = add(query(queryxml("Contact", "lastname", "{name}")))["path"]

    found = api.get(f"{path}?name={quote(contact['lastName'])}")

    assert entities(found) == [contact["id"]]


def test_a_marked_section_is_read(api, add, envelope, queryxml, contact):
    document = queryxml("Contact", "id", "{id}")
    text = f"<v1:query><v1:sXML><![CDATA[{document}]]></v1:sXML></v1:query>"
    path = add(envelope(text))["path"]

    assert entities(api.get(f"{path}?id={contact['id']}")) == [contact["id"]]
    assert told(api.get(f"{path}?id={quote(HOSTILE[0])}")) == []


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>{envelope}',
        "<!DOCTYPE x>{envelope}",
        "<!ENTITY e '1'>{envelope}",
    ],
)
def test_declarations_are_refused_and_nothing_is_sent(api, add, vendor, usage, text):
    path = add(text.format(envelope=usage))["path"]
    vendor.forget()

    answer = api.get(path)

    assert answer.status == 400
    assert vendor.calls() == {}


def test_a_declaration_in_the_query_is_refused(api, add, vendor, query):
    path = add(query('<!DOCTYPE q [<!ENTITY e "1">]><queryxml>&e;</queryxml>'))["path"]
    vendor.forget()

    assert api.get(path).status == 400
    assert vendor.calls() == {}


def parameter(kind, name="id", **more):
    return {
        "name": name,
        "vendorName": "accId",
        "type": kind,
        "vendorType": "body",
        "dataType": "string",
        "source": "request",
        **more,
    }


@pytest.fixture
def declared(add, query, queryxml):
    """Add a resource whose placeholder is filled from a declared parameter."""

    def declared(kind, **changes):
        text = query(queryxml("Account", "id", "{accId}"))
        return add(text, more=[parameter(kind)], **changes)["path"]

    return declared


def test_a_parameter_of_the_query_goes_where_its_vendor_name_is(api, declared):
    path = declared("query")

    assert entities(api.get(f"{path}?id=0")) == [0]
    missing = api.get(path)
    assert missing.status == 400
    assert missing.json()["message"] == "id is required by this resource."


def test_a_parameter_of_the_path_goes_where_its_vendor_name_is(api, declared):
    name = f"own{secrets.token_hex(4)}"
    declared("path", path=f"/{name}/{{id}}")

    assert entities(api.get(f"/{name}/0")) == [0]


def test_a_header_goes_where_its_vendor_name_is(api, add, query, queryxml):
    text = query(queryxml("Account", "id", "{accId}"))
    path = add(text, more=[parameter("header", name="X-Account")])["path"]

    assert entities(api.get(path, headers={"x-account": "0"})) == [0]
    assert api.get(path).status == 400


def test_secrets_of_the_call_are_no_values(api, add, vendor, query, queryxml):
    text = query(queryxml("Account", "accountname", "{accId}"))
    path = add(text, more=[parameter("header", name="Authorization")])["path"]
    vendor.forget()

    assert api.get(path).status == 400
    assert vendor.calls() == {}


@pytest.mark.parametrize("value", [0, "0"])
def test_a_member_of_the_body_goes_where_its_vendor_name_is(api, declared, value):
    path = declared("body", method="POST")

    assert entities(api.call("POST", path, {"id": value})) == [0]
    assert api.call("POST", path, {"id": [value]}).status == 400
    assert api.call("POST", path, {}).status == 400
    assert api.call("POST", path).status == 400


def test_a_body_is_read_as_json_whatever_its_type_says(api, declared):
    path = declared("body", method="POST")
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    assert entities(api.call("POST", path, {"id": 0}, headers=headers)) == [0]


def test_a_field_of_a_form_goes_where_its_vendor_name_is(api, declared):
    path = declared("form", method="POST")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    parts = {"Content-Type": "multipart/form-data; boundary=cut"}
    part = '--cut\r\nContent-Disposition: form-data; name="id"\r\n\r\n0\r\n--cut--\r\n'

    plain = api.call("POST", path, urlencode({"id": 0}).encode(), headers=form)
    assert entities(plain) == [0]
    assert entities(api.call("POST", path, part.encode(), headers=parts)) == [0]
    assert api.call("POST", path, b"", headers=form).status == 400


def test_parameters_without_a_placeholder_are_ignored(api, add):
    path = add(method="POST")["path"]

    assert api.call("POST", path, b"no JSON").status == 200


def test_a_value_in_a_structure_of_braces_is_not_filled_twice(
    api, add, query, queryxml
):
    path = add(query(queryxml("Account", "accountname", "{name}")))["path"]

    answer = api.get(f"{path}?name=%7Bname%7D&{urlencode({'other': escape('<')})}")

    assert entities(answer) == []
