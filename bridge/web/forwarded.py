"""Who really called, when a proxy stands between.

What a trusted proxy says in `X-Forwarded-For`, `X-Forwarded-Proto` and
`X-Forwarded-Host` takes the place of what the connection says; from anybody else
these headers are dropped, because anybody can write them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from ipaddress import ip_address as parse_ip
from ipaddress import ip_network as parse_network
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

HIDDEN = "bridge.hidden_caller"
"""Set in the environment when somebody unknown claims to speak for another."""

_CLAIMS = (
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PREFIX",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_REAL_IP",
)


class ForwardedCallers:
    """WSGI middleware that puts the caller in the place of a trusted proxy."""

    def __init__(self, app: WSGIApplication, trusted: Sequence[str]) -> None:
        self._app = app
        self._trusted = [parse_network(text) for text in trusted]

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Pass the call on as its real caller's."""
        claims = {name: environ.pop(name) for name in _CLAIMS if name in environ}
        if claims:
            if self._trusts(environ.get("REMOTE_ADDR", "")):
                self._believe(environ, claims)
            else:
                environ[HIDDEN] = True
        return self._app(environ, start_response)

    def _trusts(self, text: str) -> bool:
        address = read_address(text)
        return address is not None and is_within(address, self._trusted)

    def _believe(self, environ: WSGIEnvironment, claims: dict[str, str]) -> None:
        """Take over the last claim of each kind: the ones before it are hearsay."""
        for hop in reversed(claims.get("HTTP_X_FORWARDED_FOR", "").split(",")):
            address = read_address(hop)
            if address is None:
                break
            environ["REMOTE_ADDR"] = str(address)
            if not is_within(address, self._trusted):
                break
        scheme = _last(claims.get("HTTP_X_FORWARDED_PROTO", "")).lower()
        if scheme in {"http", "https"}:
            environ["wsgi.url_scheme"] = scheme
        if host := _last(claims.get("HTTP_X_FORWARDED_HOST", "")):
            environ["HTTP_HOST"] = host


def read_address(text: str) -> Address | None:
    """Return an address written with or without a port; None for anything else."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = parse_ip(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def is_within(address: Address, networks: Iterable[Network]) -> bool:
    """Tell whether an address belongs to one of the networks."""
    return any(address in network for network in networks)


def _last(values: str) -> str:
    return values.rpartition(",")[2].strip()
