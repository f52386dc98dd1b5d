"""Which address to use for a zone look-up, and which addresses are allowed at all.

Every tenant is in a zone, which has a host of its own, and may be moved to another.
Users know the address that their browser shows after login, so every form of it leads
to a service with `getZoneInfo`, whose reply names the address for all other calls.
Source: SOAP help, zones; addresses seen in connectors' set-up pages.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urlsplit

from lxml import etree

from bridge.backends.autotask_soap.connections import port_of
from bridge.backends.autotask_soap.decode.answers import integer, members
from bridge.errors import (
    InvalidRequestError,
    ProviderCredentialsError,
    ProviderProtocolError,
)
from bridge.interfaces import Zone

SERVICE_PATH = "/ATServices/1.6/atws.asmx"
ANY_ZONE = f"https://webservices.autotask.net{SERVICE_PATH}"
"""Answers `getZoneInfo` for every tenant. Source: SOAP help, zones."""

_DOMAIN = "autotask.net"
_WEB_HOST = re.compile(r"ww(\d+)\.autotask\.net")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
_ANY_VERSION = re.compile(r"/atservices/1\.\d+/atws\.(?:asmx|wsdl)", re.IGNORECASE)
_WEB_PAGE = re.compile(r"/mvc(?:/|$)", re.IGNORECASE)
_ZONE_LIKE = re.compile(r"(?:https://)?[a-z0-9_-]+", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class HostPolicy:
    """Which addresses requests may be sent to (against server-side request forgery).

    Args:
        allowed_hosts: besides `*.autotask.net`; a host or `host:port` allows
            HTTPS there, `http://host:port` exactly that.
        allow_loopback: this machine, also without TLS.
    """

    allowed_hosts: tuple[str, ...] = ()
    allow_loopback: bool = False

    def allows(self, url: str) -> bool:
        """Whether requests may be sent to an address."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return False
        host = parts.hostname or ""
        if parts.scheme not in ("http", "https") or parts.username is not None:
            return False
        # With other characters two URL parsers may disagree on the host.
        if _HOST.fullmatch(f"[{host}]" if ":" in host else host) is None:
            return False
        if self.allow_loopback and _is_loopback(host):
            return True
        if parts.scheme == "https" and port in (None, 443) and _is_vendor(host):
            return True
        return any(_same_host(entry, parts) for entry in self.allowed_hosts)

    def describe(self) -> str:
        """Return the allowed addresses as text."""
        allowed = [f"https addresses under {_DOMAIN}", *self.allowed_hosts]
        if self.allow_loopback:
            allowed.append("this machine")
        return ", ".join(allowed)


def lookup_urls(server_url: str, policy: HostPolicy) -> tuple[str, ...]:
    """Return the addresses for a zone look-up, the best first.

    Accepts the address of the web application or of the service, with or without
    scheme, path and trailing slash, in any case. A host of the vendor's is followed by
    the host that knows every tenant, in case a zone was closed; another host's path,
    which may be a web page, by the usual path.

    Raises:
        InvalidRequestError: no address, or not an allowed one.
    """
    parts = _parse(server_url)
    host = parts.hostname or ""
    if _is_vendor(host):
        urls = tuple(dict.fromkeys((_vendor_url(host), ANY_ZONE)))
    else:
        base = f"{parts.scheme}://{parts.netloc.lower()}"
        paths = [_service_path(parts.path)]
        if not parts.path.lower().endswith((".asmx", ".wsdl")):
            paths.append(SERVICE_PATH)
        urls = tuple(dict.fromkeys(f"{base}{path}" for path in paths))
    if not policy.allows(urls[0]):
        raise InvalidRequestError(_explain_refusal(server_url, parts, policy))
    return urls


def read_zone(result: etree._Element, username: str, policy: HostPolicy) -> Zone:
    """Return the zone that a `getZoneInfo` result names.

    Raises:
        ProviderCredentialsError: the vendor does not know the user name.
        ProviderProtocolError: the answer names no usable address.
    """
    texts = members(result)
    url = texts.get("URL", "")
    error_code = integer(texts.get("ErrorCode"))
    if error_code < 0 or not url:
        raise ProviderCredentialsError(
            f"Autotask does not know the user name {username!r}: check its spelling"
            " and its part after the @ (API users have one of their own).",
            provider_message=f"getZoneInfo ErrorCode {error_code}",
        )
    if not policy.allows(url):
        raise ProviderProtocolError(
            f"The zone look-up answered with the address {_shown(urlsplit(url))},"
            f" which is not allowed; allowed are: {policy.describe()}."
        )
    return Zone(
        url=url,
        ci=integer(texts.get("CI")),
        web_url=texts.get("WebUrl", ""),
        database_type=texts.get("DataBaseType", ""),
    )


def _parse(server_url: str) -> SplitResult:
    text = server_url.strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        # The simulator on this machine has no TLS.
        if "://" not in text and _is_loopback(parts.hostname or ""):
            parts = parts._replace(scheme="http")
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.username is not None:
        raise InvalidRequestError(
            "The server URL is not an address: give the one your browser shows after"
            " login to Autotask, for example https://ww3.autotask.net."
        )
    return parts


def _explain_refusal(server_url: str, parts: SplitResult, policy: HostPolicy) -> str:
    host = parts.hostname or ""
    allowed = f"allowed are: {policy.describe()}."
    if _ZONE_LIKE.fullmatch(server_url.strip()) and host != "localhost":
        return (
            f"{host} is not a zone, which looks like webservices3 or ww3, and not an"
            f" allowed address; {allowed}"
        )
    text = f"The server URL {_shown(parts)} is not allowed; {allowed}"
    if _is_loopback(host) and not policy.allow_loopback:
        text += (
            " Addresses of this machine are allowed in a test installation by"
            " BRIDGE_AUTOTASK_ALLOW_LOOPBACK=true (autotask.allow_loopback)."
        )
    return text


def _vendor_url(host: str) -> str:
    """Return the service beside a web application, or of a service host itself."""
    if host in (_DOMAIN, f"www.{_DOMAIN}"):
        return ANY_ZONE
    web = _WEB_HOST.fullmatch(host)
    service = f"webservices{web[1]}.{_DOMAIN}" if web else host
    return f"https://{service}{SERVICE_PATH}"


def _service_path(path: str) -> str:
    if path in ("", "/") or _WEB_PAGE.match(path) or _ANY_VERSION.fullmatch(path):
        return SERVICE_PATH
    return quote(path, safe="/%:@!$&'()*+,;=~")


def _is_vendor(host: str) -> bool:
    return host == _DOMAIN or host.endswith(f".{_DOMAIN}")


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _same_host(entry: str, parts: SplitResult) -> bool:
    allowed = urlsplit(entry if "://" in entry else f"https://{entry}")
    return (
        allowed.scheme == parts.scheme
        and allowed.hostname == parts.hostname
        and port_of(allowed) == port_of(parts)
    )


def _shown(parts: SplitResult) -> str:
    """Return an address without anything that could be a secret."""
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        port = ""
    return f"{parts.scheme}://{shown}{port}"
