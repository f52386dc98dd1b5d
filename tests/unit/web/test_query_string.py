"""Query strings as old clients write them."""

from __future__ import annotations

import contextlib
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import InvalidRequestError
from bridge.services.instances.lifecycle import InstanceSearch
from bridge.services.paging import PageRequest
from bridge.services.records.listing import ListRequest
from bridge.services.records.serializer import RecordOptions
from bridge.web.http import query_string

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def listing(query, object_name="accounts"):
    return query_string.list_request(query_string.parse_query(query), object_name)[0]


def notes(query):
    return query_string.list_request(query_string.parse_query(query), "accounts")[1]


@given(st.dictionaries(TEXT, TEXT), st.sampled_from([quote, quote_plus]))
def test_what_is_encoded_comes_back(parameters, how):
    query = urlencode(parameters, quote_via=how)

    assert query_string.parse_query(query) == {k: [v] for k, v in parameters.items()}


@given(st.text(st.characters(max_codepoint=255)))
def test_no_query_raises(query):
    query_string.parse_query(query)


@pytest.mark.parametrize(
    ("sent", "where"),
    [
        ("name like 'Har%'", "name like 'Har%'"),
        ("name like '%ab%'", "name like '%ab%'"),
        ("name like '%25ab%25'", "name like '%ab%'"),
        ("name%20like%20'%C3%A9%'", "name like 'é%'"),
        ("name like '%AB%cd%'", "name like '%AB%cd%'"),
        ("name%20LIKE '%decor'", "name LIKE '%decor'"),
        ('name+like+"%fe%"', 'name like "%fe%"'),
        ("name like '%ab%' and city='J%F6rg'", "name like '%ab%' and city='Jörg'"),
        ("name like '%25M%FCl%25'", "name like '%Mül%'"),
        ("name%20like%20%27%D6zg%FCr%25%27", "name like 'Özgür%'"),
        ("name like 'M%FCl%'", "name like 'Mül%'"),
        ("name like '%C3%A9t%E9'", "name like 'été'"),
        ("firstName='J%F6rg'", "firstName='Jörg'"),
        ("firstName%3D%27J%f6rg%27", "firstName='Jörg'"),
        ("name='%D6zg%FCr'", "name='Özgür'"),
        ("name='J%F6rg'%20and%20city='M%C3%BCnchen'", "name='Jörg' and city='München'"),
        ("price='5 %80' or price='5 \x80'", "price='5 €' or price='5 €'"),
        ("name='%93x%94'", "name='“x”'"),
        ("name='%ED%A0%80'", "name='í\xa0€'"),
        ("name='%C0%AF%81'", "name='À¯\x81'"),
        ("a+%2B+b", "a + b"),
        (
            "createDate>'2019-03-14T09:26:53+0000'",
            "createDate>'2019-03-14T09:26:53 0000'",
        ),
        ("a='b?c'", "a='b?c'"),
        ("é".encode().decode("latin-1"), "é"),
        ("\xe9", "é"),
    ],
)
def test_where_is_decoded_and_stray_percent_signs_survive(sent, where):
    assert listing(f"where={sent}").where == where


def test_an_empty_query_means_the_defaults():
    assert listing("") == ListRequest(
        where="", order="", page=PageRequest(0, 200, None), options=RecordOptions()
    )


def test_empty_parameters_are_absent_and_unknown_ones_ignored():
    assert listing("nextPage=&pageSize=&page=&where=&q=select&json=&x") == ListRequest()


@given(st.dictionaries(TEXT, TEXT, min_size=1), st.sampled_from([quote, quote_plus]))
def test_bytes_that_are_not_utf_8_are_decoded_as_windows_1252(parameters, how):
    def encoded(text):
        return text.encode("cp1252", "ignore")

    # Names that differ in nothing but what the charset lacks are one.
    sent = {encoded(name): encoded(value) for name, value in parameters.items()}
    parsed = query_string.parse_query(urlencode(sent, quote_via=how))

    for name, values in parsed.items():
        for text in (name, *values):
            assert "\ufffd" not in text
    for name, data in sent.items():
        if name and data and not _mixed(data):
            expected = data.decode("cp1252")
            with contextlib.suppress(UnicodeDecodeError):
                expected = data.decode()
            assert any(expected in values for values in parsed.values())


def _mixed(data):
    """Return whether valid UTF-8 is between bytes that are not."""
    loose = data.decode("utf-8", "surrogateescape")
    strays = {char for char in loose if 0xDC80 <= ord(char) <= 0xDCFF}
    return bool(strays) and any(char > "\x7f" for char in {*loose} - strays)


NOTHING = ["null", "undefined", "None", "NULL", "NaN", "%20null", ""]


