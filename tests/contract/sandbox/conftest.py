"""The real simulator in a subprocess, and a client that writes its SOAP by hand."""

import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from xml.sax.saxutils import escape

import pytest
import requests
from lxml import etree

NAMESPACE = "http://autotask.net/ATWS/v1_6/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
ENVELOPE = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"'
    f' xmlns:xsi="{XSI}" xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
    "<soap:Header>{header}</soap:Header><soap:Body>{body}</soap:Body></soap:Envelope>"
)


@dataclass
class Reply:
    """One HTTP response and the parts of its ATWSResponse."""

    http: requests.Response

    @property
    def tree(self):
        return etree.fromstring(self.http.content)

    def find_all(self, name):
        return self.tree.findall(f".//{{*}}{name}")

    def texts(self, name):
        return [element.text or "" for element in self.find_all(name)]

    @property
    def code(self):
        (text,) = self.texts("ReturnCode")
        return int(text)

    @property
    def errors(self):
        return self.texts("Message") if self.code == -1 else []

    @property
    def fault(self):
        return self.tree.findtext(".//faultstring")

    @property
    def ids(self):
        return [int(entity.findtext("{*}id")) for entity in self.find_all("Entity")]

    @property
    def entities(self):
        return [
            {etree.QName(child).localname: child.text or "" for child in entity}
            for entity in self.find_all("Entity")
        ]


@dataclass
class Soap:
    """Talks to the simulator as a very plain client would."""

    url: str
    username: str
    password: str
    code: str
    session: requests.Session = field(default_factory=requests.Session)
    namespace: str = NAMESPACE
    impersonated: int | None = None

    @property
    def old(self):
        """The same user, calling version 1.5."""
        return replace(self, namespace=NAMESPACE.replace("v1_6", "v1_5"))

    def acting_as(self, resource_id):
        return replace(self, impersonated=resource_id)

    @property
    def endpoint(self):
        version = "1.6" if "v1_6" in self.namespace else "1.5"
        return f"{self.url}/ATServices/{version}/atws.asmx"

    def envelope(self, body, *, code=None):
        code = self.code if code is None else code
        acting = self.impersonated
        more = (
            ""
            if acting is None
            else f"<ImpersonateAsResourceID>{acting}</ImpersonateAsResourceID>"
        )
        header = (
            f'<AutotaskIntegrations xmlns="{self.namespace}"><IntegrationCode>'
            f"{escape(code)}</IntegrationCode>{more}</AutotaskIntegrations>"
        )
        return ENVELOPE.format(header=header, body=body)

    def post(self, data, **options):
        options.setdefault("auth", (self.username, self.password))
        headers = {"Content-Type": "text/xml; charset=utf-8"}
        headers |= options.pop("headers", {})
        data = data.encode() if isinstance(data, str) else data
        endpoint = options.pop("endpoint", self.endpoint)
        return Reply(
            self.session.post(endpoint, data, headers=headers, timeout=120, **options)
        )

    def call(self, operation, inner="", **options):
        body = f'<{operation} xmlns="{self.namespace}">{inner}</{operation}>'
        code = options.pop("code", None)
        return self.post(self.envelope(body, code=code), **options)

    def query_text(self, document, **options):
        return self.call("query", f"<sXML>{escape(document)}</sXML>", **options)

    def query(self, entity, items, **options):
        document = (
            f"<queryxml><entity>{entity}</entity><query>{items}</query></queryxml>"
        )
        return self.query_text(document, **options)

    def write(self, operation, entity, *records, **options):
        entities = "".join(
            f'<Entity xsi:type="{entity}">{record}</Entity>' for record in records
        )
        return self.call(operation, f"<Entities>{entities}</Entities>", **options)

    def row(self, entity, record_id, tenant=""):
        path = f"{self.url}/sandbox/rows/{entity}/{record_id}"
        return self.session.get(path, params={"tenant": tenant} if tenant else {})

    def fields(self, entity, record_id):
        """Return a record's exact members, without the `<Entity>` around them."""
        text = self.row(entity, record_id).text
        return text.partition(">")[2].removesuffix("</Entity>")


@contextmanager
def start_sandbox(folder, *options):
    """Run a simulator; yield the line that it describes itself with."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bridge", "sandbox", "--port", "0", "--json", *options],
        stdout=subprocess.PIPE,
        cwd=folder,
        text=True,
    )
    with process:
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
        assert process.wait(60) == 0


def caller(info):
    """Return the shown user of a running simulator."""
    return Soap(
        info["sandboxUrl"], info["username"], info["password"], info["integrationCode"]
    )


@pytest.fixture(scope="session")
def sandbox_info(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sandbox")
    with start_sandbox(folder, "--limits", "generous") as info:
        yield info


@pytest.fixture(scope="session")
def soap(sandbox_info):
    client = caller(sandbox_info)
    with client.session:
        yield client


@pytest.fixture(scope="session")
def limited(tmp_path_factory):
    """The user of a simulator with the vendor's limits."""
    with start_sandbox(tmp_path_factory.mktemp("limited")) as info:
        client = caller(info)
        with client.session:
            yield client


@pytest.fixture(scope="session")
def early(tmp_path_factory):
    """The user of a simulator of the first 1.6."""
    folder = tmp_path_factory.mktemp("early")
    with start_sandbox(folder, "--generation", "1.6.0") as info:
        client = caller(info)
        with client.session:
            yield client


@pytest.fixture(scope="session")
def other_soap(soap):
    """The user of the second tenant."""
    client = Soap(
        soap.url,
        "api@foundrystreet.example",
        "Anvil-And-Tongs-41207",
        "FOUNDRYST3WX8PLQ6VJDGE9ZUBN",
    )
    with client.session:
        yield client


@pytest.fixture
def fresh(soap):
    """The simulator as it was at its start."""
    soap.session.post(f"{soap.url}/sandbox/reset").raise_for_status()
    soap.session.delete(f"{soap.url}/sandbox/requests").raise_for_status()
    return soap


@pytest.fixture
def steer(soap):
    """Call a control path; knobs, clock and faults are reset before and after."""

    def call(method, path, document=None):
        url = f"{soap.url}/sandbox/{path}"
        return soap.session.request(method, url, json=document, timeout=120)

    def calm():
        for path in ("knobs", "clock", "faults", "exchanges", "requests"):
            call("DELETE", path).raise_for_status()

    calm()
    yield call
    calm()


@pytest.fixture
def own_sandbox(tmp_path):
    """Run another simulator with some options; yield its user."""

    @contextmanager
    def run(*options):
        with start_sandbox(tmp_path, *options) as info:
            client = caller(info)
            with client.session:
                yield client

    return run
