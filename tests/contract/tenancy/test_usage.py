"""The log of a caller's requests, and counts of it."""

import re
import secrets
from datetime import UTC, datetime, timedelta

import pytest


@pytest.fixture
def usage(api):
    def call(query=""):
        return api.get(f"/usage{query}", authorization=api.platform)

    return call


def test_a_call_is_in_the_log_under_its_request_id(api, usage, noted):
    asked = api.get("/hubs/crm/accounts?pageSize=1&where=phone='555'")

    request_id = noted(asked)
    row = usage(f"/{request_id}").json()

    assert row["request_id"] == request_id
    assert row["request_status"] == "200"
    assert (row["traffic_id"].isdecimal(), row["company_external_id"]) == (True, "")
    assert row["element_key"] == "autotaskcrm"
    assert row["request_uri"] == "/elements/api-v2/hubs/crm/accounts"
    assert row["element_api"].startswith("GET /")
    assert usage(f"/{row['traffic_id']}").json() == row


def test_the_newest_come_first_page_by_page(api, usage, noted):
    name = secrets.token_hex(8)
    for _ in range(5):
        noted(api.get(f"/hubs/crm/{name}"))
    window = f"&searchText=/{name}"
    whole = usage(f"?pageSize=5{window}").json()

    numbers = [int(row["traffic_id"]) for row in whole]
    assert numbers == sorted(set(numbers), reverse=True)
    uris = [row["request_uri"] for row in whole]
    assert uris == [f"/elements/api-v2/hubs/crm/{name}"] * 5
    first = usage(f"?pageSize=2{window}")
    token = first.headers["elements-next-page-token"]
    second = usage(f"?pageSize=2{window}&nextPage={token}").json()
    assert first.json() + second == whole[:4]
    assert usage(f"?pageSize=2&pageOffset=2{window}").json() == whole[2:4]


@pytest.mark.parametrize("status", ["404", "4xx", "failed"])
def test_by_status(api, usage, noted, status):
    request_id = noted(api.get("/hubs/crm/accounts/1"))

    rows = usage(f"?status={status}").json()

    assert request_id in [row["request_id"] for row in rows]
    assert all(400 <= int(row["request_status"]) < 600 for row in rows)


def test_by_time_hub_element_and_tag(api, usage, noted):
    request_id = noted(api.get("/hubs/crm/ping"))

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
def test_invalid_searches_are_refused(usage, query, status):
    answer = usage(f"?{query}")

    assert answer.status == status
    assert answer.json()["message"]


@pytest.mark.parametrize("name", ["from", "to"])
@pytest.mark.parametrize("text", ["soon", "2026-13-01", "1593475200000", "null"])
def test_an_invalid_time_is_refused_with_a_valid_example(usage, name, text):
    answer = usage(f"/analytics/times?{name}={text}")

    assert answer.status == 400
    message = answer.json()["message"]
    assert message.startswith(f"{name} must be a time such as 2019-03-14T09:26:53Z")


def test_the_log_of_another_account_is_not_readable(api, foreign, noted):
    request_id = noted(api.get("/hubs/crm/ping"))

    path = f"/usage/{request_id}"
    assert foreign.get(path, authorization=foreign.platform).status == 404
    rows = foreign.get("/usage", authorization=foreign.platform).json()
    assert request_id not in [row["request_id"] for row in rows]


def test_no_secret_and_no_query_is_shown(api, usage, noted):
    noted(api.get("/hubs/crm/accounts?where=phone='4711-0815'"))

    body = usage("?pageSize=500").body.decode()

    assert "4711-0815" not in body
    assert api.line["elementToken"] not in body
    assert api.line["userSecret"] not in body


def test_the_total_is_that_of_all_pages(api, usage, noted):
    name = secrets.token_hex(8)
    for _ in range(3):
        noted(api.get(f"/hubs/crm/{name}"))

    wish = f"searchText={name}&pageSize=2&returnTotalCount=true"
    first = usage(f"?{wish}")
    token = first.headers["elements-next-page-token"]

    for page in (first, usage(f"?{wish}&nextPage={token}")):
        assert page.headers["elements-total-count"] == "3"
    assert usage(f"?{wish}&status=2xx").headers["elements-total-count"] == "0"


