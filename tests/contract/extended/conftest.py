"""Definitions of resources, and what adds them to the element for one test."""

from __future__ import annotations

import secrets
from html import escape

import pytest

HEAD = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:v1="http://autotask.net/ATWS/v1_6/"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
    "<soapenv:Header/><soapenv:Body>"
)
TAIL = "</soapenv:Body></soapenv:Envelope>"
RESOURCES = "/elements/autotaskcrm/resources"


@pytest.fixture(scope="session")
def envelope():
    """Put an operation into an envelope."""
    return lambda operation: f"{HEAD}{operation}{TAIL}"


@pytest.fixture(scope="session")
def usage(envelope):
    """The envelope of a request for the usage."""
    return envelope("<v1:getThresholdAndUsageInfo/>")


@pytest.fixture(scope="session")
def queryxml():
    """Write a query document with one condition; its value may be a placeholder."""

    def queryxml(entity, field, value, op="equals"):
        return (
            f"<queryxml><entity>{entity}</entity><query><field>{field}"
            f'<expression op="{op}">{value}</expression></field></query></queryxml>'
        )

    return queryxml


@pytest.fixture(scope="session")
def query(envelope):
    """Put a query document into an envelope."""

    def query(document):
        sxml = f"<v1:sXML>{escape(document)}</v1:sXML>"
        return envelope(f"<v1:query>{sxml}</v1:query>")

    return query


@pytest.fixture(scope="session")
def definition(usage):
    """Write a definition as clients send it; `more` are further parameters."""

    def definition(text=usage, *, more=(), **changes):
        return {
            "path": f"/own{secrets.token_hex(4)}",
            "method": "GET",
            "vendorPath": "https://elsewhere.example/ATServices/1.6/atws.asmx",
            "vendorMethod": "POST",
            "type": "api",
            "description": "How much of the hour is used",
            "rootKey": "|soapenv:Envelope.soapenv:Body",
            "response": {"contentType": "application/json"},
            "hooks": [],
            "parameters": [
                {
                    "name": text,
                    "vendorName": "body",
                    "type": "value",
                    "vendorType": "body",
                },
                {
                    "name": "http://autotask.net/ATWS/v1_6/create",
                    "vendorName": "Soapaction",
                    "type": "value",
                    "vendorType": "header",
                },
                *more,
            ],
            **changes,
        }

    return definition


@pytest.fixture
def add(api, definition):
    """Add resources; they are removed again."""
    made = []

    def add(*text, **changes):
        body = definition(*text, **changes)
        answer = api.call("POST", RESOURCES, body, authorization=api.platform)
        assert answer.status == 200, answer.body
        made.append(answer.json()["id"])
        return answer.json()

    yield add
    for number in made:
        api.call("DELETE", f"{RESOURCES}/{number}", authorization=api.platform)
