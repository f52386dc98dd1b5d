"""The laws of paging, on a list longer than the largest page."""

import base64
import itertools
import re
import urllib.request
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

TOTAL = 5_060
_NAMESPACE = "http://autotask.net/ATWS/v1_6/"


def add_contacts(demo, count):
    """Create contacts in batches of 200 over SOAP; return their ids."""
    ids = []
    while len(ids) < count:
        size = min(200, count - len(ids))
        entities = "".join(
            '<Entity xsi:type="Contact"><id>0</id><Active>1</Active>'
            f"<FirstName>Ada</FirstName><AccountID>0</AccountID>"
            f"<LastName>Crowd {len(ids) + n}</LastName></Entity>"
            for n in range(size)
        )
        body = (
            '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"'
            ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soap:Header>'
            f'<AutotaskIntegrations xmlns="{_NAMESPACE}"><IntegrationCode>'
            f"{demo['integrationCode']}</IntegrationCode></AutotaskIntegrations>"
            f'</soap:Header><soap:Body><create xmlns="{_NAMESPACE}"><Entities>'
            f"{entities}</Entities></create></soap:Body></soap:Envelope>"
        )
        secret = f"{demo['username']}:{demo['password']}".encode()
        request = urllib.request.Request(
            demo["sandboxUrl"] + "/ATServices/1.6/atws.asmx",
            data=body.encode(),
            headers={
                "Content-Type": "text/xml; charset=utf-8",
                "Authorization": f"Basic {base64.b64encode(secret).decode()}",
            },
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            reply = answer.read().decode()
        found = [int(i) for i in re.findall(r"<EntityId>(\d+)</EntityId>", reply)]
        assert len(found) == size, reply[:2000]
        ids += found
    return ids


@pytest.fixture(scope="module")
def crowd(api, demo):
    """Ids of the contacts that the list below holds, ascending."""
    return add_contacts(demo, TOTAL)


WHERE = "firstName = 'Ada' and lastName like 'Crowd %'"


def page(api, **params):
    query = urlencode({"where": WHERE, "fields": "id", **params})
    answer = api.get(f"/hubs/crm/contacts?{query}")
    assert answer.status == 200, answer.body
    ids = [record["id"] for record in answer.json()]
    assert answer.headers["elements-returned-count"] == str(len(ids))
    return ids, answer.headers.get("elements-next-page-token")


def walk_by_token(api, sizes):
    """Read pages of these sizes by token, until they or the list are at their end."""
    ids, token = [], None
    for size in sizes:
        extra = {"nextPage": token, "page": 2} if token else {}
        got, token = page(api, pageSize=size, **extra)
        ids += got
        if token is None:
            break
        assert re.fullmatch(r"[A-Za-z0-9_-]+", token)
    return ids


@pytest.mark.parametrize("size", [200, 501, 5000])
def test_walking_by_token_yields_everything_once_in_order(api, crowd, size):
    assert walk_by_token(api, itertools.repeat(size)) == crowd


@pytest.mark.parametrize("size", [200, 501, 5000])
def test_walking_by_number_until_a_short_page_yields_the_same(api, crowd, size):
    ids, number = [], 1
    while True:
        got, _ = page(api, pageSize=size, page=number)
        ids += got
        number += 1
        if len(got) < size:
            break

    assert ids == crowd


@pytest.mark.parametrize("size", [1, 2, 4, 200, 501])
def test_two_pages_are_one_page_of_twice_the_size(api, crowd, size):
    first, token = page(api, pageSize=size, page=1)
    by_number, _ = page(api, pageSize=size, page=2)
    by_token, _ = page(api, pageSize=size, nextPage=token, page=7)
    twice, _ = page(api, pageSize=2 * size)

    assert first + by_number == twice
    assert by_token == by_number


@settings(max_examples=12)
@given(sizes=st.lists(st.integers(1, 1200), min_size=1, max_size=5))
def test_a_token_chain_may_change_its_size(api, crowd, sizes):
    assert walk_by_token(api, sizes) == crowd[: sum(sizes)]


@settings(max_examples=12)
@given(size=st.integers(1, 1500), number=st.integers(1, 12))
def test_a_page_by_number_is_its_slice(api, crowd, size, number):
    got, token = page(api, pageSize=size, page=number)

    start = (number - 1) * size
    assert got == crowd[start : start + size]
    if token is None:
        assert start + size >= TOTAL
    if len(got) < size:
        assert token is None


def test_the_first_page_has_many_names(api, crowd):
    expected, _ = page(api, pageSize=3)

    for params in ({"page": 0}, {"page": -4}, {"page": ""}, {"nextPage": ""}):
        assert page(api, pageSize=3, **params)[0] == expected
    assert page(api, pageSize=3, nextPage="None")[0] == expected


def test_beyond_the_end_is_an_empty_list_without_token(api, crowd):
    assert page(api, pageSize=5000, page=3) == ([], None)


def test_a_page_size_above_the_limit_is_cut_and_said(api, crowd):
    query = urlencode({"where": WHERE, "fields": "id", "pageSize": 9999})
    answer = api.get(f"/hubs/crm/contacts?{query}")

    assert answer.headers["elements-returned-count"] == "5000"
    assert "5000" in answer.headers["elements-error"]


def test_the_default_page_is_200(api, crowd):
    ids, token = page(api)

    assert len(ids) == 200
    assert token


def test_a_page_far_beyond_what_may_be_skipped_is_refused(api, vendor):
    vendor.forget()

    answer = api.get("/hubs/crm/contacts?page=5000&pageSize=5000")

    assert answer.status == 400
    assert "nextPage" in answer.json()["message"]
    assert vendor.calls() == {}


@pytest.mark.parametrize(
    "prefix", ["/hubs/crm", "/hubs/documents", "/hubs/nonsense", ""]
)
def test_the_hub_in_the_path_is_of_no_account(api, crowd, prefix):
    expected = api.get("/hubs/crm/accounts?pageSize=3").json()

    assert api.get(f"{prefix}/accounts?pageSize=3").json() == expected
    assert api.get(f"{prefix}//accounts/?pageSize=3").json() == expected
