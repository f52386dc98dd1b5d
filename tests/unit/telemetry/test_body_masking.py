"""What a caller sends is shown as it was, but for the values of secret members."""

from __future__ import annotations

import json
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.telemetry.body_masking import mask_form, mask_json, mask_target
from bridge.telemetry.redaction import MASK

SECRET = "hush-9f2c"


def _members(inner):
    return st.dictionaries(st.sampled_from(["a", "b", "name"]), inner, min_size=1)


VALUES = st.recursive(
    st.just(SECRET), lambda inner: st.lists(inner, min_size=1) | _members(inner)
)


@pytest.mark.parametrize(
    "body",
    [
        {"password": SECRET},
        {"Password": SECRET, "PASSWORD": [SECRET], "userPassWord": {"x": [SECRET]}},
        {"a": [{"b": {"secretKey": SECRET}}], "integration_code": SECRET},
        {"userDefinedField": [{"name": "Portal Password", "value": SECRET}]},
        {"userDefinedField": [{"value": SECRET, "Name": "api secret"}]},
        {"key": "crm.autotask.password", "propertyValue": SECRET},
        {"name": "A Token", "value": {"deep": [SECRET]}},
    ],
)
def test_a_secret_member_is_masked(body):
    shown = mask_json(json.dumps(body))

    assert SECRET not in shown
    assert MASK in shown
    json.loads(shown)


@pytest.mark.parametrize(
    "text",
    [
        '{"p\\u0061ssword":"hush-9f2c"}',
        '{"password" : \n "hush-9f2c", "b":1}',
        '[{"password":"hush-9f2c',
        '{"password":"hush-9f2c","b":[}',
        '{"password":{"a":"hush-9f2c"',
        '{password:"hush-9f2c"}',
        '{"password":"a\\"hush-9f2c\\\\","b":1}',
        '{"password":hush-9f2c}',
        '\ufeff{"password":["hush-9f2c"]}',
        ')]}{"password":["hush-9f2c"]}',
        '{"value":"hush-9f2c","value":"x","name":"password"}',
        '{"value":["hush-9f2c"],"value":"x","key":"password"}',
        '{"name":"password","value":["hush-9f2c',
        '{"name":"password","value":{"a":{"b":["hush-9f2c"',
        json.dumps('{"password":["hush-9f2c"]}'),
        json.dumps({"note": '{"password":["hush-9f2c"]}'}),
        json.dumps({"name": '{"password":["hush-9f2c"]}'}),
        json.dumps({"a": json.dumps([json.dumps({"secret": {"b": "hush-9f2c"}})])}),
        json.dumps({"note": '{"password":["hush-9f2c"]}'})[:-4],
    ],
)
def test_odd_and_broken_texts_are_masked_too(text):
    assert SECRET not in mask_json(text)


def test_numbers_and_flags_are_secrets_and_nothing_is_none():
    text = '{"password":12345678,"token":true,"secret":null,"pwd_token":"","n":1.10}'

    assert mask_json(text) == (
        f'{{"password":"{MASK}","token":"{MASK}","secret":null,"pwd_token":"",'
        '"n":1.10}'
    )


@pytest.mark.parametrize(
    "text",
    [
        '{"accountName": "Password",\n "n":1.100 , "name":"x","value":[1, {"a":"b"}]}',
        '[{"name":"City","value":"Troy"},{"name":"x","value":"y"}]',
        '{"a":"{\\"b\\":1}"',
        "",
        "no JSON: password",
    ],
)
def test_harmless_texts_stay_letter_by_letter(text):
    assert mask_json(text) == text


@given(
    st.sampled_from(["password", "userSecret", "SecretKey", "sessionToken"]),
    VALUES,
    st.sampled_from(["name", "b", "value"]),
    st.booleans(),
)
def test_no_shape_of_a_value_lets_a_secret_out(name, value, beside, first):
    pairs = [(name, value), (beside, "harmless")]
    text = json.dumps([{"x": dict(pairs if first else reversed(pairs))}])

    shown = mask_json(text)

    assert SECRET not in shown
    assert "harmless" in shown
    assert json.loads(shown)[0]["x"].keys() == {name, beside}


@pytest.mark.parametrize(
    "condition",
    [
        "password = 'hush-9f2c'",
        "a = 1 AND Password like '%hush-9f2c%'",
        '`password` <> "hush-9f2c" and b = 2',
        "secretKey NOT IN ('x', 'hush-9f2c') OR c = 3",
        "password='it''s hush-9f2c",
    ],
)
def test_a_condition_on_a_secret_field_is_masked_in_a_target(condition):
    for written in (quote(condition), urlencode({"where": condition})[6:], condition):
        shown = mask_target(f"/hubs/crm/users?where={written}&pageSize=2")

        assert SECRET not in shown
        assert shown.startswith("/hubs/crm/users?where=")
        assert shown.endswith("&pageSize=2")


def test_secret_parameters_are_masked_however_they_are_written():
    text = "j_username=ann&j_p%61ssword=hush-9f2c&Token=hush-9f2c&where=city='Troy'"

    assert mask_form(text) == (
        f"j_username=ann&j_p%61ssword={MASK}&Token={MASK}&where=city='Troy'"
    )
