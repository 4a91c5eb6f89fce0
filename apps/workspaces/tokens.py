"""Secrets that are shown once: random, prefixed so that scanners know them, kept as a hash."""

from __future__ import annotations

import hashlib
import secrets

KEY_PREFIX = "plb_"


def make_key() -> str:
    """A new API key with 256 bits of randomness."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def make_token() -> str:
    """A new token for a link."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """SHA-256 in hex. No salt or stretching: the secrets are random, not chosen by people."""
    return hashlib.sha256(secret.encode()).hexdigest()
