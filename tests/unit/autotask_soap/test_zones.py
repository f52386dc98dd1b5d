"""From whatever address a user knows to the service of the tenant's zone."""

from __future__ import annotations

import pytest
from ports import closed_port

from bridge.backends.autotask_soap.service import SoapService
from bridge.backends.autotask_soap.zones import ANY_ZONE, HostPolicy, lookup_urls
from bridge.errors import (
    InvalidRequestError,
    ProviderCredentialsError,
    ProviderProtocolError,
    ProviderUnavailableError,
)
from bridge.interfaces import Credentials, EntityType, Field, FieldType, Zone

ACCOUNT = EntityType("Account")
NAME = {Field("AccountName", FieldType.STRING): "Acme"}
PATH = "/ATServices/1.6/atws.asmx"
CUSTOM = HostPolicy(
    ("proxy.example.com", "lab.example.com:8443", "http://sim.example.com:8081"),
    allow_loopback=True,
)


@pytest.mark.parametrize(
    ("server_url", "host"),
    [
        ("https://ww7.autotask.net", "webservices7"),
        ("https://ww7.autotask.net/", "webservices7"),
        ("HTTPS://WW7.AUTOTASK.NET/Mvc/Framework/Navigation.mvc", "webservices7"),
        ("ww7.autotask.net", "webservices7"),
        ("  http://ww14.autotask.net/x?y=z#q ", "webservices14"),
        ("webservices2.autotask.net/ATServices/1.5/atws.asmx", "webservices2"),
        ("https://webservices2.autotask.net/atservices/1.6/atws.wsdl", "webservices2"),
        ("https://prde.autotask.net/", "prde"),
        ("pres.autotask.net", "pres"),  # codespell:ignore pres
        ("https://www.autotask.net", "webservices"),
        ("autotask.net", "webservices"),
        ("https://webservices.autotask.net/", "webservices"),
    ],
)
def test_vendor_addresses_lead_to_the_service_of_their_zone(server_url, host):
    urls = lookup_urls(server_url, HostPolicy())

    assert urls[0] == f"https://{host}.autotask.net{PATH}"
    assert urls[-1] == ANY_ZONE
    assert len(set(urls)) == len(urls)


@pytest.mark.parametrize(
    ("server_url", "expected"),
    [
        ("http://127.0.0.1:8081", f"http://127.0.0.1:8081{PATH}"),
        ("http://127.0.0.1:8081/", f"http://127.0.0.1:8081{PATH}"),
        ("127.0.0.1:8081", f"http://127.0.0.1:8081{PATH}"),
        ("localhost:8081/", f"http://localhost:8081{PATH}"),
        ("http://[::1]:8081", f"http://[::1]:8081{PATH}"),
        ("http://127.0.0.1:8081/Mvc/Framework/x", f"http://127.0.0.1:8081{PATH}"),
        ("http://127.0.0.1:1/ATServices/1.5/atws.asmx", f"http://127.0.0.1:1{PATH}"),
        ("http://127.0.0.1:8081/my/atws.asmx", "http://127.0.0.1:8081/my/atws.asmx"),
        ("https://lab.example.com:8443", f"https://lab.example.com:8443{PATH}"),
        ("http://sim.example.com:8081", f"http://sim.example.com:8081{PATH}"),
    ],
)
def test_allowed_addresses_are_used_as_given_or_get_the_path(server_url, expected):
    assert lookup_urls(server_url, CUSTOM) == (expected,)


@pytest.mark.parametrize(
    ("server_url", "given"),
    [
        ("https://Proxy.Example.com/at us", "https://proxy.example.com/at%20us"),
        ("http://127.0.0.1:8081/Autotask35/x", "http://127.0.0.1:8081/Autotask35/x"),
    ],
)
def test_path_of_a_web_page_is_followed_by_the_service_path(server_url, given):
    usual = given[: given.index("/", len("https://"))] + PATH

    assert lookup_urls(server_url, CUSTOM) == (given, usual)


