"""Credentials at rest, and which server a stored one may be sent to."""

from __future__ import annotations

from urllib.parse import urlsplit

from cryptography.fernet import InvalidToken

from apps.core.security.ciphers import cipher_for

PURPOSE = "plumbline endpoint credentials"


class CredentialError(Exception):
    """A stored credential cannot be read: the installation's secret key has changed."""


class KeyNeededError(Exception):
    """The address leads to another server, which must not get the key that is stored."""

    def __init__(self) -> None:
        super().__init__(
            "This address leads to another server, and the stored key is not sent there. "
            "Enter the key of the new server, or have the stored one forgotten."
        )


def check_key_stays(stored: bytes, *, before: str, after: str) -> None:
    """Raise KeyNeededError if there is a stored key and the address has another server."""
    if stored and _server_of(before) != _server_of(after):
        raise KeyNeededError


def _server_of(base_url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port. An address that cannot be read is no other address's server."""
    parts = urlsplit(base_url.strip())
    try:
        port = parts.port
    except ValueError:
        return ("", base_url, None)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return (parts.scheme, (parts.hostname or "").rstrip("."), port or default)


def encrypt(text: str) -> bytes:
    """The text as ciphertext; an empty text stays empty."""
    return cipher_for(PURPOSE).encrypt(text.encode()) if text else b""


def decrypt(data: bytes) -> str:
    """The text behind a ciphertext. Raises CredentialError if another secret encrypted it."""
    if not data:
        return ""
    try:
        return cipher_for(PURPOSE).decrypt(bytes(data)).decode()
    except InvalidToken as error:
        raise CredentialError from error
