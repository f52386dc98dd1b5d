"""Print by how many KiB a process grows to decode a page: `peak_memory.py HOW PAGE`.

A process of its own, because the parsers keep their trees outside of Python's count.
The page is read as it would arrive, 64 KiB at a time, where the decoder can use that.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

import zeep
from lxml import etree

from bridge.backends.autotask_soap.decode.reply import ReplyDecoder
from bridge.backends.autotask_soap.encode.values import vendor_times
from bridge.interfaces import EntityType

CHUNK_BYTES = 1 << 16


def chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def parse(path: Path) -> None:
    etree.fromstring(path.read_bytes())


def decode(path: Path, *, keep: bool = True) -> None:
    read_time = vendor_times("America/New_York").reader(EntityType("Account"))
    decoder = ReplyDecoder(read_time)
    for chunk in chunks(path):
        decoder.feed(chunk)
        if not keep:
            decoder.take()
    decoder.close()


def decode_with_zeep(path: Path) -> Callable[[], object]:
    wsdl = resources.files("bridge.wsdl_cache") / "atws-1.6.wsdl"
    operation = zeep.Client(str(wsdl)).service._binding.get("query")
    return lambda: operation.process_reply(etree.fromstring(path.read_bytes()))


WAYS: dict[str, Callable[[Path], Callable[[], object]]] = {
    "bare libxml2 parse": lambda path: lambda: parse(path),
    "bridge, page kept": lambda path: lambda: decode(path),
    "bridge, taken as it comes": lambda path: lambda: decode(path, keep=False),
    "zeep": decode_with_zeep,
}


def kib(name: str) -> int:
    """Return one of the kernel's counts of this process's memory."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise LookupError(name)


if __name__ == "__main__":
    run = WAYS[sys.argv[1]](Path(sys.argv[2]))
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = kib("VmRSS")
    run()
    print(kib("VmHWM") - before)