@pytest.mark.parametrize(
    "server_url",
    [
        "",
        "   ",
        "https://",
        "ftp://ww7.autotask.net:21",
        "file:///etc/passwd",
        "https://evil.example",
        "https://evilautotask.net",
        "https://autotask.net.evil.example",
        "https://ww7.autotask.net@evil.example",
        "https://evil.example#.autotask.net",
        "https://evil.example\\.autotask.net",
        "https://evil.example/.autotask.net",
        "https://user:pw@proxy.example.com",
        "http://proxy.example.com",
        "https://proxy.example.com:444",
        "https://169.254.169.254/latest",
        "https://[::ffff:10.0.0.1]/",
        "https://[",
        "https://proxy.example.com:port",
        "http://2130706433/",
        "https://a b.autotask.net",
        "https://ü.autotask.net",
    ],
)
def test_all_else_is_refused_without_repeating_a_secret(server_url):
    with pytest.raises(InvalidRequestError) as caught:
        lookup_urls(
            server_url.replace("ftp://ww7.autotask.net", "ftp://x.example"), CUSTOM
        )

    assert "user:pw" not in caught.value.message


def test_a_refusal_names_what_is_allowed():
    with pytest.raises(InvalidRequestError) as caught:
        lookup_urls("https://evil.example", CUSTOM)

    for part in ("https://evil.example", "autotask.net", "lab.example.com", "machine"):
        assert part in caught.value.message


@pytest.mark.parametrize(
    ("server_url", "shown"),
    [
        ("http://127.0.0.1:8081", "http://127.0.0.1:8081"),
        ("http://127.0.0.1:8081/?key=hush", "http://127.0.0.1:8081"),
        ("localhost:8081", "http://localhost:8081"),
        ("localhost", "http://localhost"),
        ("http://[::1]:8081", "http://[::1]:8081"),
    ],
)
def test_loopback_needs_permission(server_url, shown):
    with pytest.raises(InvalidRequestError) as caught:
        lookup_urls(server_url, HostPolicy())

    message = caught.value.message
    assert message.startswith(f"The server URL {shown} is not allowed; allowed are: ")
    assert "BRIDGE_AUTOTASK_ALLOW_LOOPBACK=true (autotask.allow_loopback)" in message
    assert "hush" not in message


@pytest.mark.parametrize("text", ["foo", "https://foo", " webservices ", "ww3a"])
def test_message_says_that_a_name_is_not_a_zone(text):
    with pytest.raises(InvalidRequestError) as caught:
        lookup_urls(text, HostPolicy())

    name = text.strip().removeprefix("https://")
    assert caught.value.message.startswith(f"{name} is not a zone, which looks like ")
    assert "webservices3 or ww3" in caught.value.message
    assert "LOOPBACK" not in caught.value.message


def test_a_single_name_may_be_an_allowed_host():
    url = f"https://simulator{PATH}"

    assert lookup_urls("simulator", HostPolicy(("simulator",))) == (url,)


def open_unknown(service, credentials, zones):
    return service.open_backend(credentials, None, zones.append)


def test_an_unknown_zone_is_looked_up_once_and_reported(
    service, ana, vendor, second_vendor, zones
):
    vendor.script = [vendor.zone(second_vendor.url)]
    second_vendor.script = [second_vendor.accounts(1), second_vendor.accounts(2)]
    backend = open_unknown(service, ana, zones)

    backend.query(ACCOUNT, None)
    backend.query(ACCOUNT, None)

    assert vendor.operations == ["getZoneInfo"]
    _operation, headers, body = vendor.requests[0]
    assert "Authorization" not in headers
    assert b"Header" not in body
    assert b"ana@example.com" in body
    assert zones == [
        Zone(second_vendor.url, 41207, "https://ww14.autotask.net/", "Pro")
    ]


def test_an_unknown_user_has_a_message_of_its_own(service, ana, vendor, zones):
    vendor.script = [vendor.zone("", error_code=-1, ci=0)]

    with pytest.raises(ProviderCredentialsError, match="does not know the user name"):
        open_unknown(service, ana, zones).check()
    assert zones == []