@pytest.mark.parametrize("value", NOTHING)
def test_spellings_of_a_missing_value_count_as_missing(value):
    names = ["page", "pageSize", "nextPage", "offset", "pageOffset"]
    query = query_string.parse_query("&".join(f"{name}={value}" for name in names))

    assert query_string.list_request(query, "accounts") == (ListRequest(), [])
    assert query_string.page_request(query) == (
        PageRequest(0, 200, None, total=False),
        [],
    )
    assert query_string.usage_search(query)[0].page.offset == 0
    assert not query_string.wants_page(query)


def test_a_later_value_counts_after_an_empty_one():
    assert listing("pageSize=null&pageSize=3").page.size == 3
    query = query_string.parse_query("pageOffset=undefined&offset=7")
    assert query_string.page_request(query)[0].offset == 7


@pytest.mark.parametrize("page", ["0", "-3", "1", "", "None", "%201"])
def test_the_first_page_has_many_names(page):
    assert listing(f"page={page}").page.number == 1


@pytest.mark.parametrize("token", ["", "None", "%20"])
def test_an_empty_cursor_is_absent(token):
    assert listing(f"nextPage={token}").page.next_page is None


def test_page_size_and_both_kinds_of_paging_are_read():
    assert listing("pageSize=2&nextPage=eyJwIjoyfQ&page=2") == ListRequest(
        page=PageRequest(2, 2, next_page="eyJwIjoyfQ")
    )


@pytest.mark.parametrize(("size", "used"), [("5000", 5000), ("0", 200), ("-1", 200)])
def test_page_sizes_in_bounds_need_no_note(size, used):
    assert listing(f"pageSize={size}").page.size == used
    assert notes(f"pageSize={size}") == []


def test_a_larger_page_size_is_clamped_with_a_note():
    assert listing("pageSize=5001").page.size == 5000
    assert "ignored" in notes("pageSize=5001")[0]


@pytest.mark.parametrize("name", ["page", "pageSize"])
@pytest.mark.parametrize("value", ["abc", "1.5", "1e3", "٣", "9" * 5000, "%00"])
def test_a_value_that_is_not_a_number_is_refused_by_name(name, value):
    with pytest.raises(InvalidRequestError, match=f"^{name} "):
        listing(f"{name}={value}")


def test_an_absurd_page_stays_within_what_a_database_counts():
    assert listing("page=999999999999999999").page.number <= 10**9


@pytest.mark.parametrize(
    ("object_name", "where"), [("contacts", "a=1"), ("leads", "a=1"), ("accounts", "")]
)
def test_query_means_where_on_contacts_and_leads_only(object_name, where):
    assert listing("query=a%3D1", object_name).where == where


def test_where_wins_over_query():
    assert listing("query=a&where=b", "contacts").where == "b"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("returnTotalCount=True", ListRequest(page=PageRequest(total=True))),
        (
            "returnCount=true&orderBy=city%20desc",
            ListRequest(page=PageRequest(total=True), order="city desc"),
        ),
        ("returnTotalCount=yes&labels=1", ListRequest()),
        ("labels=TRUE", ListRequest(options=RecordOptions(labels=True))),
    ],
)
def test_optional_flags_are_true_or_absent(query, expected):
    assert listing(query) == expected


def test_fields_are_a_comma_list():
    assert listing("fields=id,%20phone,,city&fields=zip").options.fields == (
        "id",
        "phone",
        "city",
        "zip",
    )


@pytest.mark.parametrize("name", ["where", "nextPage"])
def test_a_nul_character_is_refused(name):
    with pytest.raises(InvalidRequestError, match=f"^{name} "):
        listing(f"{name}=a%00b")


def test_a_nul_character_in_a_tag_is_refused():
    with pytest.raises(InvalidRequestError, match="tags"):
        query_string.instance_search(query_string.parse_query("tags=a&tags=b%00"))


@pytest.mark.parametrize("name", ["tags[]", "tags%5B%5D", "tags"])
def test_tags_may_be_repeated_in_every_spelling(name):
    query = query_string.parse_query(
        f"{name}=a&{name}=b%20c&searchText=psa&hydrate=false"
    )

    assert query_string.instance_search(query, element_key="autotaskcrm") == (
        InstanceSearch(
            tags=("a", "b c"), text="psa", element_key="autotaskcrm", hydrate=False
        ),
        [],
    )


@pytest.mark.parametrize(
    ("value", "expected"), [("false", False), ("False", False), ("", True), ("x", True)]
)
def test_flags(value, expected):
    query = query_string.parse_query(f"reAuthenticate={value}")

    assert query_string.flag(query, "reAuthenticate", default=True) is expected
