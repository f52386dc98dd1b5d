"""Declared facts about the service itself: its operations and its common types.

Entity types are in the TOML files next to this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.sandbox.facts.model import GENERATIONS

HEADER = "AutotaskIntegrations"  # an element and a type of this name


@dataclass(frozen=True, slots=True)
class Member:
    """One element of a sequence.

    `type` is an XML Schema type, or with `tns:` one of the service's own; empty means
    anything goes. `occurs` is `0..1`, `1..1`, or `0..n` (nillable, the item of a list).
    """

    name: str
    type: str = ""
    occurs: str = "0..1"
    since: str = GENERATIONS[0]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: document/literal, its elements named after `name`.

    `port_name` differs from `name` only where the vendor's own description does.
    """

    name: str
    arguments: tuple[Member, ...]
    result: str
    result_occurs: str = "0..1"
    port_name: str = ""
    has_header: bool = True

    @property
    def returned(self) -> Member:
        """The one element of its response."""
        return Member(f"{self.name}Result", self.result, self.result_occurs)


def required(name: str, type_: str) -> Member:
    """Return a member that occurs exactly once."""
    return Member(name, type_, "1..1")


# Source: the vendor's description of 1.6.0; 1.5 has the same fourteen.
OPERATIONS = (
    Operation("GetAttachment", (required("attachmentId", "long"),), "tns:Attachment"),
    Operation(
        "CreateAttachment",
        (Member("attachment", "tns:Attachment"),),
        "long",
        result_occurs="1..1",
    ),
    Operation("DeleteAttachment", (required("attachmentId", "long"),), "string"),
    Operation("GetEntityInfo", (), "tns:ArrayOfEntityInfo", port_name="getEntityInfo"),
    Operation("GetFieldInfo", (Member("psObjectType", "string"),), "tns:ArrayOfField"),
    Operation("getUDFInfo", (Member("psTable", "string"),), "tns:ArrayOfField"),
    Operation("query", (Member("sXML", "string"),), "tns:ATWSResponse"),
    Operation("create", (Member("Entities", "tns:ArrayOfEntity"),), "tns:ATWSResponse"),
    Operation("update", (Member("Entities", "tns:ArrayOfEntity"),), "tns:ATWSResponse"),
    Operation("delete", (Member("Entities", "tns:ArrayOfEntity"),), "tns:ATWSResponse"),
    Operation(
        "getZoneInfo",
        (Member("UserName", "string"),),
        "tns:ATWSZoneInfo",
        has_header=False,
    ),
    Operation("getThresholdAndUsageInfo", (), "tns:ATWSResponse"),
    Operation("GetWsdlVersion", (), "string"),
    Operation(
        "GetInvoiceMarkup",
        (required("InvoiceId", "int"), required("Format", "string")),
        "string",
    ),
)

ENTITY = (
    Member("Fields", "tns:ArrayOfField"),
    required("id", "long"),
    Member("UserDefinedFields", "tns:ArrayOfUserDefinedField"),
)

HEADER_MEMBERS = (
    Member("PartnerID", "string"),
    Member("IntegrationCode", "string"),
    Member("ImpersonateAsResourceID", "int", since="1.6.0"),
)

# Source: the vendor's description of 1.6.0, newer members from captured metadata.
# Unverified: occurrence of the newer members.
COMMON_TYPES: Mapping[str, tuple[Member, ...]] = {
    "Attachment": (
        Member("Data", "base64Binary"),
        Member("Info", "tns:AttachmentInfo"),
    ),
    "Field": (
        Member("Name", "string"),
        Member("Label", "string"),
        Member("Type", "string"),
        required("Length", "int"),
        Member("Description", "string"),
        required("IsRequired", "boolean"),
        required("IsReadOnly", "boolean"),
        required("IsQueryable", "boolean"),
        required("IsReference", "boolean"),
        Member("ReferenceEntityType", "string"),
        required("IsPickList", "boolean"),
        Member("PicklistValues", "tns:ArrayOfPickListValue"),
        Member("PicklistParentValueField", "string"),
        Member("DefaultValue", "string"),
        Member("IsSupportedWebhookField", "boolean", "1..1", since="1.6.9+"),
    ),
    "PickListValue": (
        Member("Value", "string"),
        Member("Label", "string"),
        required("IsDefaultValue", "boolean"),
        required("SortOrder", "int"),
        Member("parentValue", "string"),
        Member("IsActive", "boolean"),
        Member("IsSystem", "boolean"),
    ),
    "UserDefinedField": (
        Member("Name", "string"),
        Member("Value", "string"),
    ),
    "EntityInfo": (
        Member("Name", "string"),
        required("CanUpdate", "boolean"),
        required("CanDelete", "boolean"),
        required("CanCreate", "boolean"),
        required("CanQuery", "boolean"),
        Member("UserAccessForCreate", "string", since="1.6.9+"),
        Member("UserAccessForQuery", "string", since="1.6.9+"),
        Member("UserAccessForUpdate", "string", since="1.6.9+"),
        Member("UserAccessForDelete", "string", since="1.6.9+"),
        required("HasUserDefinedFields", "boolean"),
        Member("SupportsWebhookCallouts", "boolean", "1..1", since="1.6.9+"),
    ),
    "ATWSResponse": (
        required("ReturnCode", "int"),
        Member("EntityResults", "tns:ArrayOfEntity"),
        Member("EntityResultType", "string"),
        Member("Errors", "tns:ArrayOfATWSError"),
        Member("EntityReturnInfoResults", "tns:ArrayOfEntityReturnInfo"),
    ),
    "ATWSError": (Member("Message", "string"),),
    "EntityReturnInfo": (
        required("EntityId", "long"),
        required("DatabaseAction", "tns:EntityReturnInfoDatabaseAction"),
        required("DuplicateStatus", "tns:EntityDuplicateStatus"),
        Member("Message", "string"),
    ),
    "EntityDuplicateStatus": (
        required("Found", "boolean"),
        Member("MatchInfo", "string"),
        required("Ignored", "boolean"),
    ),
    "ATWSZoneInfo": (
        Member("URL", "string"),
        required("ErrorCode", "int"),
        Member("DataBaseType", "string"),
        required("CI", "int"),
        Member("WebUrl", "string"),
    ),
}

LISTS = (
    "ATWSError",
    "Entity",
    "EntityInfo",
    "EntityReturnInfo",
    "Field",
    "PickListValue",
    "UserDefinedField",
)

ENUMERATIONS = {"EntityReturnInfoDatabaseAction": ("None", "Created", "Updated")}
