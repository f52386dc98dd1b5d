"""Every operation's responses are valid by the vendor's own descriptions."""

import os
from pathlib import Path

import pytest
from lxml import etree

WSDL = Path(__file__).parents[4] / "shared" / "wsdl"
BODY = "{http://schemas.xmlsoap.org/soap/envelope/}Body"
SCHEMA = "{http://www.w3.org/2001/XMLSchema}schema"
ALL = '<field>id<expression op="GreaterThanorEquals">0</expression></field>'
CONTACT = (
    "<id>0</id><Active>1</Active><AccountID>0</AccountID>"
    "<FirstName>X</FirstName><LastName>S</LastName>"
)
LINK = (
    "<attachment><Info><id>0</id><ParentID>0</ParentID><ParentType>1</ParentType>"
    "<Type>URL</Type><Title>T</Title><FullPath>https://x.example/</FullPath>"
    "<Publish>1</Publish></Info></attachment>"
)


@pytest.fixture(params=["1.5", "1.6"])
def caller(request, early):
    return early if request.param == "1.6" else early.old


@pytest.fixture
def schema(caller):
    version = "1.6" if "v1_6" in caller.namespace else "1.5"
    path = WSDL / f"atws-{version}.wsdl"
    if not path.is_file():
        if os.environ.get("CI") == "true":
            pytest.fail("the vendor's descriptions are missing")
        pytest.skip("the vendor's descriptions are not beside this checkout")
    found = next(etree.fromstring(path.read_bytes().strip()).iter(SCHEMA))
    # Serialized by itself, so that it declares the prefixes it uses.
    return etree.XMLSchema(etree.fromstring(etree.tostring(found)))


def payload(reply):
    return reply.tree.find(BODY)[0]


def test_each_operation(caller, schema):
    (link,) = caller.call("CreateAttachment", LINK).texts("CreateAttachmentResult")
    replies = [
        caller.call("getZoneInfo", f"<UserName>{caller.username}</UserName>"),
        caller.call("GetEntityInfo"),
        caller.call("GetWsdlVersion"),
        caller.call("getThresholdAndUsageInfo"),
        caller.query("Account", ""),
        caller.query("Account", "<field>Nope</field>"),
        caller.write("create", "Contact", CONTACT),
        caller.write("create", "Contact", CONTACT.replace("X", "")),
        caller.write("delete", "Account", "<id>0</id>"),
        caller.call("CreateAttachment", LINK),
        caller.call("GetAttachment", f"<attachmentId>{link}</attachmentId>"),
        caller.call("DeleteAttachment", f"<attachmentId>{link}</attachmentId>"),
        caller.call(
            "GetInvoiceMarkup", "<InvoiceId>29684601</InvoiceId><Format>xml</Format>"
        ),
    ]

    for reply in replies:
        schema.assertValid(payload(reply))


def test_each_entity_and_its_metadata(caller, schema):
    for name in caller.call("GetEntityInfo").texts("Name"):
        schema.assertValid(payload(caller.query(name, ALL)))
        fields = f"<psObjectType>{name}</psObjectType>"
        schema.assertValid(payload(caller.call("GetFieldInfo", fields)))
        udfs = f"<psTable>{name}</psTable>"
        schema.assertValid(payload(caller.call("getUDFInfo", udfs)))
