"""Free ports, and ports that refuse connections."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST = 20_000


def find_free_port() -> int:
    """Return a free port below the range of the kernel's ephemeral ports."""
    first_given = int(_RANGE.read_text().split()[0])
    while True:
        port = _LOWEST + secrets.randbelow(first_given - _LOWEST)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port


@contextmanager
def closed_port() -> Iterator[int]:
    """Yield a port that refuses connections and cannot be taken meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
