"""The server's certificate, reloaded after a renewal."""

from __future__ import annotations

import logging
import ssl
import threading
from pathlib import Path
from typing import TypeAlias

from bridge.errors import ConfigurationError

Stamp: TypeAlias = tuple[int, int]

_log = logging.getLogger(__name__)


class Certificates:
    """A certificate chain and its key, as PEM files. Thread-safe.

    Each new connection uses the files' current content. A renewal that is incomplete or
    invalid leaves the former certificate in use.

    Raises:
        ConfigurationError: the files cannot be used; names them and the reason.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        self.certificate = certificate
        self.key = key
        self._lock = threading.Lock()
        try:
            self._stamp = self._read_stamp()
            self._context = self._load()
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"TLS with certificate {certificate} and key {key}: {_reason(error)}."
            ) from error

    def context(self) -> ssl.SSLContext:
        """Return the context for a new connection."""
        with self._lock:
            try:
                stamp = self._read_stamp()
                if stamp != self._stamp:
                    self._context, self._stamp = self._load(), stamp
            except (OSError, ValueError) as error:
                _log.warning("the renewed certificate is not used: %s", _reason(error))
            return self._context

    def _load(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        # Without this argument OpenSSL prompts for the password of an encrypted key.
        context.load_cert_chain(self.certificate, self.key, password="")
        return context

    def _read_stamp(self) -> Stamp:
        return self.certificate.stat().st_mtime_ns, self.key.stat().st_mtime_ns


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "it is not a certificate with its key"
    return getattr(error, "strerror", None) or "the key is locked by a password"
