"""Records of one object that belong to a record of another."""

import pytest

PERSON = {"active": 1, "firstName": "Ida", "lastName": "Moe"}


@pytest.fixture
def account(api):
    """An account with three contacts of its own."""
    body = {
        "accountName": "Children",
        "accountType": 1,
        "phone": "202-555-0147",
        "ownerResourceID": 4,
    }
    made = api.call("POST", "/hubs/crm/accounts", body).json()["id"]
    for name in ("Ada", "Bo", "Cy"):
        child = {**PERSON, "firstName": name}
        assert api.call("POST", f"/accounts/{made}/contacts", child).status == 200
    return made


def names(answer):
    assert answer.status == 200, answer.body
    return [record["firstName"] for record in answer.json()]


@pytest.mark.parametrize(
    "path",
    ["/accounts/{}/contacts", "/hubs/crm/Account/{}/Contact", "/account/{}/CONTACT"],
)
def test_children_are_listed_by_any_name_for_one_call(api, vendor, account, path):
    api.get(path.format(account))
    vendor.forget()

    assert names(api.get(path.format(account))) == ["Ada", "Bo", "Cy"]
    assert vendor.calls() == {"query": 1}


def test_they_are_filtered_and_paged_as_any_list(api, account):
    path = f"/hubs/crm/accounts/{account}/contacts"

    assert names(
        api.get(f"{path}?where=firstName='Bo' or firstName='Cy'".replace(" ", "%20"))
    ) == ["Bo", "Cy"]
    assert names(api.get(f"{path}?pageSize=2&page=2")) == ["Cy"]
    first = api.get(f"{path}?pageSize=2")
    token = first.headers["elements-next-page-token"]
    assert names(api.get(f"{path}?pageSize=2&nextPage={token}")) == ["Cy"]


def test_pages_by_number_of_two_parents_are_not_mixed_up(api, account):
    page = "pageSize=2&page={}"
    for number in (1, 2):
        names(api.get(f"/accounts/0/contacts?{page.format(number)}"))

    assert names(api.get(f"/accounts/{account}/contacts?{page.format(2)}")) == ["Cy"]


def test_account_0_has_children(api):
    found = api.get("/hubs/crm/accounts/0/contacts").json()

    assert found
    assert {record["accountID"] for record in found} == {0}


def test_a_childless_parent_costs_one_call_more_and_a_missing_one_is_404(
    api, vendor, account
):
    api.get(f"/accounts/{account}/opportunities")
    vendor.forget()

    assert api.get(f"/accounts/{account}/opportunities").json() == []
    assert vendor.calls() == {"query": 2}
    answer = api.get("/accounts/999999999/contacts")
    assert answer.status == 404
    assert answer.json()["message"] == "The account with ID 999999999 was not found."


def test_a_child_is_made_for_its_parent_for_three_calls(api, vendor, account):
    vendor.forget()

    made = api.call("POST", f"/accounts/{account}/contacts", PERSON)

    assert made.json()["accountID"] == account
    assert vendor.calls() == {"create": 1, "query": 2}


@pytest.mark.parametrize("member", ["accountID", "AccountID", "ACCOUNTID"])
def test_a_body_that_names_another_parent_is_refused(api, vendor, account, member):
    vendor.forget()

    answer = api.call("POST", f"/accounts/{account}/contacts", {**PERSON, member: "0"})

    assert answer.status == 400
    assert f"{member} is {account} by the path, and 0" in answer.json()["message"]
    assert vendor.calls() == {}


def test_a_body_may_repeat_its_parent(api, account):
    body = {**PERSON, "accountID": str(account)}

    assert api.call("POST", f"/accounts/{account}/contacts", body).status == 200


def test_nothing_is_made_for_a_parent_that_is_not_there(api, vendor):
    answer = api.call("POST", "/accounts/999999999/contacts", PERSON)

    assert answer.status == 404
    assert "create" not in vendor.calls()


def test_one_child_is_read_changed_and_deleted(api, vendor, account):
    child = api.get(f"/accounts/{account}/contacts").json()[0]["id"]
    path = f"/hubs/crm/Account/{account}/Contact/{child}"

    assert api.get(path).json()["firstName"] == "Ada"
    changed = api.call("PATCH", path, {"firstName": "Adi"})
    assert changed.json()["firstName"] == "Adi"
    vendor.forget()
    assert api.call("DELETE", path).status == 200
    assert vendor.calls() == {"query": 1, "delete": 1}
    assert api.get(path).status == 404


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_child_of_another_parent_is_not_found(api, vendor, account, method):
    child = api.get(f"/hubs/crm/Account/{account}/Contact").json()[0]["id"]
    vendor.forget()

    answer = api.call(method, f"/hubs/crm/Account/0/Contact/{child}", {"title": "x"})

    assert answer.status == 404
    assert set(vendor.calls()) == {"query"}


def test_objects_without_a_link_say_so(api):
    answer = api.get("/accounts/0/Country")

    assert answer.status == 404
    assert "none of their fields refers to Account" in answer.json()["message"]


def test_objects_with_several_links_name_them(api):
    answer = api.get("/Resource/4/Project")

    assert answer.status == 400
    assert "projectLeadResourceID" in answer.json()["message"]


@pytest.mark.parametrize("path", ["/accounts/x/contacts", "/accounts/0/nonsense"])
def test_an_invalid_id_or_object_is_not_found(api, path):
    assert api.get(path).status == 404
