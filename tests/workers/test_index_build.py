"""Building an index beside the live one: whole, resumed, overtaken by new documents, swapped."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from apps.chunking.models import Chunk, ChunkingProfile
from apps.core.embedder import get_embedder, list_embedders
from apps.core.jobs import enqueue
from apps.core.models import Job, JobKind, JobState
from apps.documents.models import Collection, Document, DocumentVersion
from apps.documents.services import delete_document
from apps.retrieval import builds, coverage
from apps.retrieval.invariants import check_index
from apps.retrieval.models import Embedding, Index, IndexedVersion, IndexState, Posting
from apps.retrieval.search import SearchQuery, search
from apps.workspaces.services import Actor
from tests.workers.helpers import MARKDOWN, newest, run_all, upload
from workers.runner import drain

LONG = "\n\n".join(
    f"# Part {n}\n\nSubject {n} is explained here. It takes several sentences to do so. "
    f"The second of them speaks of item {n}, and at some length. Nothing else is said about it, "
    f"but that there is more to say about {n} than fits in here. Ask somebody who knows."
    for n in range(20)
)


def small_profile(collection: Collection, name: str = "Small") -> ChunkingProfile:
    return ChunkingProfile.objects.create(
        workspace_id=collection.workspace_id,
        name=name,
        splitter="recursive",
        params={"target": 12, "cap": 20, "overlap": 0},
    )


def start(collection: Collection, profile: ChunkingProfile | None = None, **values: Any) -> Index:
    return builds.start_build(
        collection,
        profile=profile or small_profile(collection),
        model=list_embedders(collection.workspace_id)[0],
        actor=Actor(),
        **values,
    )


def live_index(collection: Collection) -> Index:
    return Index.objects.get(collection=collection, state=IndexState.LIVE)


def job_of(index: Index) -> Job:
    return Job.objects.get(kind=JobKind.BUILD_INDEX, key=str(index.pk))


def ask(collection: Collection, text: str) -> list[str]:
    found = search(SearchQuery(collection.workspace_id, [collection.pk], text))
    return [hit.text for hit in found.hits]


def test_a_build_holds_everything_and_the_live_index_is_untouched(collection: Collection) -> None:
    upload(collection, MARKDOWN, "leave.md")
    upload(collection, LONG.encode(), "long.md")
    run_all()
    live = live_index(collection)
    before = check_index(live)
    index = start(collection)
    run_all()
    index.refresh_from_db()
    assert (index.state, index.stage) == (IndexState.BUILDING, "ready")
    assert index.ready_at is not None
    assert coverage.count_missing(index) == 0
    job = job_of(index)
    passages = Chunk.objects.filter(profile=index.profile_id).count()
    assert (job.state, job.done, job.total) == (JobState.SUCCEEDED, passages, passages)
    assert passages > before.passages
    assert check_index(live) == before
    report = check_index(index)
    assert report.is_sound
    assert report.passages == passages == Embedding.objects.filter(index=index).count()


def test_a_swap_changes_what_is_found_and_a_roll_back_changes_it_back(
    collection: Collection,
) -> None:
    upload(collection, LONG.encode(), "long.md")
    run_all()
    old = live_index(collection)
    before = ask(collection, "Subject 7")[0]
    index = start(collection)
    run_all()
    assert builds.swap(index, actor=Actor())
    old.refresh_from_db()
    assert (index.state, old.state) == (IndexState.LIVE, IndexState.RETIRED)
    assert ask(collection, "Subject 7")[0] in before
    assert len(ask(collection, "Subject 7")[0]) < len(before)
    version = DocumentVersion.objects.get()
    assert version.num_chunks == Chunk.objects.filter(profile=index.profile_id).count()
    assert builds.swap(old, actor=Actor())
    index.refresh_from_db()
    assert (index.state, old.state) == (IndexState.RETIRED, IndexState.LIVE)
    assert ask(collection, "Subject 7")[0] == before
    assert check_index(old).is_sound
    assert check_index(index).is_sound