@pytest.fixture
def asked(api, noted):
    """Three calls that are in the log: two of the element, one of none."""
    name = secrets.token_hex(8)
    for path, by in (
        (f"/hubs/crm/{name}", api.secrets),
        (f"/hubs/crm/{name}", api.secrets),
        (f"/usage/{name}", api.platform),
    ):
        answer = api.get(path, authorization=by)
        assert answer.status == 404
        noted(answer)
    return name


def figures(count, *, failed):
    return {"count": count, "success": count - failed, "failed": failed}


def test_requests_are_counted_by_account_element_and_status(api, usage, asked):
    account = usage("?pageSize=1").json()[0]["account_id"]
    wish = f"?searchText={asked}"

    assert usage(f"/analytics/accounts{wish}").json() == [
        {"accountId": account, **figures(3, failed=3)}
    ]
    assert usage(f"/analytics/elements{wish}").json() == [
        {"elementKey": None, **figures(1, failed=1)},
        {"elementKey": "autotaskcrm", **figures(2, failed=2)},
    ]
    for query, count in (("", 3), ("&hub=crm", 2), ("&keys[]=autotaskcrm", 2)):
        counted = usage(f"/analytics/statuses{wish}{query}&interval=year").json()
        start = counted[0]["timestamp"]
        assert re.fullmatch(r"\d{4}-01-01T00:00:00Z", start)
        assert counted == [
            {"timestamp": start, "status": 404, **figures(count, failed=count)}
        ]
    for query in ("hub=other", "keys[]=other", "status=2xx", "to=2020-01-01"):
        assert usage(f"/analytics/statuses{wish}&{query}").json() == []


def test_successes_and_failures_are_counted_apart(api, usage, noted, asked):
    noted(api.get("/hubs/crm/ping"))

    [both] = usage("/analytics/accounts").json()

    assert both["success"] >= 1
    assert both["failed"] >= 3
    assert both["count"] == both["success"] + both["failed"]


@pytest.mark.parametrize("interval", ["", "second", "hour", "day", "week", "year"])
def test_requests_are_counted_over_time(usage, asked, interval):
    wish = f"?searchText={asked}&interval={interval}"
    if interval == "second":
        earlier = datetime.now(UTC) - timedelta(minutes=5)
        wish += f"&from={earlier:%Y-%m-%dT%H:%M:%SZ}"

    buckets = usage(f"/analytics{wish}").json()

    assert sum(bucket["count"] for bucket in buckets) == 3
    assert sum(bucket["failed"] for bucket in buckets) == 3
    times = [bucket["timestamp"] for bucket in buckets]
    assert times == sorted(set(times))
    assert all(set(each) == {"timestamp", *figures(0, failed=0)} for each in buckets)


def test_an_hour_by_minutes_has_sixty_one_buckets(usage):
    hour = "from=2019-03-14T09:26:53Z&to=2019-03-14T10:26:53Z"

    buckets = usage(f"/analytics?{hour}&interval=minute").json()

    assert len(buckets) == 61
    assert buckets[0] == {"timestamp": "2019-03-14T09:26:00Z", **figures(0, failed=0)}
    assert buckets[-1]["timestamp"] == "2019-03-14T10:26:00Z"
    assert len(usage("/analytics").json()) == 25


def test_early_times_have_years_of_four_digits(usage):
    buckets = usage("/analytics?to=0246-07-25T06:20:54Z").json()

    assert buckets[0]["timestamp"] == "0246-07-24T06:00:00Z"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("from=2021-02-01&to=2021-01-01", 400),
        ("from=2021-02-01&to=2021-02-02&interval=second", 400),
        ("from=2021-02-01&to=2021-02-02&interval=minute", 200),
        ("interval=fortnight", 400),
        ("from=soon", 400),
        ("status=green", 400),
        ("from=2100-01-01", 404),
        ("accountIds[]=0", 403),
        ("accountIds=999999999", 403),
        ("accountIds[]=mine", 400),
        ("to=0001-01-01", 200),
        ("from=0001-01-01&to=9999-12-31", 200),
    ],
)
def test_what_cannot_be_counted(usage, query, status):
    answer = usage(f"/analytics?{query}")

    assert answer.status == status
    if status != 200:
        assert answer.json()["message"]


