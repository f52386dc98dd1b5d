"""Which addresses a callback may lead to."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.outbound.addresses import OutboundPolicy, is_public, policy_of
from bridge.settings import Settings

REFUSED = [
    "0.0.0.0",  # noqa: S104 - nothing is bound
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.7",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "2606:4700::1%eth0",
]
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.0.1",
    "172.32.0.1",
    "192.0.1.1",
    "198.20.0.1",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
    "2001:4860:4860::8888",
]


@pytest.mark.parametrize("address", REFUSED)
def test_special_address_is_refused(address):
    assert not is_public(ip_address(address))
    assert not OutboundPolicy().allows(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_address_is_allowed(address):
    assert OutboundPolicy().allows(ip_address(address))


@given(st.ip_addresses())
def test_what_the_standard_library_calls_special_is_refused(address):
    special = (
        not address.is_global
        or address.is_multicast
        or address.is_loopback
        or address.is_link_local
        or address.is_reserved
    )

    assert not (special and is_public(address))


@given(st.ip_addresses(v=4))
def test_ipv4_address_inside_an_ipv6_address_is_refused(address):
    number = int(address)
    for embedding in (
        number,
        0xFFFF << 32 | number,
        (0x64FF9B << 96) | number,
        (0x2002 << 112) | number << 80,
    ):
        assert not is_public(IPv6Address(embedding))


def test_allowed_networks_allow_what_is_in_them_and_nothing_else():
    policy = policy_of(
        Settings(callback_allowed_networks=("10.20.0.0/16", "fd12::/16", "::1/128"))
    )

    allowed = ["10.20.3.4", "fd12::1", "::1", "8.8.8.8"]
    refused = ["10.21.0.1", "127.0.0.1", "fd13::1", "::ffff:10.20.3.4"]
    assert [policy.allows(ip_address(address)) for address in allowed] == [True] * 4
    assert [policy.allows(ip_address(address)) for address in refused] == [False] * 4


def test_timeout_is_a_setting_and_nothing_is_allowed_by_default():
    assert policy_of(Settings()) == OutboundPolicy((), timeout_s=30.0)
    assert policy_of(Settings(callback_timeout_s=7)).timeout_s == 7


def test_networks_of_both_versions_are_compared_with_their_own():
    policy = OutboundPolicy((ip_network("0.0.0.0/0"),))

    assert policy.allows(IPv4Address("127.0.0.1"))
    assert not policy.allows(IPv6Address("::1"))
