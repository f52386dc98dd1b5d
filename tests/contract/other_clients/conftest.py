"""SOAP clients that are not ours, on the vendor's own descriptions.

The simulator is of the generation that the descriptions are of.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
import suds
import suds.client
import suds.transport
import suds.transport.https
import zeep
import zeep.exceptions
from zeep import xsd
from zeep.transports import Transport

ROOT = Path(__file__).parents[3]
SPACES = {
    version: f"http://autotask.net/ATWS/v{version.replace('.', '_')}/"
    for version in ("1.5", "1.6")
}


@pytest.fixture(scope="session")
def early(tmp_path_factory):
    """What a running simulator of the first 1.6 says of itself."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "bridge", "sandbox", "--port", "0", "--json"),
            *("--generation", "1.6.0", "--limits", "generous"),
        ],
        stdout=subprocess.PIPE,
        cwd=tmp_path_factory.mktemp("early"),
        text=True,
    )
    with process:
        yield json.loads(process.stdout.readline())
        process.terminate()
        assert process.wait(120) == 0


@pytest.fixture(scope="session")
def descriptions(tmp_path_factory):
    """Return a function from a version to a file with the vendor's description."""
    folder = tmp_path_factory.mktemp("descriptions")

    def find(version: str) -> Path:
        source = ROOT.parent / "shared" / "wsdl" / f"atws-{version}.wsdl"
        if not source.exists():
            reason = (
                f"the vendor's description of {version} is not beside the repository"
            )
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
        target = folder / source.name
        # The archived files begin with a line break, which no parser accepts.
        target.write_bytes(source.read_bytes().lstrip())
        return target

    return find


class Refused(Exception):  # noqa: N818 - an outcome, not a mistake
    """A call that got no answer of its own kind: a `soap:Fault` or a web page."""


class Zeep:
    """zeep on one description."""

    def __init__(self, info, description, version, password=None):
        self.info, self.version, self.space = info, version, SPACES[version]
        self.session = requests.Session()
        self.session.auth = (info["username"], password or info["password"])
        self.client = zeep.Client(
            str(description), transport=Transport(session=self.session)
        )
        url = f"{info['sandboxUrl']}/ATServices/{version}/atws.asmx"
        self.service = self.client.create_service(f"{{{self.space}}}ATWSSoap", url)
        self.code = info["integrationCode"]

    def call(self, operation: str, *arguments: Any) -> Any:
        header = {"IntegrationCode": self.code, "PartnerID": None}
        if self.version == "1.6":
            header["ImpersonateAsResourceID"] = None
        lookup = operation == "getZoneInfo"
        options = {} if lookup else {"_soapheaders": {"AutotaskIntegrations": header}}
        try:
            return self.service[operation](*arguments, **options)
        except (zeep.exceptions.Error, requests.RequestException) as error:
            raise Refused(str(error)) from error

    def make(self, entity: str, **members: Any) -> Any:
        wrapped = {
            name: xsd.AnyObject(xsd.String(), value) if value == "" else value
            for name, value in members.items()
        }
        return self.client.get_type(f"{{{self.space}}}{entity}")(**wrapped)

    def entities(self, *records: Any) -> Any:
        return {"Entity": list(records)}

    def file(self, data: bytes, info: Any) -> Any:
        return self.make("Attachment", Data=data, Info=info)

    def data(self, attachment: Any) -> bytes:
        return attachment.Data


class Suds:
    """suds on one description; it leaves base64 to its caller."""

    def __init__(self, info, description, version, password=None):
        self.info, self.version = info, version
        url = f"{info['sandboxUrl']}/ATServices/{version}/atws.asmx"
        transport = suds.transport.https.HttpAuthenticated(
            username=info["username"], password=password or info["password"]
        )
        self.client = suds.client.Client(
            description.as_uri(), location=url, cache=None, transport=transport
        )
        self.code = info["integrationCode"]

    def call(self, operation: str, *arguments: Any) -> Any:
        header = self.client.factory.create("AutotaskIntegrations")
        header.IntegrationCode = self.code
        self.client.set_options(
            soapheaders=() if operation == "getZoneInfo" else header
        )
        try:
            return getattr(self.client.service, operation)(*arguments)
        except Exception as error:  # suds lets whatever happens inside it through
            raise Refused(str(error)) from error

    def make(self, entity: str, **members: Any) -> Any:
        made = self.client.factory.create(entity)
        for name in [name for name, _ in made]:
            setattr(made, name, members.get(name))
        return made

    def entities(self, *records: Any) -> Any:
        made = self.client.factory.create("ArrayOfEntity")
        made.Entity = list(records)
        return made

    def file(self, data: bytes, info: Any) -> Any:
        made = self.client.factory.create("Attachment")
        made.Data, made.Info = base64.b64encode(data).decode(), info
        return made

    def data(self, attachment: Any) -> bytes:
        return base64.b64decode(attachment.Data)


CLIENTS = {
    "suds on 1.6": (Suds, "1.6"),
    "zeep on 1.6": (Zeep, "1.6"),
    "zeep on 1.5": (Zeep, "1.5"),
}


@pytest.fixture(scope="session")
def refused():
    """What a client raises for an answer of another kind."""
    return Refused


@pytest.fixture(
    scope="session",
    params=[
        "zeep on 1.6",
        "zeep on 1.5",
        # A call takes suds seconds with descriptions of this size.
        pytest.param("suds on 1.6", marks=pytest.mark.campaign),
    ],
)
def connect(request, early, descriptions):
    """Return a function that makes the client under test."""
    kind, version = CLIENTS[request.param]
    description = descriptions(version)
    return lambda **options: kind(early, description, version, **options)


@pytest.fixture(scope="session")
def client(connect):
    return connect()


@pytest.fixture
def control(early):
    """Call a control path of the simulator; no fault waits before and after."""

    def call(method, path, document=None):
        url = f"{early['sandboxUrl']}/sandbox/{path}"
        answer = requests.request(method, url, json=document, timeout=120)
        answer.raise_for_status()
        return answer.json()

    call("DELETE", "faults")
    yield call
    call("DELETE", "faults")
