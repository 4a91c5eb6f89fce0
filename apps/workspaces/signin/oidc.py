"""The OpenID Connect providers that people may sign in through, from OIDC_PROVIDERS."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

from config.env import ConfigError

ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider. `id` is part of the address it sends people back to, so it stays as it is."""

    id: str
    name: str
    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    groups_claim: str = "groups"
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    trust_email: bool = False
    """Whether its addresses count as verified although it does not say so (`email_verified`)."""

    @property
    def origin(self) -> tuple[str, int]:
        """Host and port of the issuer, the only private address that sign-in connects to."""
        parts = urlsplit(self.issuer)
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def parse_providers(text: str) -> list[Provider]:
    """Providers of a JSON list of objects with the names of Provider's fields.

    Raises ConfigError, which never repeats a secret.
    """
    try:
        rows = json.loads(text or "[]")
    except ValueError:
        raise ConfigError("OIDC_PROVIDERS is not valid JSON.") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ConfigError("OIDC_PROVIDERS must be a JSON list of objects.")
    providers = [_parse(row) for row in rows]
    if len({provider.id for provider in providers}) != len(providers):
        raise ConfigError("OIDC_PROVIDERS: two providers have the same id.")
    return providers


def _parse(row: dict[str, Any]) -> Provider:
    known = {item.name: item for item in fields(Provider)}
    if unknown := set(row) - set(known):
        raise ConfigError(f"OIDC_PROVIDERS: unknown: {', '.join(sorted(unknown))}.")
    for name in ("id", "name", "issuer", "client_id"):
        if not isinstance(row.get(name), str) or not row[name].strip():
            raise ConfigError(f"OIDC_PROVIDERS: each provider needs {name}, a text.")
    if not ID.fullmatch(row["id"]):
        raise ConfigError("OIDC_PROVIDERS: an id has small letters, digits and - only.")
    parts = urlsplit(row["issuer"])
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ConfigError("OIDC_PROVIDERS: an issuer is an address such as https://id.example.com")
    if not isinstance(row.get("trust_email", False), bool):
        raise ConfigError("OIDC_PROVIDERS: trust_email is true or false.")
    scopes = row.get("scopes", ["openid", "profile", "email"])
    if not isinstance(scopes, list) or "openid" not in scopes:
        raise ConfigError("OIDC_PROVIDERS: scopes is a list with openid in it.")
    return Provider(**{**row, "issuer": row["issuer"].rstrip("/"), "scopes": tuple(scopes)})
