"""Labels of a document in front of its passages: embedded, indexed, shown, and kept up to date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from django.test import Client

from apps.chunking.models import Chunk
from apps.core.embedder import get_embedder
from apps.core.models import Job, JobKind
from apps.documents.labels import label_document
from apps.documents.models import Collection, Document
from apps.retrieval.indexes.invariants import check_index
from apps.retrieval.models import Embedding, Index, IndexState
from apps.retrieval.passages.labels import MAX_CHARS, write_labels
from apps.retrieval.passages.relabel import relabel_document
from apps.retrieval.search.first_stage import search
from apps.retrieval.search.query import SearchQuery
from apps.workspaces.models import Workspace
from apps.workspaces.services import Actor
from tests.factories import ApiClient
from tests.workers.helpers import make_collection, run_all, upload

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def collection(workspace: Workspace) -> Collection:
    """One document with labels, in an index that does not embed them yet."""
    made = make_collection(workspace)
    upload(made, name="travel_rules.md")
    run_all()
    document = Document.objects.get()
    label_document(
        document, tags=["Zurich"], metadata={"team": "finance"},
        source_date=dt.date(2026, 3, 1), actor=Actor(),
    )  # fmt: skip
    return made


def build(api: ApiClient, collection: Collection, **values: Any) -> Index:
    body = {"goes_live": True, **values}
    answer = api.post_json(f"/api/v1/collections/{collection.pk}/indexes/", body)
    assert answer.status_code == 201, answer.content
    run_all()
    return Index.objects.get(state=IndexState.LIVE)


def found(collection: Collection, text: str) -> list[str]:
    query = SearchQuery(collection.workspace_id, [collection.pk], text, mode="lexical")
    return [hit.text for hit in search(query).hits]


def test_labels_in_one_line() -> None:
    line = write_labels(
        ["date", "metadata", "tags", "name"], name="travel_rules.v2.pdf", tags=["zurich", "hr"],
        metadata={"team": "finance", "area": "emea"}, date=dt.date(2026, 3, 1),
    )  # fmt: skip
    assert line == "travel rules.v2; zurich, hr; area emea, team finance; 2026-03-01"
    assert write_labels(["tags"], name="a.md", tags=[], metadata={}, date=None) == ""
    long = write_labels(["name"], name="word " * 60, tags=[], metadata={}, date=None)
    assert MAX_CHARS - 5 < len(long) <= MAX_CHARS
    assert long.endswith("word")


def test_an_index_with_labels_finds_passages_by_them(
    api: ApiClient, collection: Collection
) -> None:
    assert found(collection, "zurich finance") == []

    index = build(api, collection, labels=["tags", "name", "metadata"])

    assert index.labels == ["name", "tags", "metadata"]
    assert len(found(collection, "zurich finance")) == Chunk.objects.count()
    chunk = Chunk.objects.order_by("position").first()
    assert chunk is not None
    line = "travel rules; zurich; team finance"
    expected = f"{line}\n{chunk.heading}\n{chunk.text}"
    vector = Embedding.objects.get(chunk=chunk, index=index).vector
    assert np.allclose(vector, get_embedder().encode([expected])[0], atol=1e-3)
    shown = api.get(f"/api/v1/passages/{chunk.pk}/").json()
    assert shown["embedded"] == expected == shown["indexed"]
    assert "zurich" not in shown["text"]
    listed = api.get(f"/api/v1/documents/{Document.objects.get().pk}/passages/").json()["results"]
    assert listed[0]["embedded"] == expected
    assert check_index(index).is_sound


def test_a_change_of_labels_is_followed(api: ApiClient, collection: Collection) -> None:
    index = build(api, collection, labels=["tags"])
    document = Document.objects.get()
    path = f"/api/v1/documents/{document.pk}/"

    assert api.patch_json(path, {"tags": ["Geneva"]}).status_code == 200
    assert Job.objects.filter(kind=JobKind.REINDEX_PASSAGES, payload__labels=True).count() == 1
    run_all()

    assert found(collection, "zurich") == []
    assert len(found(collection, "geneva")) == Chunk.objects.count()
    chunk = Chunk.objects.order_by("position").first()
    assert chunk is not None
    vector = Embedding.objects.get(chunk=chunk, index=index).vector
    text = f"geneva\n{chunk.heading}\n{chunk.text}"
    assert np.allclose(vector, get_embedder().encode([text])[0], atol=1e-3)
    index.refresh_from_db()
    assert check_index(index).is_sound
    # What changes nothing queues nothing.
    api.patch_json(path, {"tags": ["geneva"]})
    assert Job.objects.filter(kind=JobKind.REINDEX_PASSAGES).count() == 1


def test_without_an_index_that_embeds_labels_nothing_is_queued(collection: Collection) -> None:
    label_document(Document.objects.get(), tags=["other"], actor=Actor())

    assert not Job.objects.filter(kind=JobKind.REINDEX_PASSAGES).exists()


def test_an_index_that_is_being_built_takes_the_document_in_with_its_new_labels(
    api: ApiClient, collection: Collection
) -> None:
    live = Index.objects.get()
    building = Index.objects.create(
        workspace_id=collection.workspace_id, collection=collection, profile=live.profile,
        embedding_model=live.embedding_model, state=IndexState.BUILDING, labels=["tags"],
    )  # fmt: skip
    document = Document.objects.get()
    chunk = Chunk.objects.earliest("pk")
    stored = Embedding.objects.get(chunk=chunk, index=live)
    Embedding.objects.create(
        workspace_id=collection.workspace_id, index=building, version_id=chunk.version_id,
        chunk=chunk, vector=stored.vector,
    )  # fmt: skip

    assert relabel_document(document.pk) == 0

    assert not Embedding.objects.filter(index=building).exists()
    assert Embedding.objects.filter(index=live).count() == Chunk.objects.count()
    assert check_index(building).postings == 0


def test_vectors_are_not_taken_from_an_index_with_other_labels(
    api: ApiClient, collection: Collection
) -> None:
    from apps.retrieval.indexes.coverage import reuse_vectors

    live = Index.objects.get()
    versions = list(Chunk.objects.values_list("version", flat=True).distinct())
    same, other = (
        Index.objects.create(
            workspace_id=collection.workspace_id, collection=collection, profile=live.profile,
            embedding_model=live.embedding_model, state=IndexState.BUILDING, labels=labels,
        )
        for labels in ([], ["tags"])
    )  # fmt: skip

    assert reuse_vectors(other, version_ids=versions) == 0
    assert reuse_vectors(same, version_ids=versions) == Chunk.objects.count()


def test_pages_say_what_stands_in_front(
    editor: Any, client_for: Callable[[Any], Client], api: ApiClient, collection: Collection
) -> None:
    client = client_for(editor)
    base = f"/w/{collection.workspace.slug}"
    page = f"{base}/collections/{collection.pk}/indexes/"
    assert "Headings only" in client.get(page).content.decode()
    live = Index.objects.get()

    client.post(
        page,
        {
            "profile": live.profile_id, "model": live.embedding_model, "vector_index": "hnsw",
            "precision": "half", "labels": ["tags", "date"], "goes_live": "on",
        },
    )  # fmt: skip
    run_all()

    assert "Tags, date" in client.get(page).content.decode()
    chunk = Chunk.objects.order_by("position").first()
    assert chunk is not None
    editor_page = client.get(f"{base}/passages/{chunk.pk}/").content.decode()
    assert "What is embedded and indexed" in editor_page
    assert "zurich; 2026-03-01" in editor_page
    searched = client.get(f"{base}/search/?query=zurich").content.decode()
    assert "with tags, date in front of passages" in searched
