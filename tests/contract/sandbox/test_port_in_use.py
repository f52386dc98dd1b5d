"""A port that is taken between the look at it and its use."""

from __future__ import annotations

import socket

from click.testing import CliRunner

from bridge.cli import main
from bridge.cli.commands import sandbox


def test_a_port_that_another_program_takes_meanwhile_is_named(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(sandbox, "check_address", lambda *_: None)
        ended = CliRunner().invoke(main, ["sandbox", "--port", str(port)])

    assert ended.exit_code == 1
    assert ended.stderr == (
        f"Error: 127.0.0.1:{port} is in use: stop the program that listens there, or "
        "choose another --port; 0 takes a free one.\n"
    )
