"""What the facade adds to a call, over the bare SOAP exchange behind it.

Both go to the same simulator, in turn, over connections that stay open. The bare one
sends the envelope that the facade sends, and reads the answer without looking at it.
"""

from __future__ import annotations

import http.client
import statistics
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from bridge.backends.autotask_soap.encode import queryxml, requests
from bridge.backends.autotask_soap.encode.values import vendor_times
from bridge.backends.autotask_soap.request import Request, authorized
from bridge.ceql.ast import Operator, Predicate
from bridge.interfaces import Credentials, Field, FieldType

pytestmark = pytest.mark.perf

TIMES = vendor_times("America/New_York")
ID = Field("id", FieldType.LONG)
TEXTS = (
    "Address1 Address2 AlternatePhone1 AlternatePhone2 City Fax AccountNumber Phone "
    "PostalCode SICCode State StockMarket StockSymbol WebAddress TaxID "
    "AdditionalAddressInformation BillToAttention BillToAddress1 BillToAddress2 "
    "BillToCity BillToState BillToZipCode BillToAdditionalAddressInformation"
)
PAGE = 500
ZIPPED = "SOAP exchange, as the facade makes it"
PLAIN = "SOAP exchange, without gzip"
FACADE = "through the facade"
BATCH = 100
ROUNDS = {1: 300, PAGE: 40}


class Line:
    """One connection that stays open."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)

    def send(self, method: str, path: str, body=None, headers=None) -> bytes:
        self._connection.request(method, path, body, headers or {})
        answer = self._connection.getresponse()
        content = answer.read()
        assert answer.status == http.client.OK, content[:500]
        return content

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def vendor_line(demo):
    line = Line(demo["sandboxUrl"])
    yield line
    line.close()


@pytest.fixture
def facade_line(demo):
    line = Line(demo["baseUrl"])
    yield line
    line.close()


@pytest.fixture
def credentials(demo) -> Credentials:
    return Credentials(
        demo["username"],
        demo["password"],
        demo["sandboxUrl"],
        integration_code=demo["integrationCode"],
    )


@pytest.fixture
def full_page(vendor_line, credentials) -> None:
    """Make sure that the simulator holds a page of accounts with most fields set."""
    for batch in range(PAGE // BATCH):
        rows = [(requests.NEW, account(batch * BATCH + n)) for n in range(BATCH)]
        body = requests.write_request(
            "create", "Account", rows, credentials=credentials, times=TIMES
        )
        answer = post(vendor_line, authorized("create", body, credentials))
        assert answer.count(b"<Entity ") == BATCH, answer[:1000]


def account(number: int) -> dict[Field, str | int]:
    texts = {Field(name, FieldType.STRING): f"{number}" for name in TEXTS.split()}
    return {
        **texts,
        Field("AccountName", FieldType.STRING): f"Hollis & Sons {number}",
        Field("AccountType", FieldType.SHORT): 1,
        Field("OwnerResourceID", FieldType.INTEGER): 4,
    }


def post(line: Line, request: Request, *, zipped: bool = False) -> bytes:
    """Send a request of ours; ask for gzip as the facade does, or for plain text."""
    headers = request.headers()
    if not zipped:
        headers["Accept-Encoding"] = "identity"
    return line.send("POST", "/ATServices/1.6/atws.asmx", request.body, headers)


def get(line: Line, api, path: str) -> bytes:
    base = urlsplit(api.base_url).path
    return line.send(
        "GET", f"{base}/hubs/crm/{path}", headers={"Authorization": api.secrets}
    )


def query(where: Predicate | None, credentials: Credentials) -> Request:
    """Write the query that the facade sends for the same question."""
    document = queryxml.render("Account", where, after=None, times=TIMES)
    body = requests.query_request(document, credentials)
    return authorized("query", body, credentials, subject="Account")


def test_one_record(vendor_line, facade_line, credentials, api, table):
    request = query(Predicate(ID, Operator.EQUAL, (0,)), credentials)

    variants = {
        ZIPPED: lambda: post(vendor_line, request, zipped=True),
        PLAIN: lambda: post(vendor_line, request),
        FACADE: lambda: get(facade_line, api, "accounts/0"),
    }

    compare("one account by its id", 1, variants, table)


@pytest.mark.usefixtures("full_page")
def test_full_page(vendor_line, facade_line, credentials, api, table):
    request = query(None, credentials)

    variants = {
        ZIPPED: lambda: post(vendor_line, request, zipped=True),
        PLAIN: lambda: post(vendor_line, request),
        FACADE: lambda: get(facade_line, api, f"accounts?pageSize={PAGE}"),
    }

    compare(f"the first {PAGE} accounts", PAGE, variants, table)


def compare(
    what: str,
    count: int,
    variants: dict[str, Callable[[], bytes]],
    table: Callable[..., None],
) -> None:
    """Send all in turn, round after round; print what the facade adds to each."""
    answers = {name: variant() for name, variant in variants.items()}
    assert answers[PLAIN].count(b"<Entity ") == count
    assert answers[FACADE].count(b'"id":') == count
    took: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(ROUNDS[count]):
        for name, variant in variants.items():
            start = time.perf_counter()
            variant()
            took[name].append((time.perf_counter() - start) * 1000)
    facade = statistics.median(took[FACADE])
    table(
        f"Latency of {what}, {ROUNDS[count]} rounds",
        ("", "p50 ms", "p95 ms", "facade adds ms", "bytes"),
        *(
            (
                name,
                f"{statistics.median(times):.2f}",
                f"{statistics.quantiles(times, n=20)[-1]:.2f}",
                f"{facade - statistics.median(times):.2f}",
                f"{len(answers[name]):,}",
            )
            for name, times in took.items()
        ),
    )
