"""Which address a request comes from, when proxies stand in between."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest

Address = IPv4Address | IPv6Address


def client_address(request: HttpRequest) -> str:
    """The sender's address: the last hop that is none of ours, or "" where there is none.

    `X-Forwarded-For` counts only if the peer is in TRUSTED_PROXIES. It is read from the right,
    where our own proxies write; what stands further left is the sender's to invent.
    """
    peer = _parse(request.META.get("REMOTE_ADDR", ""))
    if peer is None:
        return ""
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    last = peer
    while _is_trusted(last) and hops:
        hop = _parse(hops.pop())
        if hop is None:
            break
        last = hop
    return str(last)


def _is_trusted(address: Address) -> bool:
    return any(address in network for network in settings.TRUSTED_PROXIES)


def _parse(text: str) -> Address | None:
    """An address as proxies write it, with or without a port; None for what is none."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
