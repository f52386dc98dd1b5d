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


class BusinessError(Exception):
    """A call that is refused; each message becomes one ATWSError.

    `entity` is the one that the response names, empty when it was not known.
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


def no_permission(verb: str) -> str:
    """The user may not `verb` (query, create, …) an entity type."""
    return (
        "The logged in Resource does not have the adequate permissions to "
        f"{verb} this entity type."
    )


def unknown_entity(name: str) -> str:
    """A query names an unknown entity. Unverified."""
    return f"Unable to find entity {name}."


def unknown_field(name: str, entity: str) -> str:
    """A query names an unknown field."""
    return f"Unable to find {name} in the {entity} Entity."


def unknown_udf(name: str, entity: str) -> str:
    """A query or record names an unknown UDF. Unverified."""
    return f"Unable to find UDF {name} in the {entity} Entity."


def not_queryable(name: str, entity: str) -> str:
    """A query compares a field that cannot be queried. Unverified."""
    return f"{name} is not queryable in the {entity} Entity."


def invalid_query(what: str) -> str:
    """A query is malformed. Unverified: all but the prefix."""
    return f"Invalid query syntax. {what}"


def at_record(text: str, number: int) -> str:
    """A check fault of a record, with its 1-based number."""
    return f"{text} ; on record number [{number}]."


def update_failed(number: int) -> str:
    """The second message of a save fault on update."""
    return f"Error updating entity for record number [{number}]."


def delete_failed(number: int) -> str:
    """The second message of a save fault on delete. Unverified."""
    return f"Error deleting entity for record number [{number}]."


def missing(field: str) -> str:
    """A required field has no value."""
    return f"Value does not exist for the required field {field}."


def not_convertible(noun: str, field: str) -> str:
    """A text is not a number, time or boolean. Unverified: but for numbers."""
    return f"Can not convert data to {noun} in field: {field}."


def not_comparable(value: str, database_type: str) -> str:
    """A query compares a field with a text that is not of its type.

    Source: a client of the vendor's other API, for whole numbers. Unverified: for other
    types.
    """
    return (
        f"Conversion failed when converting varchar '{value}' to data type "
        f"{database_type}"
    )


def bad_picklist_value(value: str, field: str) -> str:
    """A picklist lacks a value, or it is inactive."""
    return f"Picklist value [{value}] does not exist for {field}."


def bad_reference(field: str, entity: str) -> str:
    """A reference is to a record that does not exist or is inactive."""
    return (
        f"Reference value on field: {field} of type: {entity} does not exist or is "
        "invalid."
    )


def unfit_reference(field: str) -> str:
    """A reference is to a record of another account.

    Source: a client of the vendor's other API, on tickets.
    """
    return f"Value does not reference an existing entity for {field}."


def no_udf_permission(name: str) -> str:
    """The user may not write a protected UDF. Unverified: the text."""
    return (
        "The logged in Resource does not have the adequate permissions to update the "
        f"user-defined field {name}."
    )


def too_long(field: str) -> str:
    """A text is longer than its field; the vendor's message ends with a blank."""
    return f"String value exceeds maximum length (field:{field}). "
