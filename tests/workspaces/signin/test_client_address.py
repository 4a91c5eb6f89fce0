"""Whose address a request has, behind proxies that are named and others."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from django.test import RequestFactory

from apps.workspaces.signin.client_address import client_address
from config.env import ConfigError, env_networks


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # not one of ours: not believed
        ("10.0.0.2", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.2", "6.6.6.6, 198.51.100.1", "198.51.100.1"),  # what is further left is invented
        ("10.0.0.2", "6.6.6.6, 198.51.100.1, 10.0.0.7", "198.51.100.1"),
        ("10.0.0.2", "198.51.100.1:4711", "198.51.100.1"),
        ("10.0.0.2", "[2001:db8::7]:4711", "2001:db8::7"),
        ("10.0.0.2", "::ffff:198.51.100.1", "198.51.100.1"),
        ("::ffff:10.0.0.2", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.2", "198.51.100.1, unknown", "10.0.0.2"),
        ("10.0.0.2", "", "10.0.0.2"),
        ("10.0.0.2", "10.0.0.3, 10.0.0.4", "10.0.0.3"),
        ("", "198.51.100.1", ""),  # a Unix socket
    ],
)
def test_the_last_hop_that_is_not_ours(
    peer: str, forwarded: str, expected: str, settings: Any
) -> None:
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    headers = {"x-forwarded-for": forwarded} if forwarded else {}
    request = RequestFactory().get("/", REMOTE_ADDR=peer, headers=headers)

    assert client_address(request) == expected


def test_networks_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETS", "10.0.0.0/8, 2001:db8::/32,192.0.2.1")
    assert [str(net) for net in env_networks("NETS")] == [
        "10.0.0.0/8", "2001:db8::/32", "192.0.2.1/32",
    ]  # fmt: skip
    monkeypatch.setenv("NETS", "10.0.0.1/8")
    with pytest.raises(ConfigError, match="NETS must be networks"):
        env_networks("NETS")
