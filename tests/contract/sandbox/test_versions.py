"""Versions 1.5 and 1.6 side by side, and the releases of 1.6."""

from dataclasses import replace

import pytest
from lxml import etree

HOME = '<field>id<expression op="Equals">0</expression></field>'
OLD = "http://autotask.net/ATWS/v1_5/"
XSD = "{http://www.w3.org/2001/XMLSchema}"
CONTACT = (
    "<id>0</id><Active>1</Active><AccountID>0</AccountID>"
    "<FirstName>Both</FirstName><LastName>Versions</LastName>"
)


def types(soap, version):
    """Return the members of all types that a description declares."""
    reply = soap.session.get(f"{soap.url}/atservices/{version}/atws.wsdl")
    root = etree.fromstring(reply.content)
    return root, {
        found.get("name"): [e.get("name") for e in found.iter(f"{XSD}element")]
        for found in root.iter(f"{XSD}complexType")
        if found.get("name")
    }


def fields(soap, entity):
    reply = soap.call("GetFieldInfo", f"<psObjectType>{entity}</psObjectType>")
    return reply.texts("Name")


def test_1_5_responds_in_its_own_namespace(soap):
    reply = soap.old.query("Account", HOME)

    assert reply.ids == [0]
    assert f'<queryResponse xmlns="{OLD}">' in reply.http.text
    assert reply.http.headers["Content-Type"] == "text/xml; charset=utf-8"


def test_each_path_knows_its_own_namespace_only(soap):
    new_at_old = soap.query("Account", HOME, endpoint=soap.old.endpoint)
    old_at_new = soap.old.query("Account", HOME, endpoint=soap.endpoint)

    for reply in (new_at_old, old_at_new):
        assert reply.http.status_code == 500
        assert "did not recognize the value of HTTP Header SOAPAction" in reply.fault


def test_the_zone_is_returned_in_the_requested_version(soap):
    reply = soap.old.call("getZoneInfo", f"<UserName>{soap.username}</UserName>")

    assert reply.texts("URL") == [soap.old.endpoint]


def test_both_versions_see_the_same_records(fresh):
    (made,) = fresh.old.write("create", "Contact", CONTACT).ids
    fresh.write("update", "Contact", CONTACT.replace("<id>0<", f"<id>{made}<"))

    for client in (fresh, fresh.old):
        own = f'<field>id<expression op="Equals">{made}</expression></field>'
        assert client.query("Contact", own).entities[0]["LastName"] == "Versions"


def test_an_update_in_1_5_keeps_what_1_5_does_not_know(fresh):
    own = '<field>id<expression op="Equals">29684801</expression></field>'
    (before,) = fresh.query("Ticket", own).entities
    (old,) = fresh.old.query("Ticket", own).entities
    new_only = set(fields(fresh, "Ticket")) - set(fields(fresh.old, "Ticket"))
    assert "RmaStatus" in new_only
    assert not new_only & set(old)

    body = "".join(
        f"<{name}>{value}</{name}>" for name, value in old.items() if value
    ).replace("<UserDefinedFields>", "")
    reply = fresh.old.write("update", "Ticket", body)

    assert reply.code == 1, reply.http.text
    (after,) = fresh.query("Ticket", own).entities
    moving = {"LastActivityDate", "LastActivityResourceID", "LastActivityPersonType"}
    moving |= {"LastTrackedModificationDateTime"}
    assert {k: v for k, v in after.items() if k not in moving} == {
        k: v for k, v in before.items() if k not in moving
    }


def test_1_5_lacks_what_came_later(soap):
    old = set(soap.old.call("GetEntityInfo").texts("Name"))
    new = set(soap.call("GetEntityInfo").texts("Name"))

    assert len(old) == 124
    assert {"ContactGroup", "TicketHistory"} <= new - old
    assert old <= new
    assert "AEMDeviceID" in fields(soap.old, "InstalledProduct")
    assert "RMMDeviceID" in fields(soap, "InstalledProduct")
    assert "ApprovedTime" in fields(soap.old, "BillingItem")
    assert "PostedDate" not in fields(soap.old, "BillingItem")
    unknown = soap.old.query("ContactGroup", HOME)
    assert unknown.errors == ["Unable to find entity ContactGroup."]
    later = '<field>LicenseType<expression op="Equals">1</expression></field>'
    assert soap.old.query("Resource", later).errors == [
        "Unable to find LicenseType in the Resource Entity."
    ]


def test_renamed_fields_hold_the_same(soap):
    own = '<field>id<expression op="Equals">29684701</expression></field>'

    (old,) = soap.old.query("BillingItem", own).entities
    (new,) = soap.query("BillingItem", own).entities

    assert old["ApprovedTime"] == new["PostedOnTime"] == "2021-04-02T11:05:07.1"
    when = '<field>ApprovedTime<expression op="IsThisDay">2021-04-02</expression>'
    assert soap.old.query("BillingItem", f"{when}</field>").ids == [29684701]


