"""Lists that are returned whole unless a page is requested."""

import pytest

LISTS = (
    "/objects",
    "/hubs/crm/objects",
    "/elements",
    "/elements/keys",
    "/elements/metadata",
    "/elements/50/configuration",
    "/elements/50/objects",
    "/elements/50/resources",
    "/hubs",
    "/hubs/crm/elements",
    "/instances/configuration",
    "/instances/objects",
)


def page(api, path, query):
    answer = api.get(f"{path}?{query}")
    assert answer.status == 200, answer.body
    items = answer.json()
    assert answer.headers["elements-returned-count"] == str(len(items))
    return items, answer.headers.get("elements-next-page-token")


@pytest.mark.parametrize("path", LISTS)
def test_pages_by_number_and_by_token_make_up_the_whole(api, path):
    whole, token = page(api, path, "nextPage=&pageSize=")
    assert (bool(whole), token) == (True, None)
    size = max(1, len(whole) - 1)

    first, token = page(api, path, f"page=1&pageSize={size}")
    second, last = page(api, path, f"page=2&pageSize={size}")

    assert first + second == whole
    assert (bool(token), last) == (len(whole) > size, None)
    if token:
        assert page(api, path, f"pageSize=900&nextPage={token}&page=1")[0] == second
    assert page(api, path, "page=900") == ([], None)


def test_a_page_has_the_total(api):
    whole = api.get("/objects").json()
    answer = api.get("/objects?pageSize=1&returnTotalCount=true")
    assert answer.headers["elements-total-count"] == str(len(whole))


def test_an_invalid_page_is_refused(api):
    for query in ("pageSize=many", "page=x", "nextPage=nothing"):
        assert api.get(f"/objects?{query}").status == 400


@pytest.mark.parametrize("query", ["nextPage=null", "page=undefined&pageSize=null"])
@pytest.mark.parametrize("path", LISTS)
def test_null_of_other_languages_requests_no_page(api, path, query):
    whole = api.get(path)
    asked = api.get(f"{path}?{query}")

    assert asked.json() == whole.json()
    assert "elements-next-page-token" not in asked.headers


@pytest.mark.parametrize("path", ["/hubs/crm/contacts", "/instances", "/accounts"])
@pytest.mark.parametrize("nothing", ["null", "undefined", "None"])
def test_null_of_other_languages_is_not_a_page_token(api, path, nothing):
    secrets = {} if "/hubs/" in path else {"authorization": api.platform}
    query = f"nextPage={nothing}&pageSize={nothing}&page={nothing}"

    asked = api.get(f"{path}?{query}", **secrets)

    assert asked.status == 200, asked.body
    assert asked.json() == api.get(path, **secrets).json()


@pytest.mark.parametrize(
    ("path", "where", "found"),
    [
        ("/elements", "key%20in%20('nosuch')", []),
        ("/elements", "key%20in%20('nosuch','autotaskcrm')", ["autotaskcrm"]),
        ("/elements", "private='true'%20AND%20abridged='true'", []),
        ("/elements", "abridged='true'", ["autotaskcrm"]),
        ("/elements", "hub=%22crm%22%20and%20active=true", ["autotaskcrm"]),
        ("/elements/metadata", "key%20!=%20'autotaskcrm'", []),
        ("/hubs", "key='crm'", ["crm"]),
        ("/hubs", "id%20%3E%2050", []),
        ("/hubs/crm/elements", "name%20like%20'Salesforce%25'", []),
        ("/elements/50/resources", "path='/hubs/crm/ping'", [None]),
    ],
)
def test_the_catalogue_is_filtered(api, path, where, found):
    answer = api.get(f"{path}?where={where}")

    assert [item.get("key") for item in answer.json()] == found
    assert answer.headers["elements-returned-count"] == str(len(found))


@pytest.mark.parametrize("path", ["/elements/keys", "/hubs/keys"])
def test_keys_are_filtered_too(api, path):
    assert api.get(f"{path}?where=key='nosuch'").json() == []
    assert api.get(f"{path}?where=key%20like%20'%25'").json() == api.get(path).json()


def test_a_filter_that_cannot_be_read_is_refused(api):
    answer = api.get("/elements?where=key%20in%20(")

    assert answer.status == 400
    assert "position 8" in answer.json()["message"]


def test_an_export_may_hold_the_added_resources_only(api):
    def exported(query=""):
        answer = api.get(f"/elements/autotaskcrm/export{query}")
        return [item["id"] for item in answer.json()["resources"]]

    resources = "/elements/autotaskcrm/resources"
    own = [item["id"] for item in api.get(f"{resources}?accountOnly=true").json()]
    builtin = [number for number in exported() if number not in own]

    assert builtin
    assert exported("?extendedOnly=true") == own
    assert exported("?extendedOnly=false") == builtin + own