def test_an_admin_counts_all_accounts_of_the_organization(api, usage, noted, foreign):
    def call(method, path, body=None):
        return api.call(method, path, body, authorization=api.platform)

    own = usage(f"/{noted(api.get('/hubs/crm/ping'))}").json()["account_id"]
    theirs = foreign.get("/accounts", authorization=foreign.platform).json()[0]["id"]
    body = {"name": f"Branch {secrets.token_hex(4)}"}
    branch = call("POST", "/accounts", body).json()["id"]
    person = {
        "email": f"{secrets.token_hex(6)}@branch.example",
        "firstName": "Ida",
        "lastName": "Moe",
        "password": "Correct-Horse-41207",
    }
    member = call("POST", f"/accounts/{branch}/users", person).json()
    organization = api.platform.partition(", ")[2]
    by = f"User {member['secret']}, {organization}"
    noted(api.get("/users", authorization=by), by)

    both = usage(f"/analytics/accounts?accountIds[]={own}&accountIds[]={branch}")
    of_branch = usage(f"/analytics/accounts?accountIds[]={branch}").json()

    assert [each["accountId"] for each in both.json()] == [own, branch]
    assert [each["accountId"] for each in of_branch] == [branch]
    path = f"/usage/analytics/accounts?accountIds[]={own}"
    assert api.get(path, authorization=by).status == 403
    assert usage(f"/analytics?accountIds[]={theirs}").status == 403
    assert call("DELETE", f"/users/{member['id']}").status == 200
    assert call("DELETE", f"/accounts/{branch}").status == 200


def test_statuses_are_counted_interval_by_interval_and_calls_by_instance(
    api, usage, asked
):
    for query in ("interval=minute", "interval=hour", ""):
        wish = f"?searchText={asked}&{query}"
        times = usage(f"/analytics/times{wish}").json()

        counted = usage(f"/analytics/statuses{wish}").json()

        assert sum(each["count"] for each in counted) == 3
        assert {each["status"] for each in counted} == {404}
        assert counted == sorted(counted, key=lambda each: each["timestamp"])
        assert {each["timestamp"] for each in counted} <= {
            each["timestamp"] for each in times
        }
    called = usage(f"/analytics/activity/element-instances?searchText={asked}")
    assert called.json() == {
        "usage": [{"instanceId": api.line["instanceId"], **figures(2, failed=2)}]
    }


def test_a_call_of_no_element_has_no_element_in_the_log(api, usage, noted):
    request_id = noted(api.get("/accounts", authorization=api.platform))

    row = usage(f"/{request_id}").json()

    assert not {"element_key", "element_name"} & set(row)
    assert None not in row.values()


def test_no_activity_is_an_empty_list(usage):
    for query in ("searchText=no-such", "to=2020-01-01", "keys[]=other"):
        path = f"/analytics/activity/element-instances?{query}"
        assert usage(path).json() == {"usage": []}


def test_created_instances_are_counted(api, usage):
    path = "/analytics/activity/element-instances/created-count"
    before = usage(path).json()["instancesCreatedCount"]
    assert before >= 1

    tag = f"Counted {secrets.token_hex(4)}"
    made = api.connect(tag)
    try:
        assert usage(path).json() == {"instancesCreatedCount": before + 1}
        tagged = f"{path}?tags[]={tag.replace(' ', '%20')}"
        assert usage(tagged).json() == {"instancesCreatedCount": 1}
    finally:
        made.disconnect()
    for query in ("to=2020-01-01", "keys[]=other", "hub=other", "tags[]=x"):
        assert usage(f"{path}?{query}").json() == {"instancesCreatedCount": 0}


@pytest.mark.parametrize(
    "path",
    [
        "?",
        "/analytics?",
        "/analytics/times?",
        "/analytics/statuses?",
        "/analytics/accounts?",
        "/analytics/activity/element-instances?",
        "/analytics/activity/element-instances/created-count?",
    ],
)
def test_a_range_in_the_future_is_404_in_the_known_text(usage, path):
    future = usage(f"{path}from=2100-01-01&to=2100-02-01")

    assert future.status == 404
    assert re.fullmatch("No (.*) found", future.json()["message"])
    assert usage(f"{path}from=2021-02-01&to=2021-01-01").status == 400
    if path != "?":
        assert usage(f"{path}accountIds[]=0").status == 403
