"""Credentials at rest: Fernet (AES-128-CBC with HMAC), keyed from the installation's secret."""

from __future__ import annotations

import base64
from functools import cache

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class CredentialError(Exception):
    """A stored credential cannot be read: the installation's secret key has changed."""


@cache
def _cipher(secret: str) -> Fernet:
    key = HKDF(SHA256(), length=32, salt=None, info=b"plumbline endpoint credentials")
    return Fernet(base64.urlsafe_b64encode(key.derive(secret.encode())))


def encrypt(text: str) -> bytes:
    """The text as ciphertext; an empty text stays empty."""
    return _cipher(settings.SECRET_KEY).encrypt(text.encode()) if text else b""


def decrypt(data: bytes) -> str:
    """The text behind a ciphertext. Raises CredentialError if another secret encrypted it."""
    if not data:
        return ""
    try:
        return _cipher(settings.SECRET_KEY).decrypt(bytes(data)).decode()
    except InvalidToken as error:
        raise CredentialError from error
