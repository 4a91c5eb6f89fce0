"""What an index is made of: set when it is built or later, and shown in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.chunking.models import Chunk, ChunkingProfile
from apps.core.models import Job, JobKind, JobState
from apps.documents.models import Collection, DocumentVersion
from apps.retrieval.indexes import table_heads
from apps.retrieval.models import AnnState, Index, IndexState
from apps.retrieval.search.searched import forget_searched
from apps.workspaces.models import AuditEvent, Workspace
from tests.factories import ApiClient
from tests.workers.helpers import make_collection, run_all, upload

pytestmark = pytest.mark.django_db(transaction=True)
TABLE = b"| Zone | Sales |\n| --- | --- |\n| North | 10 |\n| South | 20 |\n"


@pytest.fixture
def collection(workspace: Workspace) -> Collection:
    made = make_collection(workspace)
    upload(made)
    upload(made, TABLE, "sales.md")
    run_all()
    return made


@pytest.fixture
def client(editor: Any, client_for: Callable[[Any], Client]) -> Client:
    return client_for(editor)


def page_of(collection: Collection) -> str:
    return f"/w/{collection.workspace.slug}/collections/{collection.pk}/indexes/"


def test_kind_and_precision_are_chosen_built_and_shown(
    client: Client, api: ApiClient, collection: Collection, settings: Any
) -> None:
    settings.EXACT_SCAN_CHUNKS = 1
    body = {"vector_index": "ivfflat", "precision": "full"}

    answer = api.post_json(f"/api/v1/collections/{collection.pk}/indexes/", body)

    made = answer.json()
    assert answer.status_code == 201, made
    assert (made["vector_index"], made["precision"]) == ("ivfflat", "full")
    assert made["vectors"] == "Compared one by one (exact)"
    run_all()
    new = Index.objects.get(pk=made["id"])
    assert new.state == IndexState.BUILDING
    compared = client.get(f"/w/{collection.workspace.slug}/indexes/{new.pk}/compare/")
    assert "vector index: Lists (IVFFlat), 32 bits" in compared.content.decode()
    assert "vector index: Graph (HNSW), 16 bits" in compared.content.decode()
    told = api.get(f"/api/v1/indexes/{new.pk}/comparison/?question=Leave").json()
    assert told["other_index"]["vector_index"] == "ivfflat"
    assert told["live_index"]["vector_index"] == "hnsw"


def test_the_vector_index_of_the_live_index_is_replaced(
    client: Client, collection: Collection, settings: Any
) -> None:
    settings.EXACT_SCAN_CHUNKS = 1
    live = Index.objects.get()
    path = f"/w/{collection.workspace.slug}/indexes/{live.pk}/vectors/"

    answer = client.post(
        path, {"live-vector_index": "ivfflat", "live-precision": "binary"}, follow=True
    )

    assert "The vector index is being built" in answer.content.decode()
    assert AuditEvent.objects.filter(action="index.vectors_changed").count() == 1
    run_all()
    live.refresh_from_db()
    assert (live.ann_state, live.ann_built) == (AnnState.READY, "ivfflat binary")
    text = client.get(page_of(collection)).content.decode()
    assert "Lists (IVFFlat), 1 bit, compared again by 16" in text
    forget_searched()
    searched = client.get(f"/w/{collection.workspace.slug}/search/?query=leave").content.decode()
    assert "Lists (IVFFlat), 1 bit, compared again by 16" in searched


def test_over_rest_a_small_index_keeps_the_choice_for_later(
    api: ApiClient, collection: Collection
) -> None:
    live = Index.objects.get()
    path = f"/api/v1/indexes/{live.pk}/"

    answer = api.patch_json(path, {"precision": "binary"})

    assert answer.status_code == 200
    body = answer.json()
    assert (body["vector_index"], body["precision"]) == ("hnsw", "binary")
    assert body["vectors"] == "Compared one by one (exact)"
    assert not Job.objects.filter(kind=JobKind.INDEX_VECTORS).exists()
    assert api.patch_json(path, {"precision": "2 bits"}).status_code == 400


def test_a_failed_vector_index_is_tried_again_when_it_is_changed(
    api: ApiClient, collection: Collection, settings: Any
) -> None:
    settings.EXACT_SCAN_CHUNKS = 1
    live = Index.objects.get()
    Index.objects.update(ann_state=AnnState.FAILED)

    answer = api.patch_json(f"/api/v1/indexes/{live.pk}/", {"vector_index": "ivfflat"})

    assert answer.status_code == 202
    run_all()
    live.refresh_from_db()
    assert (live.ann_state, live.ann_built) == (AnnState.READY, "ivfflat half")


def test_a_viewer_changes_nothing(
    viewer: Any, client_for: Callable[[Any], Client], collection: Collection
) -> None:
    live = Index.objects.get()
    onlooker = client_for(viewer)
    base = f"/w/{collection.workspace.slug}/indexes/{live.pk}/"

    choice = {"live-vector_index": "ivfflat", "live-precision": "full"}
    assert onlooker.post(f"{base}vectors/", choice).status_code == 403
    assert onlooker.post(f"{base}cut-anew/").status_code == 403
    assert "Change the vector index" not in onlooker.get(page_of(collection)).content.decode()
    live.refresh_from_db()
    assert (live.ann_kind, live.precision) == ("hnsw", "half")
    assert Index.objects.count() == 1


def make_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if everything had been cut before tables had heads."""
    since = timezone.now()
    before = since - dt.timedelta(days=1)
    ChunkingProfile.objects.update(created_at=before)
    DocumentVersion.objects.update(created_at=before)
    Chunk.objects.update(table_head=None)
    monkeypatch.setattr(table_heads, "heads_since", lambda: since)


def test_old_tables_are_named_and_cut_again(
    client: Client, api: ApiClient, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = Index.objects.get()
    assert "Cut all documents again" not in client.get(page_of(collection)).content.decode()
    make_old(monkeypatch)
    text = client.get(page_of(collection)).content.decode()
    assert "Some tables here were cut before" in text
    assert api.get(f"/api/v1/indexes/{live.pk}/").json()["lacks_table_heads"] is True

    assert client.post(f"/w/{collection.workspace.slug}/indexes/{live.pk}/cut-anew/").status_code
    run_all()

    new = Index.objects.get(state=IndexState.LIVE)
    assert new.pk != live.pk
    assert new.profile.name == f"{live.profile.name} (2)"
    assert (new.profile.splitter, new.profile.params) == (
        live.profile.splitter, live.profile.params,
    )  # fmt: skip
    rows = Chunk.objects.filter(profile=new.profile, text__contains="North")
    assert list(rows.values_list("table_head", flat=True)) == [""]
    assert "Cut all documents again" not in client.get(page_of(collection)).content.decode()
    assert Job.objects.filter(kind=JobKind.BUILD_INDEX, state=JobState.SUCCEEDED).count() == 1


def test_cutting_anew_over_rest_waits_for_another_build(
    api: ApiClient, collection: Collection
) -> None:
    live = Index.objects.get()
    path = f"/api/v1/indexes/{live.pk}/cut-anew/"

    assert api.post(path).status_code == 201
    assert api.post(path).status_code == 409
    assert ChunkingProfile.objects.filter(name__endswith="(2)").count() == 1
    assert not ChunkingProfile.objects.filter(name__endswith="(3)").exists()
