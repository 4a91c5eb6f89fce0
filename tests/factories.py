"""Rows for tests, made through the services that the product itself uses."""

from __future__ import annotations

from typing import Any

from django.test import Client

from apps.workspaces.keys.services import create_api_key
from apps.workspaces.models import ALL_SCOPES, Membership, User, Workspace
from apps.workspaces.services import Actor, create_user

PASSWORD = "correct horse battery"


class ApiClient(Client):
    """A client that sends and reads JSON and carries a key."""

    key: str

    def __init__(self, key: str) -> None:
        super().__init__(headers={"authorization": f"Bearer {key}"})
        self.key = key

    def post_json(self, path: str, data: Any = None) -> Any:
        return self.post(path, data or {}, content_type="application/json")

    def patch_json(self, path: str, data: Any) -> Any:
        return self.patch(path, data, content_type="application/json")


def make_user(email: str) -> User:
    return create_user(email, name=email.split("@")[0].title(), password=PASSWORD)


def make_member(workspace: Workspace, email: str, role: str) -> User:
    user = make_user(email)
    Membership.objects.create(workspace=workspace, user=user, role=role)
    return user


def make_api(workspace: Workspace, user: User, scopes: list[str] | None = None) -> ApiClient:
    allowed = ALL_SCOPES if scopes is None else scopes
    _, secret = create_api_key(workspace, name="test", actor=Actor(user=user), scopes=allowed)
    return ApiClient(secret)


def add_documents(workspace: Workspace, texts: dict[str, str], *, name: str = "Handbook") -> Any:
    """A collection with these Markdown texts, searchable at once; what the workers do, inline."""
    from apps.chunking.services import default_profile, split_version
    from apps.core.embedder import get_embedder
    from apps.documents.models import Collection, Document, DocumentVersion, Page, VersionState
    from apps.retrieval.indexes.services import (
        ensure_live_index,
        pending_chunks,
        publish_version,
        store_embeddings,
    )

    collection = Collection.objects.create(workspace=workspace, name=name)
    index = ensure_live_index(collection)
    for filename, text in texts.items():
        document = Document.objects.create(
            workspace=workspace, collection=collection, name=filename
        )
        version = DocumentVersion.objects.create(
            workspace=workspace, document=document, number=1, filename=filename,
            state=VersionState.PROCESSING, pages_total=1, pages_done=1,
        )  # fmt: skip
        Page.objects.create(
            workspace=workspace, version=version, number=1, text=text, start=0, end=len(text)
        )
        split_version(version, profile=default_profile(workspace))
        pending = pending_chunks(index, version_ids=[version.pk], limit=1000)
        vectors = get_embedder().encode([chunk.text for chunk in pending])
        store_embeddings(index, [chunk.chunk_id for chunk in pending], vectors)
        assert publish_version(version, index=index)
    return collection


def make_answering_assistant(
    workspace: Workspace, texts: dict[str, str], *, stub: Any = None
) -> Any:
    """An assistant over these texts that asks the stub server, or the built-in reader."""
    from apps.assistants.services import create_assistant
    from apps.gateway.services import EndpointFields, save_endpoint

    collection = add_documents(workspace, texts)
    endpoint = None
    if stub is not None:
        fields = EndpointFields(name="Stub", base_url=stub.base_url, model="stub", api_key="k")
        endpoint = save_endpoint(workspace, fields=fields, actor=Actor())
    return create_assistant(
        workspace, name="Desk", collections=[collection], actor=Actor(), endpoint=endpoint
    )
