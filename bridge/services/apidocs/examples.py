"""Request bodies to start from, for whoever tries a call on the page of descriptions.

Bodies of records stand with their resources in the catalogue. All names and values are
invented; ids and picklist values are those of the simulator's small data set.
"""

from __future__ import annotations

from collections.abc import Mapping

from bridge.services.apidocs.model import Operation
from bridge.services.apidocs.schema import references
from bridge.types import JSON

CONTACT: Mapping[str, JSON] = {
    "accountID": 0,
    "firstName": "Ida",
    "lastName": "Moe",
    "active": 1,
}
"""A record for the operations that serve any object: `Contact` or `contacts`."""

CONTACT_CHANGE: Mapping[str, JSON] = {"phone": "518-555-0143"}
CONTACT_OF_ACCOUNT: Mapping[str, JSON] = {
    name: value for name, value in CONTACT.items() if name != "accountID"
}
HOOK: Mapping[str, JSON] = {
    "type": "postRequest",
    "mimeType": "application/javascript",
    "body": "done(response_body)",
    "isLegacy": False,
}
PARAMETER: Mapping[str, JSON] = {"name": "id", "vendorName": "accId", "type": "query"}
MODEL: Mapping[str, JSON] = {"name": "usage", "transform": False, "swagger": {}}

BY_SCHEMA: Mapping[str, Mapping[str, JSON]] = {
    "Login": {"username": "demo@bridge.example", "password": "your password"},
    "PasswordChange": {"password": "the present one", "newPassword": "Lakeside-Door-7"},
    "NewInstance": {
        "name": "PSA",
        "element": {"key": "autotaskcrm"},
        "tags": ["production"],
        "configuration": {
            "crm.autotask.username": "api@northwind.example",
            "crm.autotask.password": "the API user's password",
            "crm.autotask.server.url": "https://webservices3.autotask.net",
        },
    },
    "InstanceChange": {"name": "PSA, Northwind", "tags": ["production"]},
    "ConfigurationValue": {"propertyValue": "false"},
    "TraceDuration": {"duration": 10},
    "NewPlatformAccount": {"name": "Northwind Service", "externalId": "NW-7"},
    "PlatformAccountChange": {"description": "Service desk"},
    "NewPlatformUser": {
        "email": "ann@northwind.example",
        "firstName": "Ann",
        "lastName": "Lee",
        "password": "Lakeside-Door-7",
    },
    "PlatformUserChange": {"firstName": "Anna"},
    "AccountSettings": {"notification.webhook.failure.policy": "retry"},
    "ElementResourceInput": {
        "path": "/hubs/crm/usage-information",
        "method": "GET",
        "vendorPath": "/ATServices/1.6/atws.asmx",
        "vendorMethod": "POST",
        "type": "api",
        "description": "Calls of the last hour",
        "rootKey": "|soapenv:Envelope.soapenv:Body",
        "response": {"contentType": "application/json"},
        "hooks": [],
        "parameters": [
            {
                "name": "<soapenv:Envelope "
                'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
                'xmlns:v1="http://autotask.net/ATWS/v1_6/"><soapenv:Body>'
                "<v1:getThresholdAndUsageInfo/></soapenv:Body></soapenv:Envelope>",
                "vendorName": "body",
                "type": "value",
                "vendorType": "body",
            }
        ],
    },
}
"""Bodies by the name of their schema, where all operations share one."""


def example_of(operation: Operation) -> Mapping[str, JSON] | None:
    """Return a body to start from; None where the operation has none, or a file."""
    if operation.example is not None:
        return operation.example
    return BY_SCHEMA.get(next(references(operation.body), ""))
