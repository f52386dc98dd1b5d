"""Service descriptions: the bundled one, and those fetched from zones.

Fetched ones lie in a directory as `atws-1.6-<release>.wsdl`. The newest release is
used; the bundled one wins a tie. Nothing is fetched while a call waits.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import closing
from http import HTTPStatus
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from lxml import etree
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from bridge.backends.autotask_soap.connections import Timeouts, tls_context
from bridge.backends.autotask_soap.encode.requests import NAMESPACE
from bridge.errors import (
    ConfigurationError,
    ProviderProtocolError,
    ProviderUnavailableError,
)
from bridge.interfaces.service_descriptions import ServiceRelease, release_key

_log = logging.getLogger(__name__)

BUNDLED = ServiceRelease("atws-1.6.wsdl, bundled", "1.6.9")
"""Its release is the newest that is documented; see wsdl_cache/README.md."""

OPERATIONS = frozenset(
    {
        "getZoneInfo",
        "getThresholdAndUsageInfo",
        "getEntityInfo",
        "GetFieldInfo",
        "getUDFInfo",
        "GetWsdlVersion",
        "query",
        "create",
        "update",
        "delete",
    }
)
"""The operations that a description must offer."""

_FILE = re.compile(r"atws-1\.6-(\d+(?:\.\d+)*)\.wsdl")
_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_XSD = "{http://www.w3.org/2001/XMLSchema}"
_MAX_BYTES = 20_000_000


def stored(directory: Path) -> list[ServiceRelease]:
    """Return the fetched descriptions by file name, newest release first.

    Raises:
        ConfigurationError: the directory cannot be read.
    """
    try:
        names = [path.name for path in directory.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise ConfigurationError(
            f"The service descriptions in {directory} cannot be read: {error.strerror}",
            cure="let this user read them, or run as their owner",
        ) from error
    found = [
        ServiceRelease(match[0], match[1])
        for name in names
        if (match := _FILE.fullmatch(name))
    ]
    return sorted(found, key=lambda one: release_key(one.release), reverse=True)


def newest(directory: Path | None) -> tuple[ServiceRelease, bytes]:
    """Return the description to work with, and its text.

    A file that is not a description is skipped, with a warning in the log.
    """
    for one in stored(directory) if directory else ():
        if directory and release_key(one.release) > release_key(BUNDLED.release):
            try:
                text = (directory / one.name).read_bytes()
                check(text)
            except (OSError, ProviderProtocolError) as error:
                _log.warning("%s is left aside: %s", one.name, error)
            else:
                return one, text
    return BUNDLED, bundled()


def bundled() -> bytes:
    """Return the text of the description that is part of the package."""
    return (resources.files("bridge.wsdl_cache") / "atws-1.6.wsdl").read_bytes()


class _VendorAdapter(HTTPAdapter):
    """Trusts the authorities that calls trust, those of the system too."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - passes the library's own arguments on
        """Use the process's one context."""
        super().init_poolmanager(*arguments, ssl_context=tls_context(), **options)


def fetch(service_url: str, timeouts: Timeouts) -> bytes:
    """Return the description that a zone publishes beside its service.

    Raises:
        ProviderUnavailableError: the host does not answer.
        ProviderProtocolError: it answers with something else.
    """
    parts = urlsplit(service_url)
    path = parts.path.removesuffix(".asmx") + ".wsdl"
    address = f"{parts.scheme}://{parts.netloc}{path}"
    request = requests.Request("GET", address).prepare()
    timeout = (timeouts.connect_s, timeouts.read_s)
    try:
        # Not a session, which uses the proxies and credentials of the environment. A
        # redirect is not followed: it could lead away from the hosts that are allowed.
        with (
            closing(_VendorAdapter()) as adapter,
            adapter.send(request, stream=True, timeout=timeout) as response,
        ):
            body: bytes = response.raw.read(_MAX_BYTES, decode_content=True)
    except (requests.RequestException, HTTPError) as error:
        raise ProviderUnavailableError(
            f"{parts.hostname} does not hand out its description."
        ) from error
    if response.status_code != HTTPStatus.OK:
        raise ProviderProtocolError(
            f"{parts.hostname} has no description (HTTP {response.status_code})."
        )
    return body.lstrip()


def check(body: bytes) -> None:
    """Validate a service description.

    Raises:
        ProviderProtocolError: with what is missing.
    """
    root = _parse(body)
    if root.tag != f"{_WSDL}definitions" or root.get("targetNamespace") != NAMESPACE:
        raise ProviderProtocolError("This is no description of Autotask's API 1.6.")
    offered = {
        operation.get("name")
        for operation in root.iterfind(f"{_WSDL}portType/{_WSDL}operation")
    }
    if missing := sorted(OPERATIONS - offered):
        raise ProviderProtocolError(
            f"The description lacks the operations {', '.join(missing)}."
        )


def save(directory: Path, release: str, body: bytes) -> ServiceRelease:
    """Keep a fetched description; a reader sees all of it or none.

    Raises:
        ConfigurationError: the release is not a number, or the file cannot be written.
    """
    path = directory / f"atws-1.6-{release}.wsdl"
    if _FILE.fullmatch(path.name) is None:
        raise ConfigurationError("The zone's release is not of the form 1.6.9.")
    draft = path.with_suffix(".part")
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.write_bytes(body)
        # Atomic: serving processes may read the directory at any time.
        draft.replace(path)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written: {error.strerror}."
        ) from error
    return ServiceRelease(path.name, release)


def contract(body: bytes) -> Iterator[str]:
    """Yield what a description promises, a line each, to be compared.

    `operation query`, `Account` and `Account.AccountName: anyType`.
    """
    root = _parse(body)
    for operation in root.iterfind(f"{_WSDL}portType/{_WSDL}operation"):
        yield f"operation {operation.get('name')}"
    for kind in root.iter(f"{_XSD}complexType"):
        name = kind.get("name")
        if name is None:
            continue
        yield name
        for member in kind.iter(f"{_XSD}element"):
            wanted = (member.get("type") or "anyType").rpartition(":")[2]
            yield f"{name}.{member.get('name')}: {wanted}"


def _parse(body: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=True, load_dtd=False
    )
    try:
        root = etree.fromstring(body.lstrip(), parser)
    except etree.XMLSyntaxError as error:
        raise ProviderProtocolError("This is no XML document.") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise ProviderProtocolError("The description has a DTD, which is refused.")
    return root
