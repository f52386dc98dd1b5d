"""Types of user-defined fields are looked up apart from the call that reads them."""

import uuid

import pytest


@pytest.fixture(scope="module")
def narrow(start_server):
    """A caller of a server that makes one vendor call at a time."""
    return start_server(
        BRIDGE_RATE_LIMIT_SLOTS="1", BRIDGE_RATE_LIMIT_SLOTS_PER_INSTANCE="1"
    )


@pytest.fixture
def dated(api):
    """The id of an account whose user-defined time needs metadata to be read."""
    udf = {"name": "Renewal Date", "value": "2024-07-05"}
    body = {
        "accountName": f"Dated {uuid.uuid4().hex}",
        "accountType": 1,
        "ownerResourceID": 4,
        "phone": "1",
        "userDefinedFields": [udf],
    }
    answer = api.call("POST", "/hubs/crm/accounts", body)
    assert answer.status == 200, answer.json()
    return answer.json()["id"]


@pytest.mark.parametrize("path", ["/{}", "?where=id%3D{}"])
def test_a_look_up_of_types_needs_no_second_slot(narrow, dated, vendor, path):
    # An instance without cached metadata.
    newcomer = narrow.connect("Cold")
    vendor.forget()

    answer = newcomer.get("/hubs/crm/accounts" + path.format(dated))

    assert answer.status == 200, answer.json()
    assert "'2024-07-05T00:00:00+0000'" in str(answer.json())
    assert vendor.calls() == {"query": 1, "GetFieldInfo": 1, "getUDFInfo": 1}
    newcomer.disconnect()
