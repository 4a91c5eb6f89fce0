"""Where addresses lead. The function is tested; nothing is connected to."""

from __future__ import annotations

import ipaddress

import pytest

from apps.core.security.addresses import Reach, reach_of

NEVER = [
    "0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.170.2", "192.0.0.192", "192.0.0.8",
    "168.63.129.16", "100.100.100.200", "192.88.99.1", "224.0.0.1", "239.255.255.250",
    "240.0.0.1", "255.255.255.255", "::", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
    "fd00:ec2::254", "fd20:ce::254", "64:ff9b:1::a9fe:a9fe", "64:ff9b:1:fffe::1", "100::1",
    # IPv4 inside IPv6
    "::ffff:169.254.169.254", "::ffff:0:0", "::169.254.169.254", "64:ff9b::169.254.169.254",
    "64:ff9b::192.0.0.192", "2002:a9fe:a9fe::", "2002:c000:c0::1", "2002:e000:1::",
    "2001:0:a9fe:a9fe::1", "2001:0:808:808:0:0:5601:5601",  # Teredo: its server, its client
    "2606:4700::5efe:169.254.169.254", "::ffff:0:169.254.169.254",
]  # fmt: skip
PRIVATE = [
    "127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "100.64.0.1", "100.127.255.255", "198.18.0.1", "192.0.2.1", "198.51.100.1", "203.0.113.1",
    "::1", "fc00::1", "fd12:3456::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:100.64.0.1", "::127.0.0.1", "::10.0.0.1", "64:ff9b::10.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::100.64.0.1", "2002:7f00:1::", "2002:a00:1::1",
    "2001:0:7f00:1::f7f7:f7f7", "2606:4700::200:5efe:10.0.0.1",
]  # fmt: skip
PUBLIC = [
    "8.8.8.8", "1.1.1.1", "172.32.0.1", "100.63.255.255", "100.128.0.1", "168.63.129.17",
    "2606:4700::1111", "2a00:1450:4001::8a", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
    "2002:808:808::1",
]  # fmt: skip


@pytest.mark.parametrize("address", NEVER)
def test_what_is_never_reached(address: str) -> None:
    assert reach_of(address) is Reach.NEVER


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_private(address: str) -> None:
    assert reach_of(address) is Reach.PRIVATE


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public(address: str) -> None:
    assert reach_of(address) is Reach.PUBLIC


@pytest.mark.parametrize("text", ["", "localhost", "1.2.3", "::1::", "0x7f.1"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        reach_of(text)


def test_every_way_to_wrap_a_private_address_is_private() -> None:
    inner = int(ipaddress.IPv4Address("10.20.30.40"))
    wrapped = [
        ipaddress.IPv6Address(0xFFFF << 32 | inner),
        ipaddress.IPv6Address(inner),
        ipaddress.IPv6Address(0x64_FF9B << 96 | inner),
        ipaddress.IPv6Address(0x2002 << 112 | inner << 80),
        ipaddress.IPv6Address(0x2001_0000 << 96 | inner << 64 | 0xF7F7_F7F7),
        ipaddress.IPv6Address(0x2001_0000 << 96 | 0x0808_0808 << 64 | (inner ^ 0xFFFF_FFFF)),
    ]
    assert {str(address): reach_of(str(address)) for address in wrapped} == {
        str(address): Reach.PRIVATE for address in wrapped
    }
