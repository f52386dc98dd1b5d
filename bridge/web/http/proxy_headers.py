"""The caller's address, scheme and host when a reverse proxy forwards the request.

`X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host` of a trusted proxy replace
what the connection shows. From any other peer they are dropped, because every client
can send them. Any header that only proxies send shows that the peer is not the caller.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from ipaddress import ip_address as parse_ip
from ipaddress import ip_network as parse_network
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

UNKNOWN_CALLER = "bridge.hidden_caller"
"""Set in the environment when a proxy sent the request and its caller is unknown.

The caller is known when a trusted proxy names it. A loopback address does not count: a
proxy reports that when another proxy of this machine is in front of it.
"""

_FORWARDING_HEADERS = (
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PREFIX",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_REAL_IP",
)
# Source: RFC 7239, 8586 and 9110; the manuals of nginx, Apache, HAProxy, Envoy, IIS,
# WebLogic, Cloudflare, Fastly, Akamai, Imperva, Azure, AWS, Google, Fly and Tailscale.
_PROXY_HEADER = re.compile(
    r"HTTP_(?:VIA|CDN_LOOP|MAX_FORWARDS|PROXY_.*|.*_PROXY_.*|.*FORWARDED.*"
    r"|(?:.*_)?(?:CLIENT|CONNECTING|CONNECTION|REAL|REMOTE|SOCKET|USER|PROXYUSER|CLUSTER)"
    r"_?(?:IP|IPV6|ADDR|ADDRESS)"
    r"|X_ORIGINAL_(?:HOST|URL|URI)|X_REWRITE_URL"
    r"|(?:CF|FASTLY|FLY|AKAMAI|TAILSCALE|X_ENVOY|X_ARR|X_AZURE|X_AMZN?|X_APPENGINE)_.*)"
)


class ProxyHeadersMiddleware:
    """WSGI middleware that replaces a trusted proxy's address with the caller's."""

    def __init__(self, app: WSGIApplication, trusted: Sequence[str]) -> None:
        self._app = app
        self._trusted = [parse_network(text) for text in trusted]

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Call the application with the caller's address, scheme and host."""
        headers = {
            name: environ.pop(name) for name in _FORWARDING_HEADERS if name in environ
        }
        if headers or any(map(_PROXY_HEADER.fullmatch, environ)):
            peer = read_address(environ.get("REMOTE_ADDR", ""))
            trusted = peer is not None and is_within(peer, self._trusted)
            if not trusted or not self._apply(environ, headers):
                environ[UNKNOWN_CALLER] = True
        return self._app(environ, start_response)

    def _apply(self, environ: WSGIEnvironment, headers: dict[str, str]) -> bool:
        """Apply the last value of each header; return whether the caller is known."""
        # Each proxy appends. Values before the last trusted one come from the caller,
        # who can write anything there.
        caller: Address | None = None
        for hop in reversed(headers.get("HTTP_X_FORWARDED_FOR", "").split(",")):
            address = read_address(hop)
            if address is None:
                break
            caller = address
            environ["REMOTE_ADDR"] = str(address)
            if not is_within(address, self._trusted):
                break
        scheme = _last(headers.get("HTTP_X_FORWARDED_PROTO", "")).lower()
        if scheme in {"http", "https"}:
            environ["wsgi.url_scheme"] = scheme
        if host := _last(headers.get("HTTP_X_FORWARDED_HOST", "")):
            environ["HTTP_HOST"] = host
        return caller is not None and not caller.is_loopback


def read_address(text: str) -> Address | None:
    """Parse an address with or without a port; None for anything else."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    # More colons than one: an IPv6 address, which has a port only after brackets.
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = parse_ip(text)
    except ValueError:
        return None
    # A dual-stack socket reports IPv4 peers as `::ffff:a.b.c.d`.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def is_within(address: Address, networks: Iterable[Network]) -> bool:
    """Return whether an address belongs to one of the networks."""
    return any(address in network for network in networks)


def _last(values: str) -> str:
    return values.rpartition(",")[2].strip()
