"""OIDC_PROVIDERS, and which addresses sign-in connects to."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from apps.workspaces.signin.oidc import Provider, parse_providers
from apps.workspaces.signin.providers import may_connect, open_session
from config.env import ConfigError

ROW = '[{"id": "a", "name": "A", "issuer": "https://id.example.com/", "client_id": "c"%s}]'
SCOPES = ', "client_secret": "s3cret", "scopes": ["openid", "groups"]'
PLAIN = ROW % ""


def test_providers_are_read() -> None:
    [row] = parse_providers(ROW % SCOPES)

    assert (row.issuer, row.scopes, row.groups_claim) == (
        "https://id.example.com", ("openid", "groups"), "groups",
    )  # fmt: skip
    assert row.origin == ("id.example.com", 443)
    assert "s3cret" not in repr(row)
    assert parse_providers("") == parse_providers("[]") == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not valid JSON"),
        ("{}", "list of objects"),
        ("[1]", "list of objects"),
        ('[{"id": "a"}]', "needs name"),
        (ROW % ', "secret": "hush"', "unknown: secret"),
        (f"{PLAIN[:-1]}, {PLAIN[1:]}", "same id"),
        (PLAIN.replace("https://", "ftp://"), "issuer is an address"),
        (PLAIN.replace('"id": "a"', '"id": "A b"'), "small letters"),
        (ROW % ', "scopes": ["email"]', "openid in it"),
        (ROW % ', "trust_email": "yes"', "true or false"),
    ],
)
def test_what_is_wrong_is_said(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parse_providers(text)


@pytest.mark.parametrize(
    ("host", "port", "address", "allowed"),
    [
        ("sso.internal", 8443, "10.0.0.5", True),  # the issuer, as the administrator named it
        ("SSO.internal", 8443, "10.0.0.5", True),
        ("sso.internal", 443, "10.0.0.5", False),
        ("db.internal", 8443, "10.0.0.5", False),
        ("sso.internal", 8443, "169.254.169.254", False),
        ("sso.internal", 8443, "192.0.0.192", False),
        ("oauth.example.com", 443, "8.8.8.8", True),  # addresses for tokens may be elsewhere
        ("oauth.example.com", 443, "127.0.0.1", False),
        ("oauth.example.com", 443, "64:ff9b::7f00:1", False),
    ],
)
def test_a_provider_is_reached_only_as_it_was_named(
    host: str, port: int, address: str, allowed: bool, settings: Any
) -> None:
    issuer = "https://sso.internal:8443/realm"
    settings.OIDC_PROVIDERS = [Provider(id="a", name="A", issuer=issuer, client_id="c")]

    assert may_connect(host, port, address) is allowed


def test_the_session_connects_to_nothing_else(settings: Any, unused_tcp_port: int) -> None:
    settings.OIDC_PROVIDERS = []
    with open_session() as session, pytest.raises(requests.ConnectionError, match="may not be"):
        session.get(f"http://127.0.0.1:{unused_tcp_port}/")
