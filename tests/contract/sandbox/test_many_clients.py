"""64 concurrent clients: only queued faults happen, no write is lost."""

import base64
import http.client
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from campaign import sized
from lxml import etree

CLIENTS = 64
NAMESPACE = "http://autotask.net/ATWS/v1_6/"


class Line:
    """One client with a connection of its own."""

    def __init__(self, soap, number):
        self.soap, self.number = soap, number
        host = soap.url.removeprefix("http://")
        self.connection = http.client.HTTPConnection(host, timeout=120)
        login = base64.b64encode(f"{soap.username}:{soap.password}".encode()).decode()
        self.headers = {"Content-Type": "text/xml", "Authorization": f"Basic {login}"}

    def call(self, operation, inner):
        body = f'<{operation} xmlns="{NAMESPACE}">{inner}</{operation}>'
        data = self.soap.envelope(body).encode()
        self.connection.request("POST", "/ATServices/1.6/atws.asmx", data, self.headers)
        answer = self.connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content[:500]
        assert b"<ReturnCode>1<" in content, content[:1000]
        return etree.fromstring(content)

    def write(self, operation, number, count):
        entity = (
            f'<Entity xsi:type="Contact"><id>{number}</id><Active>1</Active>'
            f"<AccountID>0</AccountID><FirstName>C{self.number}</FirstName>"
            f"<LastName>Many</LastName><Extension>{count}</Extension></Entity>"
        )
        tree = self.call(operation, f"<Entities>{entity}</Entities>")
        return int(tree.findtext(f".//{{{NAMESPACE}}}Entity/{{{NAMESPACE}}}id"))

    def read(self, number):
        asked = (
            "&lt;queryxml&gt;&lt;entity&gt;Contact&lt;/entity&gt;&lt;query&gt;&lt;field"
            '&gt;id&lt;expression op="Equals"&gt;'
            f"{number}&lt;/expression&gt;&lt;/field&gt;&lt;/query&gt;&lt;/queryxml&gt;"
        )
        tree = self.call("query", f"<sXML>{asked}</sXML>")
        return tree.findtext(f".//{{{NAMESPACE}}}Extension")


def work(soap, number, start, seconds):
    """Create, change and read until the time is over; return counts by id."""
    line = Line(soap, number)
    written: dict[int, int] = {}
    start.wait()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        made = line.write("create", 0, 0)
        written[made] = 0
        for count in (1, 2):
            line.write("update", made, count)
            written[made] = count
        assert line.read(made) == "2"
    line.connection.close()
    return written


@pytest.mark.parametrize(
    "seconds",
    [3, pytest.param(sized(12, 60), marks=pytest.mark.campaign)],
)
def test_no_write_is_lost(fresh, seconds):
    start = threading.Barrier(CLIENTS)
    with ThreadPoolExecutor(CLIENTS) as pool:
        runs = [
            pool.submit(work, fresh, number, start, seconds)
            for number in range(CLIENTS)
        ]
        written = [run.result() for run in runs]

    ids = [number for counts in written for number in counts]
    assert all(written)
    assert len(set(ids)) == len(ids)
    line = Line(fresh, 0)
    for number, count in [item for counts in written for item in counts.items()][::25]:
        assert line.read(number) == str(count)
    line.connection.close()
    counts = fresh.session.get(f"{fresh.url}/sandbox/requests").json()["counts"]
    assert counts["create"] == {"Contact": len(ids)}
    assert counts["update"] == {"Contact": sum(sum(c.values()) for c in written)}
