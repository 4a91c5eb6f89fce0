"""Keys of model servers at rest: unreadable without the installation's secret."""

from __future__ import annotations

from typing import Any

import pytest

from apps.gateway.credentials import CredentialError, decrypt, encrypt
from apps.gateway.models import Endpoint
from apps.gateway.services import EndpointFields, save_endpoint
from apps.workspaces.models import Workspace
from apps.workspaces.services import Actor

SECRET = "sk-très-secret"


def test_a_key_is_read_back_and_stands_nowhere_in_its_ciphertext() -> None:
    stored = encrypt(SECRET)

    assert decrypt(stored) == SECRET
    assert decrypt(memoryview(stored).tobytes()) == SECRET
    assert SECRET.encode() not in stored


def test_the_same_key_is_encrypted_differently_each_time() -> None:
    assert encrypt(SECRET) != encrypt(SECRET)


def test_no_key_stays_no_key() -> None:
    assert encrypt("") == b""
    assert decrypt(b"") == ""


def test_another_secret_cannot_read_it(settings: Any) -> None:
    stored = encrypt(SECRET)
    settings.SECRET_KEY = "another installation's"

    with pytest.raises(CredentialError):
        decrypt(stored)


def test_a_changed_ciphertext_is_noticed() -> None:
    stored = bytearray(encrypt(SECRET))
    stored[20] ^= 1

    with pytest.raises(CredentialError):
        decrypt(bytes(stored))


@pytest.mark.django_db
def test_the_database_holds_no_key_in_the_clear(workspace: Workspace) -> None:
    fields = EndpointFields("House", "http://127.0.0.1:1/v1", "qwen", api_key=SECRET)
    endpoint = save_endpoint(workspace, fields=fields, actor=Actor())

    row = Endpoint.objects.filter(pk=endpoint.pk).values().get()
    assert SECRET not in str({**row, "api_key_encrypted": bytes(row["api_key_encrypted"])})
    assert decrypt(bytes(row["api_key_encrypted"])) == SECRET
