"""The service description: one parsed document per process, shared by all tenants.

zeep reads it and writes the requests of the rarer operations; in tests it is also the
oracle of our own encoder. Headers are passed with each call, never as a default:
`getZoneInfo` declares none, and zeep would refuse them. Importing zeep and parsing
take about 0.2 s, so both happen at the first use or in `load`.
"""

from __future__ import annotations

import io
import logging
import threading
from pathlib import Path
from typing import Any

from lxml import etree

from bridge.backends.autotask_soap import descriptions
from bridge.backends.autotask_soap.encode.requests import NAMESPACE
from bridge.backends.autotask_soap.request import Request, authorized
from bridge.errors import InvalidRequestError
from bridge.interfaces import Credentials

_log = logging.getLogger(__name__)

ACTIONS = {"getEntityInfo": "GetEntityInfo"}
"""SOAP actions that are not spelt as their operation. Source: WSDL 1.6."""

# zeep needs an address although it only writes requests; `client` sends them.
_ANYWHERE = "https://webservices.autotask.net/"


class ServiceDescription:
    """The operations of API 1.6 as zeep writes them.

    Args:
        directory: where fetched descriptions lie; the newest is used, and the bundled
            one when that cannot be read.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._loaded: tuple[Any, Any] | None = None

    def request(
        self,
        operation: str,
        credentials: Credentials | None = None,
        subject: str = "",
        /,
        **members: str,
    ) -> Request:
        """Return the request of a read; `operation` is the port type's name.

        Without credentials it has neither login nor header.

        Raises:
            InvalidRequestError: a value that XML cannot carry.
        """
        client, service = self.load()
        headers: dict[str, Any] = {}
        code = credentials.integration_code.strip() if credentials else ""
        if code:
            identifier = {"IntegrationCode": code}
            headers["_soapheaders"] = {"AutotaskIntegrations": identifier}
        try:
            envelope = client.create_message(service, operation, **members, **headers)
        except ValueError as error:
            raise InvalidRequestError(
                f"The {operation} holds a character that XML cannot carry."
            ) from error
        body = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
        action = ACTIONS.get(operation, operation)
        if credentials is None:
            return Request(action, body)
        return authorized(action, body, credentials, subject=subject)

    def load(self) -> tuple[Any, Any]:
        """Return zeep's client and service, parsed at the first use."""
        # The first calls of several threads must not parse the document twice.
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load_newest()
            return self._loaded

    def _load_newest(self) -> tuple[Any, Any]:
        used, text = descriptions.newest(self._directory)
        try:
            return _parse(text)
        except Exception:
            if used == descriptions.BUNDLED:
                raise
            # A file on the disk may be anything; calls go on without it.
            _log.exception("%s cannot be used; the bundled one is", used.name)
            return _parse(descriptions.bundled())


def _parse(description: bytes) -> tuple[Any, Any]:
    import zeep  # noqa: PLC0415 - slow, and most processes answer without it

    make: Any = zeep
    settings = make.Settings(xml_huge_tree=True)
    transport = make.Transport()
    # Published descriptions begin with a line feed, which XML forbids before the
    # declaration.
    source = io.BytesIO(description.lstrip())
    document = make.wsdl.Document(source, transport, settings=settings)
    client = make.Client(document, transport=transport, settings=settings)
    service = client.create_service(f"{{{NAMESPACE}}}ATWSSoap", _ANYWHERE)
    return client, service
