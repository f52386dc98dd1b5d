"""Responses against the service description that the simulator serves."""

from decimal import Decimal

import pytest
import requests
import zeep
from lxml import etree
from zeep import xsd
from zeep.transports import Transport

SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
SPACE = "http://autotask.net/ATWS/v1_6/"
ALL = '<field>id<expression op="GreaterThanorEquals">0</expression></field>'


@pytest.fixture(scope="session")
def description(sandbox_info):
    return requests.get(sandbox_info["sandboxWsdl"], timeout=120).content


@pytest.fixture(scope="session")
def schema(description):
    found = etree.fromstring(description).find(
        ".//{http://www.w3.org/2001/XMLSchema}schema"
    )
    # Serialized by itself, so that it declares the prefixes it uses.
    return etree.XMLSchema(etree.fromstring(etree.tostring(found)))


def payload(reply):
    return reply.tree.find(f"{SOAP}Body")[0]


def test_every_kind_of_response_is_valid(soap, schema):
    contact = (
        "<id>0</id><Active>1</Active><AccountID>0</AccountID>"
        "<FirstName>X</FirstName><LastName>S</LastName>"
    )
    replies = [
        soap.call("getZoneInfo", f"<UserName>{soap.username}</UserName>"),
        soap.call("getZoneInfo", "<UserName>nobody</UserName>"),
        soap.call("GetEntityInfo"),
        soap.call("GetWsdlVersion"),
        soap.call("getThresholdAndUsageInfo"),
        soap.query("Account", ""),
        soap.query("Account", "<field>Nope</field>"),
        soap.write("create", "Contact", contact),
        soap.write("create", "Contact", contact.replace("X", "")),
        soap.write("delete", "Account", "<id>0</id>"),
    ]

    for reply in replies:
        schema.assertValid(payload(reply))


def test_all_entities_and_their_metadata_are_valid(soap, schema):
    for name in soap.call("GetEntityInfo").texts("Name"):
        schema.assertValid(payload(soap.query(name, ALL)))
        fields = soap.call("GetFieldInfo", f"<psObjectType>{name}</psObjectType>")
        schema.assertValid(payload(fields))
        schema.assertValid(
            payload(soap.call("getUDFInfo", f"<psTable>{name}</psTable>"))
        )


def test_unknown_entities_of_metadata_calls_are_faults(soap):
    reply = soap.call("GetFieldInfo", "<psObjectType>Nothing</psObjectType>")

    assert reply.http.status_code == 500
    assert "<faultcode>soap:Server</faultcode>" in reply.http.text
    assert "Server was unable to process request. --->" in reply.fault


@pytest.fixture
def service(soap, sandbox_info):
    """zeep as an ordinary user sets it up, with the description that is served."""
    session = requests.Session()
    session.auth = (soap.username, soap.password)
    with session:
        client = zeep.Client(
            sandbox_info["sandboxWsdl"], transport=Transport(session=session)
        )
        yield client


def header(soap):
    return {
        "AutotaskIntegrations": {
            "IntegrationCode": soap.code,
            "PartnerID": None,
            "ImpersonateAsResourceID": None,
        }
    }


def test_zeep_looks_up_queries_creates_and_updates(soap, service):
    zone = service.service.getZoneInfo(soap.username)
    assert (zone.URL, zone.ErrorCode) == (soap.endpoint, 0)

    factory = service.type_factory("ns0")
    new = factory.Opportunity(
        id=0,
        AccountID=0,
        Amount=Decimal("12.5"),
        Cost=xsd.AnyObject(xsd.Decimal(), Decimal(1)),
        CreateDate="2021-06-14T00:00:00",
        OwnerResourceID=4,
        Probability=10,
        ProjectedCloseDate="2021-08-08T00:00:00",
        Stage=xsd.AnyObject(xsd.String(), "29682774"),
        Status=0,
        Title="Zeep & sons",
        UseQuoteTotals=False,
    )
    made = service.service.create({"Entity": [new]}, _soapheaders=header(soap))
    assert made.ReturnCode == 1
    (entity,) = made.EntityResults.Entity
    assert (entity.Amount, entity.Status) == (Decimal("12.5000"), 0)

    new.id, new.Title = entity.id, "Changed"
    again = service.service.update({"Entity": [new]}, _soapheaders=header(soap))
    assert again.ReturnCode == 1

    question = (
        "<queryxml><entity>Opportunity</entity><query><field>id"
        f'<expression op="Equals">{entity.id}</expression></field></query></queryxml>'
    )
    found = service.service.query(question, _soapheaders=header(soap))
    assert found.EntityResults.Entity[0].Title == "Changed"

    refused = service.service.query(question)
    assert refused.Errors.ATWSError[0].Message == "IntegrationCode is invalid."


def test_zeep_reads_metadata(soap, service):
    infos = service.service.getEntityInfo(_soapheaders=header(soap))
    fields = service.service.GetFieldInfo("Contact", _soapheaders=header(soap))
    udfs = service.service.getUDFInfo("Account", _soapheaders=header(soap))

    account = next(info for info in infos if info.Name == "Account")
    assert (account.CanDelete, account.HasUserDefinedFields) == (False, True)
    by_name = {field.Name: field for field in fields}
    assert by_name["AccountID"].ReferenceEntityType == "Account"
    assert (by_name["AccountID"].IsRequired, by_name["AccountID"].IsReadOnly) == (
        True,
        True,
    )
    assert {udf.Type for udf in udfs} >= {"string"}
