"""Which addresses a model endpoint may be on.

Model servers usually run on the same machine or network, so private addresses are allowed by
default. Link-local addresses are never allowed, because cloud machines hand out their own
credentials there.
"""

from __future__ import annotations

import ipaddress

from django.conf import settings


class AddressNotAllowedError(Exception):
    """The address is one that an endpoint may not use."""


def check_address(host_ip: str, port: int) -> None:
    """Raise AddressNotAllowedError if no connection may be made to this IP address."""
    address = ipaddress.ip_address(host_ip.split("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        raise AddressNotAllowedError("Link-local and multicast addresses are never allowed.")
    if settings.ALLOW_PRIVATE_ENDPOINTS:
        return
    if not address.is_global:
        raise AddressNotAllowedError("Addresses on a private network are not allowed here.")
