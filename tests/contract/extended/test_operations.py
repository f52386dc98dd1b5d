"""Which operations of the vendor an added resource may call, as the operator says."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys

import pytest

from bridge.errors import ConfigurationError
from bridge.settings import read_settings

ALLOWED = (
    '["create", "delete", "GetInvoiceMarkup", "getZoneInfo", "GetAttachment",'
    ' "DeleteAttachment"]'
)
CONTACT = (
    "<v1:{0}><v1:Entities><v1:Entity xsi:type='v1:Contact'><v1:id>{{id}}</v1:id>"
    "<v1:AccountID xsi:type='xsd:int'>0</v1:AccountID>"
    "<v1:Active xsi:type='xsd:int'>1</v1:Active>"
    "<v1:FirstName xsi:type='xsd:string'>Ida</v1:FirstName>"
    "<v1:LastName xsi:type='xsd:string'>{{name}}</v1:LastName>"
    "</v1:Entity></v1:Entities></v1:{0}>"
)
COMMAND = (sys.executable, "-m", "bridge", "demo", "--json", "--port", "0")
BODY = [{"name": "name", "type": "body"}, {"name": "id", "type": "body"}]


@pytest.fixture(scope="module")
def lenient(api, tmp_path_factory):
    """A caller of a demo whose operator allows more."""
    directory = tmp_path_factory.mktemp("lenient")
    with subprocess.Popen(
        [*COMMAND, "--sandbox-port", "0", "--data-dir", directory],
        stdout=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "BRIDGE_EXTENDED_OPERATIONS": ALLOWED},
    ) as process:
        try:
            yield type(api)(json.loads(process.stdout.readline()))
        finally:
            process.send_signal(signal.SIGTERM)


@pytest.fixture
def added(lenient, definition, envelope):
    """Add a resource to the lenient demo and return its path."""

    def added(operation, **changes):
        body = definition(envelope(operation), more=BODY, method="POST", **changes)
        path = "/elements/autotaskcrm/resources"
        answer = lenient.call("POST", path, body, authorization=lenient.platform)
        return answer.json()["path"]

    return added


def test_a_write_that_is_allowed_is_sent_as_it_is_written(lenient, added):
    path = added(CONTACT.format("create"))
    name = f"Smith & </v1:LastName> {secrets.token_hex(4)}"

    answer = lenient.call("POST", path, {"name": name, "id": 0})

    assert answer.status == 200, answer.body
    result = answer.json()["createResponse"]["createResult"]
    assert result["ReturnCode"] == 1
    made = result["EntityReturnInfoResults"]["EntityReturnInfo"]["EntityId"]
    assert lenient.get(f"/contacts/{made}").json()["lastName"] == name


@pytest.mark.campaign
def test_a_refused_write_is_reported(lenient, added):
    path = added(CONTACT.format("create"))

    answer = lenient.call("POST", path, {"name": "x" * 1000, "id": 0})

    assert answer.status == 400
    assert answer.json()["providerMessage"]


def test_what_else_is_allowed_is_called(lenient, added):
    markup = added(
        "<v1:GetInvoiceMarkup><v1:InvoiceId>{id}</v1:InvoiceId>"
        "<v1:Format>HTML</v1:Format></v1:GetInvoiceMarkup>"
    )
    zone = added("<v1:getZoneInfo><v1:UserName>{name}</v1:UserName></v1:getZoneInfo>")
    invoice = lenient.get("/invoices?pageSize=1").json()[0]["id"]

    answer = lenient.call("POST", markup, {"id": invoice})
    assert answer.status == 200, answer.body
    assert "GetInvoiceMarkupResponse" in answer.json()
    answer = lenient.call("POST", zone, {"name": lenient.line["username"]})
    assert answer.status == 200, answer.body
    result = answer.json()["getZoneInfoResponse"]["getZoneInfoResult"]
    assert isinstance(result["CI"], int)
    assert result["ErrorCode"] == 0


@pytest.mark.campaign
def test_an_attachment_is_read_and_deleted(lenient, added):
    path = "/accounts/0/attachments"
    made = lenient.call("POST", path, {"fileName": "a.txt", "data": "YQ=="}).json()
    text = "<v1:{0}><v1:attachmentId>{{id}}</v1:attachmentId></v1:{0}>"
    sent = {"id": made["id"]}

    read = lenient.call("POST", added(text.format("GetAttachment")), sent)
    assert read.status == 200, read.body
    result = read.json()["GetAttachmentResponse"]["GetAttachmentResult"]
    assert (result["Data"], result["Info"]["id"]) == ("YQ==", made["id"])
    gone = lenient.call("POST", added(text.format("DeleteAttachment")), sent)
    assert gone.status == 200, gone.body
    assert lenient.get(f"/attachments/{made['id']}").status == 404


def test_an_argument_that_is_missing_is_for_the_vendor_to_refuse(lenient, added):
    path = added("<v1:GetInvoiceMarkup/>")

    assert lenient.call("POST", path, {}).status in {400, 502}


def test_what_is_not_allowed_is_refused_with_what_is(lenient, added):
    path = added(CONTACT.format("update"))

    answer = lenient.call("POST", path, {"name": "x", "id": 0})

    assert answer.status == 400
    assert "GetInvoiceMarkup" in answer.json()["message"]


def test_an_unknown_operation_prevents_startup(monkeypatch):
    monkeypatch.setenv("BRIDGE_EXTENDED_OPERATIONS", '["drop"]')

    with pytest.raises(ConfigurationError, match="BRIDGE_EXTENDED_OPERATIONS"):
        read_settings()
