"""Embedding many documents together: nothing missing, nothing doubled, and the bad fail alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from django.db import OperationalError

from apps.chunking.models import Chunk
from apps.core.embedder import get_embedder
from apps.core.models import Job, JobKind, JobState
from apps.documents.models import Collection, DocumentVersion, VersionState
from apps.documents.services import cancel_document, delete_document
from apps.retrieval.indexes.publishing import publish_new
from apps.retrieval.indexes.services import publish_version, store_embeddings
from apps.retrieval.models import Embedding, Posting
from apps.workspaces.services import Actor
from tests.workers.helpers import make_collection, newest, run_all, upload
from tests.workers.test_ingest import check_whole
from workers.pipelines import embed
from workers.pipelines.versions import add_progress
from workers.runner import drain

pytestmark = pytest.mark.django_db(transaction=True)


def read_many(collection: Collection, count: int) -> list[DocumentVersion]:
    """Documents of two passages each, read and waiting to be embedded."""
    versions = []
    for number in range(count):
        text = f"# First {number}\n\nWords of {number}.\n\n# Second {number}\n\nMore {number}.\n"
        versions.append(upload(collection, text.encode(), f"{number}.md").version)
    drain(JobKind.PARSE_VERSION)
    return versions


def due_again() -> None:
    Job.objects.filter(state=JobState.QUEUED).update(available_at="2020-01-01T00:00:00Z")


def test_many_documents_share_the_embedders_batches(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = read_many(collection, 20)
    sizes: list[int] = []
    real = get_embedder().encode

    def encode(texts: Sequence[str]) -> Any:
        sizes.append(len(texts))
        return real(texts)

    monkeypatch.setattr(get_embedder(), "encode", encode)
    assert drain(JobKind.EMBED_VERSION) == 20
    assert len(sizes) < 20
    assert sum(sizes) == Chunk.objects.count()
    for version in versions:
        version.refresh_from_db()
        assert version.state == VersionState.READY
        check_whole(version)


def test_documents_of_two_workspaces_in_one_batch_keep_to_their_indexes(
    collection: Collection, other_workspace: Any
) -> None:
    mine = upload(collection).version
    theirs = upload(make_collection(other_workspace)).version
    run_all()
    for version in (mine, theirs):
        check_whole(version.__class__.objects.get(pk=version.pk))
        embeddings = Embedding.objects.filter(chunk__version=version)
        assert {row.workspace_id for row in embeddings} == {version.workspace_id}
        assert {row.index.collection_id for row in embeddings} == {version.document.collection_id}


def test_the_database_goes_away_in_the_middle(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = read_many(collection, 6)
    monkeypatch.setattr(embed, "GROUP_CHUNKS", 2)
    real, calls = store_embeddings, []

    def store(*args: Any, **kwargs: Any) -> int:
        calls.append(1)
        if len(calls) == 3:
            raise OperationalError("terminating connection")
        return real(*args, **kwargs)

    monkeypatch.setattr(embed, "store_embeddings", store)
    drain(JobKind.EMBED_VERSION)
    jobs = Job.objects.filter(kind=JobKind.EMBED_VERSION)
    assert not jobs.filter(state=JobState.RUNNING).exists()
    assert jobs.filter(state=JobState.QUEUED).exists()
    stored = Embedding.objects.count()
    assert 0 < stored < Chunk.objects.count()
    due_again()
    drain(JobKind.EMBED_VERSION)
    for version in versions:
        version.refresh_from_db()
        assert version.state == VersionState.READY
        check_whole(version)


class _Killed(BaseException):
    pass


def test_a_worker_killed_while_it_stores_vectors(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = read_many(collection, 5)
    monkeypatch.setattr(embed, "GROUP_CHUNKS", 2)
    monkeypatch.setattr(embed, "put_back", lambda job: None)
    real = store_embeddings
    embedded: list[int] = []

    def store(index: Any, chunk_ids: Sequence[int], vectors: Any) -> int:
        count = real(index, chunk_ids, vectors)
        embedded.extend(chunk_ids)
        if len(embedded) >= 4:
            raise _Killed
        return count

    monkeypatch.setattr(embed, "store_embeddings", store)
    with pytest.raises(_Killed):
        drain(JobKind.EMBED_VERSION)
    before = set(Embedding.objects.values_list("chunk_id", flat=True))
    assert before == set(embedded)
    Job.objects.filter(state=JobState.RUNNING).update(state=JobState.QUEUED)
    again: list[int] = []

    def watch(index: Any, chunk_ids: Sequence[int], vectors: Any) -> int:
        again.extend(chunk_ids)
        return real(index, chunk_ids, vectors)

    monkeypatch.setattr(embed, "store_embeddings", watch)
    drain(JobKind.EMBED_VERSION)
    assert not before & set(again)
    for version in versions:
        version.refresh_from_db()
        check_whole(version)


def test_one_document_that_cannot_be_published_fails_alone(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good, *_ = read_many(collection, 3)
    real = publish_version

    def publish(version: DocumentVersion, **kwargs: Any) -> bool:
        if version.pk == bad.pk:
            raise ZeroDivisionError
        return real(version, **kwargs)

    def publish_together(versions: Sequence[DocumentVersion], **_: Any) -> set[Any]:
        assert bad.pk in {version.pk for version in versions}
        raise ZeroDivisionError

    monkeypatch.setattr(embed, "publish_new", publish_together)
    monkeypatch.setattr(embed, "publish_version", publish)
    drain(JobKind.EMBED_VERSION)
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.state, good.state) == (VersionState.FAILED, VersionState.READY)


def test_new_documents_are_published_together_and_others_by_themselves(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    together: list[int] = []
    alone: list[Any] = []
    real_new, real = publish_new, publish_version

    def publish_together(versions: Sequence[DocumentVersion], *, index: Any) -> set[Any]:
        published = real_new(versions, index=index)
        together.append(len(published))
        return published

    def publish(version: DocumentVersion, **kwargs: Any) -> bool:
        alone.append(version.pk)
        return real(version, **kwargs)

    monkeypatch.setattr(embed, "publish_new", publish_together)
    monkeypatch.setattr(embed, "publish_version", publish)
    first = read_many(collection, 6)
    cancel_document(first[0].document, actor=Actor())
    delete_document(first[1].document, actor=Actor())
    drain(JobKind.EMBED_VERSION)
    assert (sum(together), alone) == (4, [])
    for version in first[2:]:
        check_whole(newest(version.document))
        assert newest(version.document).document.current_id == version.pk
    index = first[2].document.collection.indexes.get()
    posted = Posting.objects.values_list("chunk_id", "length").distinct()
    assert index.num_chunks == len(posted) == 8
    assert index.total_length == sum(length for _, length in posted)

    changed = upload(collection, b"# Changed\n\nOther words.\n", "2.md")
    run_all()
    assert alone == [changed.version.pk]
    check_whole(newest(changed.document))
    assert not Chunk.objects.filter(version=first[2]).exists()


def test_passages_that_the_model_fails_on_end_after_some_tries(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    (version,) = read_many(collection, 1)

    def encode(texts: Sequence[str]) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(get_embedder(), "encode", encode)
    for _ in range(embed.GROUP_ATTEMPTS - 1):
        with pytest.raises(ZeroDivisionError):
            drain(JobKind.EMBED_VERSION)
        due_again()
    drain(JobKind.EMBED_VERSION)
    version.refresh_from_db()
    assert version.state == VersionState.FAILED
    assert Job.objects.get(kind=JobKind.EMBED_VERSION).state == JobState.FAILED


def test_cancelled_and_deleted_documents_are_dropped(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancelled, deleted, kept = read_many(collection, 3)
    real = get_embedder().encode

    def encode(texts: Sequence[str]) -> Any:
        if cancel_document(cancelled.document, actor=Actor()):
            delete_document(deleted.document, actor=Actor())
        return real(texts)

    monkeypatch.setattr(get_embedder(), "encode", encode)
    run_all()
    cancelled.refresh_from_db()
    kept.refresh_from_db()
    assert (cancelled.state, kept.state) == (VersionState.CANCELLED, VersionState.READY)
    assert cancelled.document.current_id is None
    assert not DocumentVersion.objects.filter(pk=deleted.pk).exists()
    assert not Embedding.objects.filter(chunk__version=deleted.pk).exists()


def test_more_passages_than_are_loaded_at_once(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embed, "LOAD_CHUNKS", 3)
    monkeypatch.setattr(embed, "GROUP_CHUNKS", 2)
    text = "\n\n".join(f"# Part {number}\n\nWords of part {number}." for number in range(10))
    outcome = upload(collection, text.encode())
    run_all()
    version = newest(outcome.document)
    assert version.num_chunks >= 4
    assert version.state == VersionState.READY
    check_whole(version)


def test_progress_of_many_is_counted_at_once_and_never_beyond_the_end(
    collection: Collection,
) -> None:
    first, second, cancelled = read_many(collection, 3)
    cancel_document(cancelled.document, actor=Actor())
    add_progress({first.pk: 1, second.pk: 2, cancelled.pk: 1})
    add_progress({first.pk: 1, second.pk: 1})
    for version in (first, second, cancelled):
        version.refresh_from_db()
    assert [v.num_chunks for v in (first, second, cancelled)] == [2, 2, 2]
    assert [v.chunks_done for v in (first, second, cancelled)] == [2, 2, 0]


def test_passages_are_grouped_by_their_tokens(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embed, "GROUP_CHUNKS", 2)
    # By characters the second would go with the first, and the third with the fourth.
    for words in ("i " * 95, "i " * 25, "administration " * 20, "bus " * 90):
        upload(collection, f"# Words\n\n{words}".encode(), f"{words[:3]}{len(words)}.md")
    drain(JobKind.PARSE_VERSION)
    groups: list[list[str]] = []
    real = get_embedder().encode

    def encode(texts: Sequence[str]) -> Any:
        groups.append([text.split("\n")[-1][:3] for text in texts])
        return real(texts)

    monkeypatch.setattr(get_embedder(), "encode", encode)
    drain(JobKind.EMBED_VERSION)
    assert sorted(map(sorted, groups)) == [["adm", "i i"], ["bus", "i i"]]
