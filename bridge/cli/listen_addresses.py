"""Where a command is to listen: options, and a look whether the address can be had.

A server that finds its port taken tries for seconds and says so in its log. Looked at
first, it is one line with the cure. Nobody else's port is kept: it is let go at once.
"""

from __future__ import annotations

import errno
import socket

import click

from bridge.errors import OperatorError

PORT = click.IntRange(0, 65_535)
"""The type of options that name a port; 0 is any free one."""


def check_address(host: str, port: int, *, option: str = "--port") -> None:
    """Refuse an address that cannot be listened at.

    Args:
        host: an address or name of this machine; IPv6 without brackets.
        port: 0 for any.
        option: the one that names the port, for the message.

    Raises:
        OperatorError: names the cause and the cure.
    """
    if not host:
        raise OperatorError("--host is empty: give an address, 0.0.0.0 for all.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, UnicodeError) as error:
        number = error.errno if isinstance(error, OSError) else None
        raise OperatorError(explain_address(host, port, option, number)) from error


def join_address(host: str, port: int) -> str:
    """Return host and port as they stand in a URL, IPv6 in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def explain_address(host: str, port: int, option: str, number: int | None) -> str:
    """Return why an address cannot be listened at, and the cure.

    Args:
        host: as in `check_address`.
        port: the same.
        option: the same.
        number: the error number that binding ended with.
    """
    where = join_address(host, port)
    if number == errno.EADDRINUSE:
        return (
            f"{where} is in use: stop the program that listens there, or choose "
            f"another {option}; 0 takes a free one."
        )
    if number in {errno.EACCES, errno.EPERM}:
        return (
            f"{where} may not be used by this user: choose a {option} above 1023, or "
            "let a reverse proxy listen there."
        )
    return (
        f"{host} is no address of this machine: give --host one of its own, "
        "127.0.0.1 for itself alone, or 0.0.0.0 for all."
    )
