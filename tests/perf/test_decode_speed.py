"""Decode a page of accounts, against zeep and against parsers that keep nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from xml.parsers import expat

import pytest
import zeep
from lxml import etree
from zeep.helpers import serialize_object

from bridge.backends.autotask_soap.decode.reply import ReplyDecoder
from bridge.backends.autotask_soap.encode.values import vendor_times
from bridge.interfaces import EntityType
from bridge.web.http.responses import to_json

pytestmark = pytest.mark.perf

CHUNK_BYTES = 1 << 16
PEAK_MEMORY = Path(__file__).with_name("peak_memory.py")


def decode(body: bytes, *, limit: int = 500) -> list:
    read_time = vendor_times("America/New_York").reader(EntityType("Account"))
    decoder = ReplyDecoder(read_time, limit=limit)
    for start in range(0, len(body), CHUNK_BYTES):
        decoder.feed(body[start : start + CHUNK_BYTES])
    decoder.close()
    return decoder.take()


def parse_with_expat(body: bytes) -> None:
    expat.ParserCreate().Parse(body, True)  # noqa: FBT003 - the last chunk


@pytest.fixture(scope="module")
def zeep_decode() -> Callable[[bytes], object]:
    """What a plain zeep script does with a reply, up to Python values."""
    wsdl = resources.files("bridge.wsdl_cache") / "atws-1.6.wsdl"
    operation = zeep.Client(str(wsdl)).service._binding.get("query")
    return lambda body: serialize_object(
        operation.process_reply(etree.fromstring(body)), dict
    )


@pytest.mark.parametrize("count", [500, 25, 1])
def test_decode(account_page, medians, table, zeep_decode, count):
    body = account_page(count)
    irregular = body.replace(b"</id>", b"</id> ")
    variants = {
        "bare libxml2 parse": lambda: etree.fromstring(body),
        "bare expat parse": lambda: parse_with_expat(body),
        "bridge": lambda: decode(body),
        "bridge, to JSON bytes": lambda: to_json(decode(body)),
        "bridge, no entity regular": lambda: decode(irregular),
        "bridge, 25 wanted": lambda: decode(body, limit=25),
        "zeep": lambda: zeep_decode(body),
        "zeep, to JSON bytes": lambda: json.dumps(zeep_decode(body), default=str),
    }
    assert len(decode(body)) == count
    assert decode(irregular) == decode(body)

    ms = medians(variants, repeat=max(1, 100 // count))

    parse, script = ms["bare libxml2 parse"], ms["zeep, to JSON bytes"]
    table(
        f"Decode a reply of {count} accounts, {len(body):,} bytes",
        ("", "ms", "x libxml2 parse", "zeep to JSON takes"),
        *(
            (name, f"{took:.3f}", f"{took / parse:.2f}", f"{script / took:.1f} x")
            for name, took in ms.items()
        ),
    )


@pytest.mark.skipif(sys.platform != "linux", reason="reads the kernel's own counts")
def test_memory(account_page, table, tmp_path):
    page = tmp_path / "page.xml"
    page.write_bytes(account_page(500))
    ways = (
        "bare libxml2 parse",
        "bridge, page kept",
        "bridge, taken as it comes",
        "zeep",
    )

    grown = {
        way: int(subprocess.check_output([sys.executable, PEAK_MEMORY, way, page]))
        for way in ways
    }

    table(
        "Memory to decode 500 accounts: growth of a process's peak",
        ("", "MiB", "x zeep"),
        *(
            (way, f"{kib / 1024:.1f}", f"{kib / grown['zeep']:.2f}")
            for way, kib in grown.items()
        ),
    )
