"""The vendor's error messages, and the two ways in which a call fails inside SOAP.

A `BusinessError` becomes a response with HTTP 200 and ReturnCode -1, a `SoapFaultError`
one with HTTP 500. Texts without a mark come from the vendor's help or from working
clients; texts that belong to one entity are in its module in `rules`.
Source: SOAP contract notes, error catalogue.
"""

from __future__ import annotations

INTEGRATION_CODE = "IntegrationCode is invalid."
# The inner exception of a text that is not a number.
BAD_FORMAT = "System.FormatException: Input string was not in a correct format."
UNTYPED_TEXT = "Conversion from type 'Object' to type 'String' is not valid."
TOO_MANY_ORS = (
    "Invalid query syntax. Queries are limited to 500 or fewer 'OR' conditions."
)
NO_RECORD = (
    "No matching records found. The logged in resource may not have the required "
    "permissions to update the data."
)
NO_RECORD_TO_DELETE = (
    "No matching records found. The logged in Resource may not have the required "
    "permissions to delete the data."
)
# Unverified: these calls fail, but the text is not known.
TOO_MANY_ENTITIES = (
    "You can only create, update or delete up to 200 entities at a time."
)
MIXED_ENTITIES = "All entities in a call must be of the same type."
TOO_DEEP = (
    "Some part of your SQL statement is nested too deeply. Rewrite the query or break "
    "it up into smaller queries."
)
SECOND_UDF = "Invalid query syntax. Only one user-defined field is allowed per query."
QUOTA = (
    "You have exceeded the maximum number of requests allowed per hour for this "
    "database."
)
# Source: the same limit on the vendor's other API.
THREADS = "The Autotask API thread threshold of 3 threads has been exceeded."
# Unverified: these calls fail, but the text is not known.
NO_ATTACHMENT = "No matching attachment found."
ATTACHMENT_TOO_LARGE = "The attachment exceeds the maximum size."
TOO_MANY_BYTES = (
    "The maximum of 10,000,000 bytes of attachments in five minutes has been exceeded."
)

# With places for values, in the order of the comments.

# A verb (query, create, …): the user may not use it on an entity type.
NO_PERMISSION = (
    "The logged in Resource does not have the adequate permissions to {} this entity "
    "type."
)
# An entity that does not exist, in a query. Unverified.
UNKNOWN_ENTITY = "Unable to find entity {}."
# A field and an entity, in a query.
UNKNOWN_FIELD = "Unable to find {} in the {} Entity."
# A UDF and an entity, in a query or record. Unverified.
UNKNOWN_UDF = "Unable to find UDF {} in the {} Entity."
# A field and an entity, in a query. Unverified.
NOT_QUERYABLE = "{} is not queryable in the {} Entity."
# What is malformed in a query. Unverified: all but the prefix.
INVALID_QUERY = "Invalid query syntax. {}"
# A check fault, and the 1-based number of its record.
AT_RECORD = "{} ; on record number [{}]."
# The number of a record with a save fault: the second message on update and delete.
# Unverified: that of delete.
UPDATE_FAILED = "Error updating entity for record number [{}]."
DELETE_FAILED = "Error deleting entity for record number [{}]."
# A required field without a value.
MISSING = "Value does not exist for the required field {}."
# A type and a field with a text that is not of it. Unverified: but for numbers.
NOT_CONVERTIBLE = "Can not convert data to {} in field: {}."
# A text and a type of the database that a query compares it with. Source: a client of
# the vendor's other API, for whole numbers. Unverified: for other types.
NOT_COMPARABLE = "Conversion failed when converting varchar '{}' to data type {}"
# A value and a picklist that lacks it or has it as inactive.
BAD_PICKLIST_VALUE = "Picklist value [{}] does not exist for {}."
# A field and an entity: the record does not exist or is inactive.
BAD_REFERENCE = "Reference value on field: {} of type: {} does not exist or is invalid."
# A field: the record is of another account. Source: a client of the vendor's other API,
# on tickets.
UNFIT_REFERENCE = "Value does not reference an existing entity for {}."
# A protected UDF that the user may not write. Unverified: the text.
NO_UDF_PERMISSION = (
    "The logged in Resource does not have the adequate permissions to update the "
    "user-defined field {}."
)
# A field with a text that is too long; the vendor's message ends with a blank.
TOO_LONG = "String value exceeds maximum length (field:{}). "


class BusinessError(Exception):
    """A call that is refused; each message becomes one ATWSError.

    `entity` is named in the response; empty when it was not known.
    """

    def __init__(self, *messages: str, entity: str = "") -> None:
        super().__init__(*messages)
        self.messages = messages
        self.entity = entity


class SoapFaultError(Exception):
    """A call that cannot be read or served: HTTP 500 with a `soap:Fault`.

    `code` is Client, Server, MustUnderstand or VersionMismatch.
    """

    def __init__(self, text: str, *, code: str = "Client") -> None:
        super().__init__(text)
        self.text = text
        self.code = code


def unreadable(place: tuple[int, int], inner: str) -> SoapFaultError:
    """Return the fault of a request that the reader cannot bind, at line and column."""
    line, column = place
    return SoapFaultError(
        "System.Web.Services.Protocols.SoapException: Server was unable to read "
        "request. ---> System.InvalidOperationException: There is an error in XML "
        f"document ({line}, {column}). ---> {inner}\n"
        "   --- End of inner exception stack trace ---"
    )


def other_soap_version(namespace: str) -> SoapFaultError:
    """Return the fault of an envelope that is not SOAP 1.1.

    Source: what the vendor's web server usually returns. Unverified here.
    """
    return SoapFaultError(
        "System.Web.Services.Protocols.SoapException: Possible SOAP version mismatch: "
        f"Envelope namespace {namespace} was unexpected. Expecting "
        "http://schemas.xmlsoap.org/soap/envelope/.",
        code="VersionMismatch",
    )


def unknown_operation(action: str) -> SoapFaultError:
    """Return the fault of an operation or namespace that does not exist."""
    return SoapFaultError(
        "System.Web.Services.Protocols.SoapException: Server did not recognize the "
        f"value of HTTP Header SOAPAction: {action}."
    )


def unprocessable(inner: str) -> SoapFaultError:
    """Return the fault of a readable call that fails and has no ATWSResponse."""
    return SoapFaultError(
        "System.Web.Services.Protocols.SoapException: Server was unable to process "
        f"request. ---> {inner}",
        code="Server",
    )
