"""Which kind of network an IP address is on: one rule for all that we connect to for people.

Forms that carry an IPv4 address (mapped, compatible, translated, NAT64, 6to4, Teredo, ISATAP) are
judged by the address that they carry, because a gateway delivers there.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from enum import StrEnum

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class Reach(StrEnum):
    """Where an address leads."""

    PUBLIC = "public"
    PRIVATE = "private"
    """This machine, this network, or one that only its members can reach."""
    NEVER = "never"
    """Where clouds hand out credentials, everybody at once, or nobody."""


_NEVER = [
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",  # "this network": Linux connects to itself
        "169.254.0.0/16",  # link-local: metadata of nearly all clouds
        "192.0.0.0/24",  # protocol assignments, among them Oracle's metadata at 192.0.0.192
        "168.63.129.16/32",  # Azure's wire server, on a public-looking address
        "100.100.100.200/32",  # Alibaba's metadata
        "192.88.99.0/24",  # 6to4 relays
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "::/128",
        "100::/64",  # discard
        "64:ff9b:1::/48",  # NAT64 of one network: where the IPv4 address stands, only it knows
        "2001:20::/28",  # ORCHIDv2: names, no addresses
        "fd00:ec2::/32",  # Amazon's metadata
        "fd20:ce::/32",  # Google's metadata
        "fe80::/10",  # link-local
        "fec0::/10",  # site-local, given up
        "ff00::/8",  # multicast
    )
]
_CGNAT = ipaddress.ip_network("100.64.0.0/10")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")
_TRANSLATED = ipaddress.ip_network("::ffff:0:0:0/96")
_ISATAP = {0x0000_5EFE, 0x0200_5EFE}


def reach_of(text: str) -> Reach:
    """Where an IP address leads. Raises ValueError for what is none."""
    address = ipaddress.ip_address(text.partition("%")[0])
    reaches = {_judge(part) for part in (address, *_carried(address))}
    if Reach.NEVER in reaches:
        return Reach.NEVER
    return Reach.PRIVATE if Reach.PRIVATE in reaches else Reach.PUBLIC


def _judge(address: IPAddress) -> Reach:
    if any(address in network for network in _NEVER):
        return Reach.NEVER
    if isinstance(address, ipaddress.IPv6Address) and _is_wrapping(address):
        return Reach.PUBLIC  # what it carries decides
    if address in _CGNAT or not address.is_global or address.is_reserved:
        return Reach.PRIVATE
    return Reach.PUBLIC


def _is_wrapping(address: ipaddress.IPv6Address) -> bool:
    is_own = address == ipaddress.IPv6Address("::1")
    return not is_own and bool(
        address.ipv4_mapped
        or address.sixtofour
        or address.teredo
        or address in _NAT64
        or address in _COMPATIBLE
    )


def _carried(address: IPAddress) -> Iterator[IPAddress]:
    """The IPv4 addresses in an IPv6 address."""
    if isinstance(address, ipaddress.IPv4Address):
        return
    number = int(address)
    is_compatible = address in _COMPATIBLE and number > 1
    if address.ipv4_mapped or address in _NAT64 or address in _TRANSLATED or is_compatible:
        yield ipaddress.IPv4Address(number & 0xFFFF_FFFF)
    elif address.sixtofour:
        yield address.sixtofour
    elif address.teredo:
        yield from address.teredo
    if (number >> 32) & 0xFFFF_FFFF in _ISATAP:
        yield ipaddress.IPv4Address(number & 0xFFFF_FFFF)
