"""What our client sends and what the simulator answers, validated by the schemas.

With generation 1.6.0 the schema is the vendor's own description, otherwise ours.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from campaign import sized
from lxml import etree

from bridge.sandbox.facts.loader import load_facts
from bridge.sandbox.soap.wsdl import render

ROOT = Path(__file__).parents[3]
SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
SCHEMA = ".//{http://www.w3.org/2001/XMLSchema}schema"
CRM_TESTS = ROOT / "tests" / "contract" / "records"
FEW = [CRM_TESTS / f"test_{name}.py" for name in ("crud", "where")]


def schema_of(description: bytes) -> etree.XMLSchema:
    found = etree.fromstring(description).find(SCHEMA)
    # Serialized by itself, so that it declares the prefixes it uses.
    return etree.XMLSchema(etree.fromstring(etree.tostring(found)))


@pytest.fixture(scope="module")
def our_schema():
    return schema_of(render(load_facts()))


@pytest.fixture(scope="module")
def vendor_schema():
    path = ROOT.parent / "shared" / "wsdl" / "atws-1.6.wsdl"
    if not path.exists():
        reason = "the vendor's description of 1.6 is not beside the repository"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return schema_of(path.read_bytes().lstrip())


def payloads(document: str):
    """Return the header blocks and the body element of an envelope."""
    envelope = etree.fromstring(document.encode("utf-8", "surrogateescape"))
    for part in ("Header", "Body"):
        yield from envelope.findall(f"{SOAP}{part}/*")


def validate(schema, exchanges):
    """Assert that all payloads are valid; return the operations that were validated."""
    validated = set()
    for exchange in exchanges:
        texts = [exchange["request"]]
        if not exchange["fault"] and exchange["status"] != 401:
            texts.append(exchange["reply"])
        for text in texts:
            for payload in payloads(text):
                if payload.tag != f"{SOAP}Fault":
                    schema.assertValid(payload)
                    validated.add(etree.QName(payload).localname)
    return validated


@pytest.fixture
def new_instance(api):
    """A caller whose instance is new, so that its metadata is still unknown."""
    caller = api.connect("Validated")
    yield caller
    caller.disconnect()


def test_a_short_pass_of_reads_and_writes(new_instance, vendor, our_schema):
    api = new_instance
    vendor.control("DELETE", "exchanges")
    vendor.control("POST", "knobs", {"recording": True})
    try:
        api.get("/hubs/crm/accounts?pageSize=500")
        body = {"accountID": 0, "firstName": "Jud\u00e9 \U0001f600", "lastName": "<&>"}
        made = api.call("POST", "/hubs/crm/contacts", {**body, "active": 1}).json()
        path = f"/hubs/crm/contacts/{made['id']}"
        api.call("PATCH", path, {"title": "\u2013"})
        api.call("POST", "/hubs/crm/contacts", {"firstName": "nobody"})
        exchanges = vendor.control("GET", "exchanges").json()["exchanges"]
    finally:
        vendor.control("DELETE", "knobs")

    validated = validate(our_schema, exchanges)

    verbs = ("query", "create", "update", "GetFieldInfo")
    written = {f"{verb}{end}" for verb in verbs for end in ("", "Response")}
    assert validated >= {*written, "AutotaskIntegrations"}


def test_the_schema_refuses_what_is_wrong(our_schema):
    space = "http://autotask.net/ATWS/v1_6/"
    reply = (
        f'<s:Envelope xmlns:s="{SOAP[1:-1]}"><s:Body><GetWsdlVersion xmlns="{space}">'
        "<Colour/></GetWsdlVersion></s:Body></s:Envelope>"
    )

    with pytest.raises(etree.DocumentInvalid):
        validate(our_schema, [{"request": reply, "fault": "x", "status": 200}])


@pytest.mark.campaign
@pytest.mark.timeout(600)
@pytest.mark.parametrize("generation", ["1.6.0", "1.6.11"])
def test_exchanges_of_the_crm_tests(request, tmp_path, generation):
    schema = request.getfixturevalue(
        "vendor_schema" if generation == "1.6.0" else "our_schema"
    )
    record = tmp_path / "exchanges.jsonl"
    chosen = {
        "BRIDGE_SANDBOX_GENERATION": generation,
        "BRIDGE_SANDBOX_RECORD": str(record),
    }

    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            *sized(FEW, [CRM_TESTS]),
        ],
        cwd=ROOT,
        env={**os.environ, **chosen},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )

    with record.open(encoding="utf-8") as lines:
        exchanges = [json.loads(line) for line in lines]
    assert len(exchanges) > sized(100, 200), done.stdout[-2000:]
    assert validate(schema, exchanges) >= {"query", "queryResponse", "update", "create"}
