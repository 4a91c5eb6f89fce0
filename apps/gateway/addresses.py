"""Which addresses a model endpoint may be on.

Model servers usually run on the same machine or network, so private addresses are allowed by
default. Where cloud machines hand out their own credentials is never allowed.
"""

from __future__ import annotations

from django.conf import settings

from apps.core.security.addresses import Reach, reach_of


class AddressNotAllowedError(Exception):
    """The address is one that an endpoint may not use."""


def check_address(host_ip: str, port: int) -> None:
    """Raise AddressNotAllowedError if no connection may be made to this IP address."""
    reach = reach_of(host_ip)
    if reach is Reach.NEVER:
        raise AddressNotAllowedError("Link-local and multicast addresses are never allowed.")
    if reach is Reach.PRIVATE and not settings.ALLOW_PRIVATE_ENDPOINTS:
        raise AddressNotAllowedError("Addresses on a private network are not allowed here.")
