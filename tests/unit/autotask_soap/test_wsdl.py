"""zeep is loaded late, once, and never with headers of its own."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from lxml import etree

from bridge.backends.autotask_soap.descriptions import bundled
from bridge.backends.autotask_soap.encode.requests import NAMESPACE
from bridge.backends.autotask_soap.wsdl import ServiceDescription, _parse
from bridge.errors import InvalidRequestError
from bridge.interfaces import Credentials

ANA = Credentials("ana", "pw", "https://ww3.autotask.net", " CODE & <1> ")
IDENTIFIER = f"//{{{NAMESPACE}}}IntegrationCode"


@pytest.fixture(scope="module")
def description():
    return ServiceDescription()


def test_importing_the_service_does_not_import_zeep():
    code = (
        "import sys, bridge.backends.autotask_soap.service;"
        "sys.exit('zeep' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("operation", "element", "members"),
    [
        ("getEntityInfo", "GetEntityInfo", {}),
        ("GetFieldInfo", "GetFieldInfo", {"psObjectType": "Account"}),
        ("getUDFInfo", "getUDFInfo", {"psTable": "Account"}),
        ("getThresholdAndUsageInfo", "getThresholdAndUsageInfo", {}),
    ],
)
def test_requests_name_their_element_and_the_identifier(
    description, operation, element, members
):
    tree = etree.fromstring(description.request(operation, ANA, **members).body)

    assert tree.find(".//{*}Body")[0].tag == f"{{{NAMESPACE}}}{element}"
    assert tree.findtext(f".{IDENTIFIER}") == "CODE & <1>"
    values = [child.text for child in tree.find(".//{*}Body")[0]]
    assert values == list(members.values())


def test_the_zone_look_up_has_no_header_after_calls_that_had_one(description):
    description.request("getEntityInfo", ANA)

    body = description.request("getZoneInfo", UserName="ana & <co>").body

    assert b"Header" not in body
    assert etree.fromstring(body).findtext(".//{*}UserName") == "ana & <co>"


def test_headers_of_threads_do_not_mix(description):
    def identifier(number):
        code = f"CODE-{number}"
        ana = Credentials("u", "p", "x", code)
        body = description.request("getEntityInfo", ana).body
        return etree.fromstring(body).findtext(f".{IDENTIFIER}") == code

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(identifier, range(400)))


def test_a_value_that_xml_cannot_carry_is_refused(description):
    with pytest.raises(InvalidRequestError):
        description.request("getZoneInfo", UserName="a\x00b")


def test_a_description_that_begins_with_a_line_feed_is_read():
    _client, service = _parse(b"\n" + bundled())

    assert "query" in dir(service)
