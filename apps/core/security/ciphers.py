"""Encryption at rest: Fernet (AES-128-CBC with HMAC), keyed from the installation's secret."""

from __future__ import annotations

import base64
from functools import cache

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def cipher_for(purpose: str) -> Fernet:
    """The cipher for one purpose; what another purpose's encrypted, it cannot read."""
    return _derive(settings.SECRET_KEY, purpose)


@cache
def _derive(secret: str, purpose: str) -> Fernet:
    key = HKDF(SHA256(), length=32, salt=None, info=purpose.encode())
    return Fernet(base64.urlsafe_b64encode(key.derive(secret.encode())))
