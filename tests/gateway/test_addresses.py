"""Which addresses a model server may be on."""

from __future__ import annotations

from typing import Any

import pytest

from apps.gateway.addresses import AddressNotAllowedError, check_address

NEVER = [
    "169.254.169.254", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254", "224.0.0.1", "ff02::1",
    "0.0.0.0", "::", "192.0.0.192", "fd00:ec2::254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::",
    "100.100.100.200",
]  # fmt: skip
PRIVATE = [
    "127.0.0.1",
    "::1",
    "10.1.2.3",
    "172.16.0.9",
    "192.168.1.5",
    "fd00::1",
    "::ffff:10.0.0.1",
    "100.64.0.1",
    "64:ff9b::10.0.0.1",
    "2002:a00:1::",
]
PUBLIC = ["8.8.8.8", "2606:4700:4700::1111"]


@pytest.mark.parametrize("address", NEVER)
@pytest.mark.parametrize("allow_private", [True, False])
def test_where_clouds_keep_their_credentials_is_never_allowed(
    address: str, allow_private: bool, settings: Any
) -> None:
    settings.ALLOW_PRIVATE_ENDPOINTS = allow_private

    with pytest.raises(AddressNotAllowedError, match="never allowed"):
        check_address(address, 443)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_for_the_installation_to_decide(address: str, settings: Any) -> None:
    settings.ALLOW_PRIVATE_ENDPOINTS = True
    check_address(address, 8000)

    settings.ALLOW_PRIVATE_ENDPOINTS = False
    with pytest.raises(AddressNotAllowedError, match="private network"):
        check_address(address, 8000)


@pytest.mark.parametrize("address", PUBLIC)
@pytest.mark.parametrize("allow_private", [True, False])
def test_public_addresses_are_allowed(address: str, allow_private: bool, settings: Any) -> None:
    settings.ALLOW_PRIVATE_ENDPOINTS = allow_private

    check_address(address, 443)


def test_the_socket_is_made_for_the_address_that_was_checked(settings: Any) -> None:
    """A name may answer otherwise the next time; what is checked is what is connected to."""
    import socket

    from inference.http_session import AddressRefusedError, _make_socket_factory

    make = _make_socket_factory(check_address)
    with pytest.raises(AddressRefusedError):
        make((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.0.192", 80)))
    made = make((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80)))
    made.close()
