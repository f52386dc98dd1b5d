"""Which addresses a caller's URL may lead to (against server-side request forgery).

Public addresses, and the networks that the operator allows. The tables are our own,
because those of the standard library differ between versions of Python and leave out
multicast and addresses that embed others.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import TypeAlias

from bridge.settings import Settings

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_SPECIAL_IPV4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # shared between carriers and customers
            "127.0.0.0/8",  # loopback
            "169.254.0.0/16",  # link-local, and the metadata of cloud machines
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",  # private
            "198.18.0.0/15",  # benchmarking
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and broadcast
            "168.63.129.16/32",  # the host agent of Azure's machines
        ),
    )
)
"""Source: IANA, IPv4 Special-Purpose Address Registry; Azure, "What is IP address
168.63.129.16"."""

_GLOBAL_IPV6 = IPv6Network("2000::/3")
"""All public addresses are in it; loopback, link-local, private, multicast and the
addresses that embed an IPv4 address (`::ffff:0:0/96`, NAT64 `64:ff9b::/96`) are not.
Source: IANA, IPv6 Address Space."""

_SPECIAL_IPV6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments, such as Teredo
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4, which embeds IPv4 addresses
            "3fff::/20",  # documentation
        ),
    )
)
"""Source: IANA, IPv6 Special-Purpose Address Registry."""


@dataclass(frozen=True, slots=True)
class OutboundPolicy:
    """Where requests may be sent, and how long one may take.

    Args:
        allowed_networks: besides public addresses. An address that embeds another
            counts as itself: `10.0.0.0/8` does not allow `::ffff:10.0.0.1`.
        timeout_s: for one request, from the name look-up to the end of the response.
    """

    allowed_networks: tuple[Network, ...] = ()
    timeout_s: float = 30.0

    def allows(self, address: Address) -> bool:
        """Return whether requests may be sent to an address."""
        return is_public(address) or any(
            address in network
            for network in self.allowed_networks
            if network.version == address.version
        )


def policy_of(settings: Settings) -> OutboundPolicy:
    """Return the policy that an installation's settings make."""
    return OutboundPolicy(
        allowed_networks=tuple(map(ip_network, settings.callback_allowed_networks)),
        timeout_s=settings.callback_timeout_s,
    )


def is_public(address: Address) -> bool:
    """Return whether anybody on the internet can have this address."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_IPV4)
    # An address with a scope, such as `fe80::1%eth0`, is valid on one machine only.
    if address.scope_id is not None or address not in _GLOBAL_IPV6:
        return False
    return not any(address in network for network in _SPECIAL_IPV6)
