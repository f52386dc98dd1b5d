"""What each use case costs, counted at the simulator."""

import pytest

ACCOUNT = {
    "accountName": "Counted",
    "accountType": 1,
    "phone": "202-555-0147",
    "ownerResourceID": 4,
}


@pytest.fixture
def warm(api, vendor):
    """A vendor whose metadata and zone the facade already knows."""
    for name in ("accounts", "contacts"):
        assert api.get(f"/hubs/crm/{name}?where=city='x'").status == 200
    created = api.call("POST", "/hubs/crm/accounts", ACCOUNT).json()
    vendor.forget()
    vendor.record_id = created["id"]
    return vendor


def test_a_list_of_up_to_500_costs_one_call(api, warm):
    assert api.get("/hubs/crm/contacts?pageSize=500").status == 200

    assert warm.calls() == {"query": 1}


def test_a_read_costs_one_call(api, warm):
    assert api.get(f"/hubs/crm/accounts/{warm.record_id}").status == 200

    assert warm.calls() == {"query": 1}


def test_a_create_costs_two_calls(api, warm):
    assert api.call("POST", "/hubs/crm/accounts", ACCOUNT).status == 200

    assert warm.calls() == {"create": 1, "query": 1}


def test_a_patch_costs_three_calls(api, warm):
    answer = api.call("PATCH", f"/hubs/crm/accounts/{warm.record_id}", {"city": "Troy"})

    assert answer.status == 200
    assert warm.calls() == {"query": 2, "update": 1}


def test_cached_metadata_costs_nothing(api, warm):
    for _ in range(3):
        assert api.get("/hubs/crm/accounts?where=city='Troy'").status == 200

    assert warm.calls() == {"query": 3}


def test_walking_pages_by_number_costs_one_call_a_page(api, warm):
    for page in (1, 2, 3):
        assert api.get(f"/hubs/crm/contacts?page={page}&pageSize=20").status == 200

    assert warm.calls() == {"query": 3}


@pytest.mark.parametrize(
    "path",
    [
        "/hubs/crm/accounts?where=accountName=",
        "/hubs/crm/accounts?where=accountType='many'",
        "/hubs/crm/accounts?where=stockSymbol='IBM'",
        "/hubs/crm/accounts?nextPage=garbage",
        "/hubs/crm/no-such-thing",
    ],
)
def test_an_invalid_request_costs_nothing(api, warm, path):
    assert api.get(path).status in (400, 404)

    assert warm.calls() == {}


def test_an_unknown_field_costs_nothing_once_it_was_looked_up(api, warm):
    for _ in range(2):
        answer = api.get("/hubs/crm/accounts?where=noSuchField='x'")
        assert answer.status == 400

        assert warm.record_calls() == {}
    assert set(warm.calls().values()) <= {1}


def test_a_name_that_might_be_an_entity_costs_one_call_once(api, warm):
    assert api.get("/hubs/crm/nonsense").status == 404
    warm.forget()

    assert api.get("/hubs/crm/nonsense").status == 404
    assert api.get("/hubs/crm/Nonsense2").status == 404

    assert warm.calls() == {}


def test_an_unknown_id_that_is_not_a_number_costs_nothing(api, warm):
    assert api.get("/hubs/crm/accounts/abc").status == 404

    assert warm.calls() == {}


def test_ping_costs_one_call(api, warm):
    assert api.get("/ping").json()["valid"] is True

    assert warm.calls() == {"getThresholdAndUsageInfo": 1}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/hubs/crm/accounts?where=nonsense='x'", None),
        ("GET", "/hubs/crm/leads?where=nonsense='x'", None),
        ("POST", "/hubs/crm/accounts", {"nonsense": 1}),
        ("POST", "/hubs/crm/accounts?dryRun=true", {"nonsense": 1}),
        ("POST", "/hubs/crm/leads", {"nonsense": 1}),
        ("POST", "/Task", {"nonsense": 1}),
    ],
)
def test_fields_that_were_just_fetched_are_not_fetched_again_for_an_unknown_name(
    api, vendor, method, path, body
):
    """The first request for an entity, of an instance whose metadata is unknown."""
    new = api.connect("New")
    try:
        vendor.forget()
        answer = new.call(method, path, body)
        calls = vendor.calls()
    finally:
        new.disconnect()

    assert answer.status == (200 if "dryRun" in path else 400)
    assert (calls["GetFieldInfo"], calls["getUDFInfo"]) == (1, 1)


def test_records_that_are_skipped_cost_no_metadata(api, vendor):
    """Only times in user-defined fields need the types of the metadata."""
    accounts = api.get("/hubs/crm/accounts?pageSize=30").json()
    timed = ["T00:00:00" in str(each.get("userDefinedFields")) for each in accounts]
    place = timed.index(False, timed.index(True))
    new = api.connect("New")
    try:
        vendor.forget()
        answer = new.get(f"/hubs/crm/accounts?page={place + 1}&pageSize=1")
        calls = vendor.calls()
    finally:
        new.disconnect()

    assert answer.json() == [accounts[place]]
    assert calls.get("query") == 2
    assert "getUDFInfo" not in calls