@pytest.mark.parametrize("answer", ["html", "json", "missing", "guarded", "other"])
def test_something_that_is_not_autotask_has_a_message_of_its_own(
    service, ana, vendor, zones, answer
):
    answers = {
        "html": vendor.page(200, "Welcome"),
        "json": (200, {"Content-Type": "application/json"}, b"{}"),
        "missing": vendor.page(404, "Not Found"),
        "guarded": vendor.page(401, "Log in to the proxy"),
        "other": (200, {"Content-Type": "text/xml"}, b"<rss></rss>"),
    }
    vendor.script = [answers[answer]]

    with pytest.raises(ProviderProtocolError, match="not as Autotask"):
        open_unknown(service, ana, zones).check()


def test_a_host_that_is_down_has_a_message_of_its_own(service, zones):
    with closed_port() as port:
        unknown = Credentials("ana", "pw", f"http://127.0.0.1:{port}")

        with pytest.raises(ProviderUnavailableError, match="zone look-up failed"):
            open_unknown(service, unknown, zones).check()


def test_a_zone_outside_the_allowed_hosts_is_never_called(service, ana, vendor, zones):
    vendor.script = [vendor.zone("https://evil.example/atws.asmx")]

    with pytest.raises(ProviderProtocolError, match="not allowed"):
        open_unknown(service, ana, zones).check()
    assert zones == []


def test_a_stored_zone_outside_the_allowed_hosts_is_never_called(
    ana, vendor, second_vendor, zones
):
    service = SoapService(hosts=HostPolicy((vendor.base,)))
    vendor.script = [vendor.zone(vendor.url), vendor.accounts(1)]
    stale = Zone(second_vendor.url, 1)

    service.open_backend(ana, stale, zones.append).query(ACCOUNT, None)

    assert [zone.url for zone in zones] == [vendor.url]
    assert second_vendor.requests == []
    service.close()


def test_an_address_with_a_login_in_it_is_not_allowed():
    assert not HostPolicy().allows("https://user:pw@webservices1.autotask.net/")


@pytest.fixture
def nowhere():
    with closed_port() as port:
        yield f"http://127.0.0.1:{port}{PATH}"


@pytest.mark.parametrize("sign", ["401", "redirect", "connection"])
@pytest.mark.parametrize("writes", [False, True])
def test_a_moved_tenant_is_followed(
    service, ana, vendor, second_vendor, zones, nowhere, sign, writes
):
    refusals = {
        "401": [vendor.page(401, "401 - Unauthorized")],
        "redirect": [vendor.page(302, "Moved", Location="https://evil.example/")],
        "connection": [],
    }
    vendor.script = [*refusals[sign], vendor.zone(second_vendor.url)]
    second_vendor.script = [
        second_vendor.accounts(5, operation="create")
        if writes
        else second_vendor.accounts(5)
    ]
    old = Zone(nowhere if sign == "connection" else vendor.url, 41207)
    backend = service.open_backend(ana, old, zones.append)

    if writes:
        assert backend.create(ACCOUNT, NAME).id == 5
    else:
        assert backend.query(ACCOUNT, None).entities[0].id == 5

    assert [zone.url for zone in zones] == [second_vendor.url]


def test_a_401_that_stays_names_three_things_to_check(backend, vendor, zones):
    vendor.script = [
        vendor.page(401, "401 - Unauthorized: Access is denied"),
        vendor.zone(vendor.url),
        vendor.page(401, "401 - Unauthorized: Access is denied"),
    ]

    for _ in range(2):
        with pytest.raises(ProviderCredentialsError) as caught:
            backend.query(ACCOUNT, None)
        for hint in ("user name and password", "API-only", "locked"):
            assert hint in caught.value.message
        assert caught.value.provider_message == "401 - Unauthorized: Access is denied"
    assert zones == []
    assert vendor.operations == ["query", "getZoneInfo", "query"]


def test_a_redirect_that_leads_nowhere_new_is_not_followed(backend, vendor):
    vendor.script = [
        vendor.page(302, "Moved", Location="https://evil.example/"),
        vendor.zone(vendor.url),
    ]

    with pytest.raises(ProviderProtocolError, match="302"):
        backend.query(ACCOUNT, None)