def test_the_description_of_1_5(soap):
    root, declared = types(soap, "1.5")

    assert root.get("targetNamespace") == OLD
    assert b"/ATServices/1.5/atws.asmx" in etree.tostring(root)
    assert declared["AutotaskIntegrations"] == ["PartnerID", "IntegrationCode"]
    assert "UserAccessForCreate" not in declared["EntityInfo"]
    assert "ContactGroup" not in declared


@pytest.mark.parametrize("code", ["", "  \n"])
def test_1_5_requires_no_code_unless_the_user_has_one(soap, code):
    assigned = replace(soap, username="assigned@bridge-demo.example").old

    assert soap.old.query("Account", HOME, code=code).ids == [0]
    assert assigned.query("Account", HOME, code=code).errors == [
        "IntegrationCode is invalid."
    ]
    assert assigned.query("Account", HOME).ids == [0]


@pytest.mark.parametrize("code", ["", "  \n"])
def test_1_5_requires_a_code_of_all_users_when_set_to(soap, code):
    knobs = f"{soap.url}/sandbox/knobs"
    soap.session.post(knobs, json={"identifier_always": True}).raise_for_status()

    without = soap.old.query("Account", HOME, code=code)
    given = soap.old.query("Account", HOME)
    soap.session.post(knobs, json={"identifier_always": False}).raise_for_status()

    assert without.errors == ["IntegrationCode is invalid."]
    assert given.ids == [0]
    assert soap.old.query("Account", HOME, code=code).ids == [0]


def test_1_5_takes_no_wrong_identifier(soap):
    assert soap.old.query("Account", HOME, code="wrong").errors == [
        "IntegrationCode is invalid."
    ]


def test_a_person_may_use_1_5_only(soap):
    person = replace(soap, username="paula@bridge-demo.example")

    assert person.old.query("Account", HOME).ids == [0]
    assert person.query("Account", HOME).http.status_code == 401


def test_1_5_skips_the_member_for_impersonation(soap):
    empty = soap.old.acting_as("")

    assert empty.query("Account", HOME).ids == [0]
    assert "correct format" in soap.acting_as("").query("Account", HOME).fault


def test_releases_name_themselves(soap, early):
    assert soap.call("GetWsdlVersion").texts("GetWsdlVersionResult") == ["1.6.11"]
    assert early.call("GetWsdlVersion").texts("GetWsdlVersionResult") == ["1.6.0"]
    assert soap.old.call("GetWsdlVersion").texts("GetWsdlVersionResult") == ["1.5.3"]


def test_the_first_1_6_has_its_own_shapes_entities_and_verbs(early):
    infos = early.call("GetEntityInfo")
    names = infos.texts("Name")
    can_delete = dict(zip(names, infos.texts("CanDelete"), strict=True))
    _, declared = types(early, "1.6")

    assert len(names) == 128
    assert infos.texts("UserAccessForCreate") == []
    assert infos.texts("SupportsWebhookCallouts") == []
    assert declared["EntityInfo"] == [
        "Name",
        "CanUpdate",
        "CanDelete",
        "CanCreate",
        "CanQuery",
        "HasUserDefinedFields",
    ]
    assert can_delete["Contact"] == "false"
    assert early.write("delete", "Contact", "<id>4</id>").code == -1
    assert "ApiVendorID" not in fields(early, "Contact")
    info = early.call("GetFieldInfo", "<psObjectType>Contact</psObjectType>")
    assert info.texts("IsSupportedWebhookField") == []


def test_what_the_newest_release_changed(soap, early):
    def length(client, entity, name):
        reply = client.call("GetFieldInfo", f"<psObjectType>{entity}</psObjectType>")
        lengths = dict(zip(reply.texts("Name"), reply.texts("Length"), strict=True))
        return lengths[name]

    assert length(early, "Product", "Name") == "100"
    assert length(soap, "Product", "Name") == "1000"
    assert length(soap, "Project", "Description") == "8000"
    assert "ContractHourlyRate" in fields(soap, "ContractFactor")


def test_alerts_of_the_newest_release(fresh, early):
    alert = "<id>0</id><AccountID>0</AccountID><AlertTypeID>1</AlertTypeID>{}"
    text = alert.format("<AlertText>Call first</AlertText>")

    (made,) = fresh.write("create", "AccountAlert", text).ids
    again = fresh.write("create", "AccountAlert", text)
    other = alert.replace("TypeID>1<", "TypeID>2<").format("")
    empty = fresh.write("create", "AccountAlert", other)
    gone = fresh.write("delete", "AccountAlert", f"<id>{made}</id>")

    assert again.errors == ["An alert of this type already exists for the account."]
    assert empty.errors == [
        "Value does not exist for the required field AlertText. ; on record number [1]."
    ]
    assert gone.code == 1
    assert early.write("create", "AccountAlert", alert.format("")).code == 1


@pytest.mark.parametrize("version", ["1.4", "1.6.0", "1.7"])
def test_other_versions_do_not_exist(soap, version):
    path = f"{soap.url}/ATServices/{version}/atws.asmx"

    assert soap.session.post(path).status_code == 404
