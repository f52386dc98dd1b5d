"""Warnings about variables with old names, once for all processes of a command."""

from __future__ import annotations

import logging
import os

import click

from bridge.settings.environment import find_old_names

_log = logging.getLogger(__name__)


def echo_old_names() -> None:
    """Print one line with the new names on stderr, if old ones are set."""
    if text := " ".join(find_old_names(os.environ)):
        click.echo(text, err=True)


def log_old_names() -> None:
    """Log one line with the new names, if old ones are set."""
    if text := " ".join(find_old_names(os.environ)):
        _log.warning(text)
