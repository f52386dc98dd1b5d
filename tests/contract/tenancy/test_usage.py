"""The log of a caller's requests, as he reads it."""

import pytest


@pytest.fixture
def usage(api):
    def call(query=""):
        return api.get(f"/usage{query}", authorization=api.platform)

    return call


def test_a_call_is_in_the_log_under_its_request_id(api, usage):
    asked = api.get("/hubs/crm/accounts?pageSize=1&where=phone='555'")
    request_id = asked.headers["elements-request-id"]

    row = usage(f"/{request_id}").json()

    assert row["request_id"] == request_id
    assert row["request_status"] == 200
    assert row["element_key"] == "autotaskcrm"
    assert row["request_uri"] == "/elements/api-v2/hubs/crm/accounts"
    assert row["element_api"].startswith("GET /")
    assert usage(f"/{row['traffic_id']}").json() == row


def test_the_newest_come_first_page_by_page(api, usage):
    for _ in range(5):
        api.get("/hubs/crm/ping")
    usage("/0000000000000000000000ff")
    window = "&searchText=/ping"
    whole = usage(f"?pageSize=5{window}").json()

    numbers = [row["traffic_id"] for row in whole]
    assert numbers == sorted(numbers, reverse=True)
    assert {row["request_uri"][-5:] for row in whole} == {"/ping"}
    first = usage(f"?pageSize=2{window}")
    token = first.headers["elements-next-page-token"]
    second = usage(f"?pageSize=2{window}&nextPage={token}").json()
    assert first.json() + second == whole[:4]
    assert usage(f"?pageSize=2&pageOffset=2{window}").json() == whole[2:4]


@pytest.mark.parametrize("status", ["404", "4xx", "failed"])
def test_by_status(api, usage, status):
    request_id = api.get("/hubs/crm/accounts/1").headers["elements-request-id"]
    usage(f"/{request_id}")

    rows = usage(f"?status={status}").json()

    assert request_id in [row["request_id"] for row in rows]
    assert all(400 <= row["request_status"] < 600 for row in rows)


def test_by_time_hub_element_and_tag(api, usage):
    request_id = api.get("/hubs/crm/ping").headers["elements-request-id"]
    usage(f"/{request_id}")

    for query in (
        "from=2020-01-01&hub=crm&keys[]=autotaskcrm",
        "to=2100-01-01T00:00:00Z&keys%5B%5D=autotaskcrm",
    ):
        rows = usage(f"?{query}").json()
        assert request_id in [row["request_id"] for row in rows]
        assert {row["element_key"] for row in rows} == {"autotaskcrm"}
    for query in ("to=2020-01-01", "hub=documents", "keys[]=other", "tags[]=no such"):
        assert usage(f"?{query.replace(' ', '%20')}").json() == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("from=2100-01-01", 404),
        ("from=2100-01-01&to=2100-02-01", 404),
        ("from=2021-02-01&to=2021-01-01", 400),
        ("from=soon", 400),
        ("status=green", 400),
        ("pageSize=many", 400),
        ("nextPage=garbage", 400),
    ],
)
def test_what_cannot_be_answered(usage, query, status):
    answer = usage(f"?{query}")

    assert answer.status == status
    assert answer.json()["message"]


def test_nobody_reads_anothers_log(api, foreign):
    request_id = api.get("/hubs/crm/ping").headers["elements-request-id"]
    assert api.get(f"/usage/{request_id}", authorization=api.platform).status == 200

    path = f"/usage/{request_id}"
    assert foreign.get(path, authorization=foreign.platform).status == 404
    rows = foreign.get("/usage", authorization=foreign.platform).json()
    assert request_id not in [row["request_id"] for row in rows]


def test_no_secret_and_no_query_is_shown(api, usage):
    api.get("/hubs/crm/accounts?where=phone='4711-0815'")

    body = usage("?pageSize=500").body.decode()

    assert "4711-0815" not in body
    assert api.line["elementToken"] not in body
    assert api.line["userSecret"] not in body
