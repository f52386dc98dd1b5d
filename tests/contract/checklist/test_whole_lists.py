"""Lists that are answered whole unless a page of them is asked for."""

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


def test_the_total_is_told_on_a_page(api):
    whole = api.get("/objects").json()
    answer = api.get("/objects?pageSize=1&returnTotalCount=true")
    assert answer.headers["elements-total-count"] == str(len(whole))


def test_what_is_no_page_is_refused(api):
    for query in ("pageSize=many", "page=x", "nextPage=nothing"):
        assert api.get(f"/objects?{query}").status == 400
