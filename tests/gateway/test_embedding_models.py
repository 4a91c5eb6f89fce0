"""The settings page and the API of embedding models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.gateway.embedding_models import MODELS
from apps.gateway.models import EmbeddingModel
from apps.workspaces.models import AuditEvent, Workspace
from inference.errors import ModelFilesError
from tests.embedding_server import EmbeddingServer, serve_embeddings
from tests.factories import ApiClient

pytestmark = pytest.mark.django_db
KEY = "very-secret-key-7"


@pytest.fixture
def server() -> Iterator[EmbeddingServer]:
    with serve_embeddings() as running:
        running.key = KEY
        yield running


@pytest.fixture
def client(owner: Any, client_for: Callable[[Any], Client]) -> Client:
    return client_for(owner)


def page(workspace: Workspace) -> str:
    return f"/w/{workspace.slug}/settings/embedding-models/"


def fields(server: EmbeddingServer, **values: str) -> dict[str, str]:
    return {"name": "Small", "base_url": server.base_url, "model": "m", "api_key": KEY, **values}


def test_an_owner_adds_tests_changes_and_deletes_a_server(
    client: Client, workspace: Workspace, server: EmbeddingServer
) -> None:
    assert client.post(page(workspace), fields(server)).status_code == 302
    row = EmbeddingModel.objects.get()
    assert (row.dimensions, row.check_ok) == (16, True)
    text = client.get(page(workspace)).content.decode()
    assert "Small" in text
    assert KEY not in text
    assert KEY.encode() not in bytes(row.api_key_encrypted)
    one = f"{page(workspace)}{row.pk}/"
    server.failures = [500]
    assert "Does not work" in client.post(f"{one}test/", HTTP_HX_REQUEST="true").content.decode()
    assert "Works" in client.post(f"{one}test/", HTTP_HX_REQUEST="true").content.decode()
    form = {"name": "Smaller", "base_url": server.base_url, "api_key": ""}
    assert client.post(one, form).status_code == 302
    assert "Works" in client.post(f"{one}test/", HTTP_HX_REQUEST="true").content.decode()
    assert client.post(f"{one}delete/").status_code == 302
    assert not EmbeddingModel.objects.exists()
    actions = AuditEvent.objects.filter(action__startswith="embedding_model.")
    assert actions.count() == 3


def test_what_does_not_answer_is_not_kept(
    client: Client, workspace: Workspace, server: EmbeddingServer
) -> None:
    response = client.post(page(workspace), fields(server, api_key="wrong"))
    assert response.status_code == 422
    assert "refused the API key" in response.content.decode()
    response = client.post(page(workspace), fields(server, base_url="ftp://x"))
    assert response.status_code == 422
    assert not EmbeddingModel.objects.exists()


def test_link_local_addresses_are_never_contacted(client: Client, workspace: Workspace) -> None:
    form = {"name": "x", "base_url": "http://169.254.169.254/v1", "model": "m"}
    response = client.post(page(workspace), form)
    assert response.status_code == 422
    assert "not one that may be contacted" in response.content.decode()


def test_only_owners_come_here(
    editor: Any, client_for: Callable[[Any], Client], workspace: Workspace
) -> None:
    assert client_for(editor).get(page(workspace)).status_code == 403


def test_the_same_over_rest(api: ApiClient, server: EmbeddingServer) -> None:
    path = "/api/v1/embedding-models/"
    made = api.post_json(path, fields(server))
    assert made.status_code == 201, made.content
    body = made.json()
    assert (body["dimensions"], body["has_api_key"]) == (16, True)
    assert body["embedding_model"] == f"model:{body['id']}"
    assert KEY not in made.content.decode()
    assert api.post_json(path, fields(server)).json()["code"] == "name_taken"
    assert api.post_json(path, {"name": "y"}).status_code == 400
    away = api.post_json(path, {"name": "z", "base_url": "http://127.0.0.1:9/v1", "model": "m"})
    assert away.json()["code"] == "model_does_not_answer"
    one = f"{path}{body['id']}/"
    assert api.patch_json(one, {"name": "Tiny"}).json()["name"] == "Tiny"
    assert api.post_json(f"{one}test/").json()["check_ok"] is True
    assert api.delete(one).status_code == 204
    assert api.get(path).json() == []


def test_a_stored_key_is_not_sent_to_another_server(
    client: Client, api: ApiClient, workspace: Workspace, server: EmbeddingServer
) -> None:
    row_id = api.post_json("/api/v1/embedding-models/", fields(server)).json()["id"]
    elsewhere = {"base_url": "http://127.0.0.1:9/v1"}

    refused = api.patch_json(f"/api/v1/embedding-models/{row_id}/", elsewhere)
    shown = client.post(f"{page(workspace)}{row_id}/", {"name": "Small", **elsewhere})

    assert (refused.status_code, set(refused.json()["errors"])) == (400, {"api_key"})
    assert shown.status_code == 422
    assert "the stored key is not sent there" in shown.content.decode()
    forgotten = {"name": "Small", "remove_key": "on", **elsewhere}
    shown = client.post(f"{page(workspace)}{row_id}/", forgotten, follow=True)
    assert "was saved, but it does not work" in shown.content.decode()
    row = EmbeddingModel.objects.get()
    assert (row.base_url, bytes(row.api_key_encrypted)) == (elsewhere["base_url"], b"")


def test_a_folder_is_offered_only_from_the_models_directory(
    api: ApiClient, settings: Any, tmp_path: Path
) -> None:
    settings.MODELS_DIR = tmp_path / "models"
    (tmp_path / "models" / "broken").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    for name in ("../elsewhere", "/etc", "nothing", "broken"):
        body = {"name": "x", "kind": "folder", "folder": name}
        refused = api.post_json("/api/v1/embedding-models/", body)
        assert refused.json()["code"] == "model_does_not_answer", name
    assert not EmbeddingModel.objects.exists()


def test_a_model_that_is_gone_says_so() -> None:
    for name in ("model:01890000-0000-7000-8000-000000000000", "model:x", "bert"):
        with pytest.raises(ModelFilesError, match="was deleted"):
            MODELS.open(name)
