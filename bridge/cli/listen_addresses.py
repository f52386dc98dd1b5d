"""Listen addresses of commands: the type of port options, and a check before binding.

A server whose port is taken retries for seconds and writes it to its log. After a check
it is one line with the fix. The check releases the address at once.
"""

from __future__ import annotations

import errno
import socket

import click

from bridge.errors import OperatorError

PORT = click.IntRange(0, 65_535)
"""The type of options that name a port; 0 is any free one."""


def check_address(host: str, port: int, *, option: str = "--port") -> None:
    """Refuse an address that cannot be bound.

    Args:
        host: an address or name of this machine; IPv6 without brackets.
        port: 0 for any.
        option: the option of the port, for the message.

    Raises:
        OperatorError: names the cause and the fix.
    """
    if not host:
        raise OperatorError("--host is empty: give an address, 0.0.0.0 for all.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # As the server does: connections in TIME_WAIT do not block the address.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, UnicodeError) as error:
        number = error.errno if isinstance(error, OSError) else None
        raise OperatorError(explain_address(host, port, option, number)) from error


def join_address(host: str, port: int) -> str:
    """Return host and port as in a URL, IPv6 in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def explain_address(host: str, port: int, option: str, number: int | None) -> str:
    """Return why an address cannot be bound, and the fix.

    Args:
        host: as in `check_address`.
        port: as in `check_address`.
        option: as in `check_address`.
        number: `errno` of the failed bind.
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
        f"{host} is not an address of this machine: give --host one of its own, "
        "127.0.0.1 for itself alone, or 0.0.0.0 for all."
    )
