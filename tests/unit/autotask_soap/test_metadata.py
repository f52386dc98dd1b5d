"""The vendor's descriptions, read by name from either generation of reply."""

from __future__ import annotations

import pytest

from bridge.backends.autotask_soap.decode.answers import FaultReplyError, read_result
from bridge.backends.autotask_soap.metadata import field_type, read_usage
from bridge.errors import ProviderProtocolError, ProviderRejectedError
from bridge.interfaces import EntityInfo, FieldInfo, FieldType, PicklistItem, Usage

NAMESPACE = 'xmlns="http://autotask.net/ATWS/v1_6/"'


def test_entities_of_both_generations_are_read(backend, vendor):
    vendor.script = [
        vendor.soap(
            f"<GetEntityInfoResponse {NAMESPACE}><GetEntityInfoResult>"
            "<EntityInfo><Name>Account</Name><CanUpdate>true</CanUpdate>"
            "<CanDelete>false</CanDelete><CanCreate>true</CanCreate>"
            "<CanQuery>true</CanQuery><HasUserDefinedFields>true</HasUserDefinedFields>"
            "</EntityInfo><EntityInfo><Name>Contact</Name><CanUpdate>true</CanUpdate>"
            "<CanDelete>true</CanDelete><CanCreate>true</CanCreate>"
            "<CanQuery>true</CanQuery><UserAccessForCreate>All</UserAccessForCreate>"
            "<UserAccessForQuery>All</UserAccessForQuery>"
            "<UserAccessForUpdate>All</UserAccessForUpdate>"
            "<UserAccessForDelete>None</UserAccessForDelete>"
            "<HasUserDefinedFields>true</HasUserDefinedFields>"
            "<SupportsWebhookCallouts>true</SupportsWebhookCallouts></EntityInfo>"
            "</GetEntityInfoResult></GetEntityInfoResponse>"
        )
    ]

    entities = backend.entities()

    assert vendor.operations == ["GetEntityInfo"]
    assert entities == [
        EntityInfo("Account", True, True, True, False, True),  # noqa: FBT003 - five flags
        EntityInfo(
            *("Contact", True, True, True, True, True),
            denied=frozenset({"delete"}),
        ),
    ]


def field_xml(name, kind, more=""):
    return (
        f"<Field><Name>{name}</Name><Label> L </Label><Type>{kind}</Type>"
        "<Length>100</Length><IsRequired>true</IsRequired><IsReadOnly>false</IsReadOnly>"
        "<IsQueryable>true</IsQueryable><IsReference>false</IsReference>"
        f"<ReferenceEntityType />{more}<PicklistParentValueField />"
        "<IsSupportedWebhookField>true</IsSupportedWebhookField></Field>"
    )


def test_fields_come_standard_first_and_then_the_users_own(backend, vendor):
    picklist = (
        "<IsPickList>true</IsPickList><PicklistValues><PickListValue><Value>0</Value>"
        "<Label>A &#x1F;&amp; B</Label><IsDefaultValue>true</IsDefaultValue>"
        "<SortOrder>3</SortOrder><parentValue>7</parentValue><IsActive>false</IsActive>"
        "<IsSystem>true</IsSystem></PickListValue><PickListValue><Value>1</Value>"
        "<Label>C</Label><IsDefaultValue>false</IsDefaultValue><SortOrder>4</SortOrder>"
        "</PickListValue></PicklistValues>"
    )
    vendor.script = [
        vendor.soap(
            f"<GetFieldInfoResponse {NAMESPACE}><GetFieldInfoResult>"
            f"{field_xml('Stage', 'integer', picklist)}"
            "</GetFieldInfoResult></GetFieldInfoResponse>"
        ),
        vendor.soap(
            f"<getUDFInfoResponse {NAMESPACE}><getUDFInfoResult>"
            f"{field_xml(' Seats ', 'Double', '<IsPickList>false</IsPickList>')}"
            "</getUDFInfoResult></getUDFInfoResponse>"
        ),
    ]

    fields = backend.fields("Opportunity")

    assert vendor.operations == ["GetFieldInfo", "getUDFInfo"]
    assert "psObjectType>Opportunity<" in vendor.sent_text(0)
    assert "psTable>Opportunity<" in vendor.sent_text(1)
    assert "IDENTIFIER-OF-ANA" in vendor.sent_text(1)
    assert fields == [
        FieldInfo(
            name="Stage",
            label="L",
            type=FieldType.INTEGER,
            length=100,
            required=True,
            is_picklist=True,
            picklist=(
                PicklistItem(
                    "0",
                    "A & B",
                    is_default=True,
                    sort_order=3,
                    parent_value="7",
                    is_active=False,
                    is_system=True,
                ),
                PicklistItem("1", "C", sort_order=4),
            ),
        ),
        FieldInfo(
            name=" Seats ",
            label="L",
            type=FieldType.DOUBLE,
            length=100,
            required=True,
            udf=True,
        ),
    ]


def test_an_entity_without_user_defined_fields_has_none(backend, vendor):
    vendor.script = [
        vendor.soap(f"<{name}Response {NAMESPACE}><{name}Result /></{name}Response>")
        for name in ("GetFieldInfo", "getUDFInfo")
    ]

    assert backend.fields("Resource") == []


def test_an_unknown_entity_is_a_refusal(backend, vendor):
    vendor.script = [vendor.fault("Server was unable to process request.")]

    with pytest.raises(ProviderRejectedError, match="Nonsense"):
        backend.fields("Nonsense")


@pytest.mark.parametrize("text", ["string", "String", "STRING", "memo", ""])
def test_texts_and_unknown_types_are_texts(text):
    assert field_type(text) is FieldType.STRING


@pytest.mark.parametrize("text", ["dateTime", "Date", "datetime"])
def test_dates_of_any_spelling_are_times(text):
    assert field_type(text) is FieldType.DATETIME


def test_usage_is_read_in_either_spelling():
    text = (
        "thresholdOfExternalRequest: 10000; TimeframeOfLimitation: 60;"
        " numberOfExternalRequest: 318;"
    )

    assert read_usage(text) == Usage(10_000, 60, 318)
    with pytest.raises(ProviderProtocolError):
        read_usage("ThresholdOfExternalRequest: 10000")


def test_check_counts_one_call(backend, vendor):
    info = (
        "<EntityReturnInfo><EntityId>0</EntityId><Message>ThresholdOfExternalRequest:"
        " 10000; TimeframeOfLimitation: 60; numberOfExternalRequest: 318;</Message>"
        "</EntityReturnInfo>"
    )
    vendor.script = [vendor.result("getThresholdAndUsageInfo", infos=info)]

    assert backend.check() == Usage(10_000, 60, 318)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b"{}",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b"<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body>",
        b"<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'/>",
    ],
)
def test_incomplete_reply_is_refused(body):
    with pytest.raises(ProviderProtocolError):
        read_result([body])


def test_fault_has_code_and_text(vendor):
    _status, _headers, body = vendor.fault("Oops", code="soap:Client")

    with pytest.raises(FaultReplyError) as caught:
        read_result([body[:100], body[100:]])

    assert (caught.value.code, caught.value.text) == ("soap:Client", "Oops")
