"""Documents for retrieval tests, made with the services that the workers use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from django.db.models import Max

from apps.chunking.models import Chunk
from apps.chunking.services import split_version
from apps.core.embedder import get_embedder
from apps.documents.models import Collection, Document, DocumentVersion, Page
from apps.retrieval.indexes.services import (
    ensure_live_index,
    pending_chunks,
    publish_version,
    store_embeddings,
)
from apps.retrieval.models import Index
from apps.workspaces.models import Workspace
from inference.protocols import Vectors


def make_collection(workspace: Workspace, name: str = "Handbook") -> Collection:
    return Collection.objects.create(workspace=workspace, name=name)


def add_version(collection: Collection, name: str, pages: Sequence[str]) -> DocumentVersion:
    """A new version of the document of this name, parsed but nothing more."""
    document, _ = Document.objects.get_or_create(
        workspace_id=collection.workspace_id, collection=collection, name=name, deleted_at=None
    )
    last = document.versions.aggregate(last=Max("number"))["last"] or 0
    version = DocumentVersion.objects.create(
        workspace_id=collection.workspace_id, document=document, number=last + 1, filename=name
    )
    start = 0
    for number, text in enumerate(pages, 1):
        Page.objects.create(
            workspace_id=collection.workspace_id, version=version, number=number, text=text,
            start=start, end=start + len(text),
        )  # fmt: skip
        start += len(text) + 2
    return version


def embed(version: DocumentVersion, index: Index) -> None:
    pending = pending_chunks(index, version_ids=[version.pk], limit=10_000)
    vectors = get_embedder().encode([chunk.text for chunk in pending])
    store_embeddings(index, [chunk.chunk_id for chunk in pending], vectors)


def prepare(version: DocumentVersion) -> Index:
    """Passages and vectors, so that the version could be published."""
    index = ensure_live_index(version.document.collection)
    split_version(version, profile=index.profile)
    embed(version, index)
    return index


def add_document(collection: Collection, name: str, *pages: str) -> Document:
    """A document (or a new version of it) that can be found."""
    version = add_version(collection, name, pages)
    index = prepare(version)
    assert publish_version(version, index=index)
    return Document.objects.get(pk=version.document_id)


def add_passages(collection: Collection, name: str, texts: Sequence[str]) -> list[int]:
    """A document with exactly these passages; their ids."""
    version = add_version(collection, name, texts)
    index = ensure_live_index(collection)
    chunks = Chunk.objects.bulk_create(
        Chunk(
            workspace_id=collection.workspace_id, version=version, profile=index.profile,
            position=number, text=text, start=page.start, end=page.end, first_page=page.number,
            last_page=page.number, num_tokens=len(text.split()),
        )
        for number, (text, page) in enumerate(
            zip(texts, version.pages.order_by("number"), strict=True)
        )
    )  # fmt: skip
    embed(version, index)
    assert publish_version(version, index=index)
    return [chunk.pk for chunk in chunks]


def random_unit_vectors(count: int, *, seed: int = 1) -> Vectors:
    """Shape (count, 384)."""
    vectors = np.random.default_rng(seed).standard_normal((count, 384)).astype(np.float32)
    return cast(Vectors, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
