"""Zones: where a user is served, and what a move does to a client."""

import pytest

HOME = '<field>id<expression op="Equals">0</expression></field>'


@pytest.fixture
def move(fresh):
    def to(zone, username=fresh.username):
        url = f"{fresh.url}/sandbox/zones"
        reply = fresh.session.post(url, json={"username": username, "zone": zone})
        reply.raise_for_status()
        return reply.json()["zones"]

    yield to
    to(None)


def looked_up(soap, endpoint=None, version="1.6"):
    caller = soap if version == "1.6" else soap.old
    inner = f"<UserName>{soap.username}</UserName>"
    options = {"endpoint": endpoint} if endpoint else {}
    return caller.call("getZoneInfo", inner, auth=None, **options)


def test_a_user_without_a_zone_is_served_everywhere(fresh):
    elsewhere = f"{fresh.url}/zones/14/ATServices/1.6/atws.asmx"

    assert looked_up(fresh).texts("URL") == [fresh.endpoint]
    assert fresh.query("Account", HOME, endpoint=elsewhere).ids == [0]


@pytest.mark.parametrize("version", ["1.5", "1.6"])
def test_a_client_can_follow_a_move(fresh, move, version):
    caller = fresh if version == "1.6" else fresh.old
    move(14)

    told = looked_up(fresh, version=version)
    (url,) = told.texts("URL")

    assert url == f"{fresh.url}/zones/14/ATServices/{version}/atws.asmx"
    assert told.texts("WebUrl") == [f"{fresh.url}/zones/14/"]
    assert caller.query("Account", HOME, endpoint=url).ids == [0]


def test_the_wrong_zone_refuses_the_login(fresh, move):
    move(14)
    wrong = f"{fresh.url}/zones/3/ATServices/1.6/atws.asmx"

    for reply in (
        fresh.query("Account", HOME),
        fresh.query("Account", HOME, endpoint=wrong),
    ):
        assert reply.http.status_code == 401
        assert reply.http.headers["Content-Type"] == "text/html"


def test_every_zone_returns_the_zone_of_a_user(fresh, move):
    move(14)
    other = f"{fresh.url}/Zones/3/atservices/1.6/atws.asmx"
    inner = f"<UserName>{fresh.username}</UserName>"

    assert "/zones/14/" in looked_up(fresh, other).texts("URL")[0]
    assert fresh.call("getZoneInfo", inner, endpoint=other).texts("ErrorCode") == ["0"]


def test_other_users_stay_where_they_were(fresh, other_soap, move):
    move(14)

    assert other_soap.query("Account", HOME).ids == [0]


def test_the_vendors_own_host_names_are_zones(fresh, move):
    move(2)
    named = {"Host": "webservices2.autotask.net"}
    wrong = {"Host": "webservices3.autotask.net"}

    assert fresh.query("Account", HOME, headers=named).ids == [0]
    assert fresh.query("Account", HOME, headers=wrong).http.status_code == 401


def test_the_description_of_a_zone_names_it(fresh):
    path = "/zones/14/ATServices/1.6/atws.wsdl"

    text = fresh.session.get(fresh.url + path).text

    assert f'location="{fresh.url}/zones/14/ATServices/1.6/atws.asmx"' in text
    named = {"Host": "webservices3.autotask.net"}
    text = fresh.session.get(
        f"{fresh.url}/ATServices/1.6/atws.wsdl", headers=named
    ).text
    assert "http://webservices3.autotask.net/ATServices/1.6/atws.asmx" in text


def test_a_reset_brings_everybody_back(fresh, move):
    assert move(14) == {fresh.username: 14}
    fresh.session.post(f"{fresh.url}/sandbox/reset").raise_for_status()

    assert fresh.query("Account", HOME).ids == [0]


@pytest.mark.parametrize(
    "name", ["", "  ", "nobody", "nobody@nowhere.example", "x" * 999]
)
def test_unknown_users(fresh, name):
    reply = fresh.call("getZoneInfo", f"<UserName>{name}</UserName>", auth=None)

    assert reply.http.status_code == 200
    assert reply.texts("ErrorCode") == ["-1"]
    assert reply.texts("URL") == reply.texts("WebUrl") == [""]
    assert reply.texts("CI") == ["0"]


def test_a_lookup_without_its_member_and_a_malformed_one(fresh):
    headers = {"Content-Type": "text/xml"}

    assert fresh.call("getZoneInfo", auth=None).texts("ErrorCode") == ["-1"]
    broken = fresh.post("<getZoneInfo", auth=None, headers=headers)
    assert broken.http.status_code == 401
    assert fresh.post("<getZoneInfo").http.status_code == 500


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"username": 1, "zone": 2},
        {"username": "nobody", "zone": 2},
        [],
        {"username": "api@bridge-demo.example", "zone": 0},
        {"username": "api@bridge-demo.example", "zone": "x"},
    ],
)
def test_moves_that_make_no_sense(fresh, document):
    reply = fresh.session.post(f"{fresh.url}/sandbox/zones", json=document)

    assert reply.status_code == 400
