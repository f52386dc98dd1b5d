"""The `Authorization` header in every known spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.services.access import Secrets
from bridge.web.http.auth import accepts_json, parse_authorization

USER = "pZr8Qk2vN7tWm4cXe1LhBd0s9GyUiOaTf5Vj6R3Mn0="
ORGANIZATION = "0b7f5e2c94ad4d1e8a63c27f19b08d55"
ELEMENT = "mT4uYx9Zb2Kq7LwVn0cR+5HsPd8EfGa1Oi6Xt/BvQkU=="
ALL = Secrets(user=USER, organization=ORGANIZATION, element=ELEMENT)


@pytest.mark.parametrize(
    "header",
    [
        f"User {USER}, Organization {ORGANIZATION}, Element {ELEMENT}",
        f"Element {ELEMENT}, User {USER}, Organization {ORGANIZATION}",
        f"User {USER},Organization {ORGANIZATION},Element {ELEMENT}",
        f"  User  {USER}  ,  Organization {ORGANIZATION} ,Element\t{ELEMENT} ",
        f"User {USER}, Organization {ORGANIZATION}, Element: {ELEMENT}",
        f"User:{USER}, Organization : {ORGANIZATION}, Element:{ELEMENT}",
        f"user {USER}, ORGANIZATION {ORGANIZATION}, eLeMeNt {ELEMENT}",
        f"User {USER}, Organization {ORGANIZATION}, Token {ELEMENT}",
        f"User {USER}, Organization {ORGANIZATION}, Element {ELEMENT},",
        f"User {USER}, Basic abc, Organization {ORGANIZATION}, Element {ELEMENT}",
        f"User {USER}, Organization {ORGANIZATION}, Element {ELEMENT}, User other",
    ],
)
def test_every_spelling_gives_the_same_secrets(header):
    assert parse_authorization(header) == ALL


def test_a_bearer_token_is_read_alone_and_beside_an_element():
    assert parse_authorization("Bearer a.b-c_d") == Secrets(bearer="a.b-c_d")
    assert parse_authorization("bearer x, Element y") == Secrets(
        bearer="x", element="y"
    )


@pytest.mark.parametrize(
    "header",
    [
        "",
        ",",
        "User",
        "User ,",
        "Userabc",
        "User a b",
        "User:",
        "abc",
        "User=abc",
        "Basic dXNlcjpwYXNz",
    ],
)
def test_what_cannot_be_read_is_missing(header):
    assert parse_authorization(header) == Secrets()


@given(st.text())
def test_no_header_raises(header):
    parse_authorization(header)


VALUES = st.text(
    alphabet=st.characters(
        min_codepoint=33, max_codepoint=126, exclude_characters=",:"
    ),
    min_size=1,
    max_size=600,
)
KEYWORDS = {
    "user": ["User", "user", "USER"],
    "organization": ["Organization", "organization"],
    "element": ["Element", "Token", "element", "TOKEN"],
    "bearer": ["Bearer", "bearer"],
}


@given(
    st.dictionaries(st.sampled_from(sorted(KEYWORDS)), VALUES),
    st.sampled_from([" ", "  ", "\t", ": ", ":", " : "]),
    st.sampled_from([",", ", ", " ,  ", "\t,"]),
    st.data(),
)
def test_values_come_back_whole_in_any_order_and_spelling(parts, gap, comma, data):
    order = data.draw(st.permutations(sorted(parts)))
    header = comma.join(
        data.draw(st.sampled_from(KEYWORDS[name])) + gap + parts[name] for name in order
    )

    assert parse_authorization(header) == Secrets(**parts)


def test_secrets_do_not_show():
    assert USER not in repr(parse_authorization(f"User {USER}"))


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "application/json",
        "Application/JSON;charset=UTF-8",
        "text/html, image/gif, *; q=.2, */*; q=.2",
        "application/xml, application/json;q=0.1",
        "application/*",
        "application/vnd.api+json",
        "text/json",
    ],
)
def test_json_is_acceptable(accept):
    assert accepts_json(accept)


@pytest.mark.parametrize(
    "accept",
    ["application/xml", "text/csv, image/png", "application/json;q=0", "nonsense"],
)
def test_json_is_not_acceptable(accept):
    assert not accepts_json(accept)
