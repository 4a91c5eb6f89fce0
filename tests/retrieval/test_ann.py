"""Vector indexes of large collections: built once, found again, never left behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from django.db import DataError, connection, transaction

from apps.chunking.models import Chunk
from apps.core.jobs import JobCancelled
from apps.core.models import Job, JobKind, JobState
from apps.documents.models import Collection, Document, DocumentVersion
from apps.retrieval.indexes.services import ensure_live_index
from apps.retrieval.models import AnnState, Embedding, FrequentTerm, Index, IndexState
from apps.retrieval.postings.services import add_postings
from apps.retrieval.search.first_stage import search
from apps.retrieval.search.query import SearchQuery
from apps.retrieval.vectors import ann
from apps.workspaces.models import Workspace
from apps.workspaces.services import create_workspace
from tests.factories import make_user
from tests.retrieval.helpers import (
    add_passages,
    add_version,
    make_collection,
    random_unit_vectors,
)
from workers.pipelines.vector_index import index_vectors, send_due

pytestmark = pytest.mark.django_db

CHUNKS = 400
PER_DOCUMENT = 4
KINDS = [("hnsw", "half"), ("hnsw", "full"), ("hnsw", "binary"), ("ivfflat", "half")]
TAGS = {"tenth": 10, "hundredth": 100}
WORDS = ["common", "often", "often rare", "common often", "seldom common"]


@pytest.fixture
def large(workspace: Workspace, settings: Any) -> Index:
    """An index of CHUNKS passages where 50 are already too many to be read one by one."""
    collection = make_collection(workspace)
    index = ensure_live_index(collection)
    vectors = iter(random_unit_vectors(CHUNKS, seed=5).tolist())
    for number in range(CHUNKS // PER_DOCUMENT):
        tags = [tag for tag, every in TAGS.items() if number % every == every // 2]
        version = add_version(collection, f"{number}.txt", [])
        Document.objects.filter(pk=version.document_id).update(current=version, tags=tags)
        first = number * PER_DOCUMENT
        texts = [f"{WORDS[n % 5]} word{n % 17} x{n}" for n in range(first, first + PER_DOCUMENT)]
        place = {"workspace": workspace, "version": version}
        chunks = Chunk.objects.bulk_create(
            Chunk(
                **place, profile=index.profile, position=n, text=text, start=100 * n,
                end=100 * n + len(text), first_page=1, last_page=1, num_tokens=4,
            )
            for n, text in enumerate(texts)
        )  # fmt: skip
        Embedding.objects.bulk_create(
            Embedding(**place, index=index, chunk=chunk, vector=next(vectors)) for chunk in chunks
        )
        DocumentVersion.objects.filter(pk=version.pk).update(num_chunks=PER_DOCUMENT)
        add_postings(version.pk, index=index)
    settings.EXACT_SCAN_CHUNKS = 50
    settle()
    return Index.objects.get(collection=collection)


def settle() -> None:
    """Check the foreign keys now: an index cannot be made while rows wait to be checked."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def run_jobs() -> int:
    """Do what the sweep finds to do; how many jobs that were."""
    send_due()
    waiting = list(Job.objects.filter(kind=JobKind.INDEX_VECTORS, state=JobState.QUEUED))
    for job in waiting:
        index_vectors(job)
        Job.objects.filter(pk=job.pk).update(state=JobState.SUCCEEDED)
    return len(waiting)


def choose(index: Index, kind: str, precision: str) -> None:
    Index.objects.filter(pk=index.pk).update(ann_kind=kind, precision=precision)


def find(collection: Collection, mode: Any, *, vector: Any = None, filters: str = "") -> list[int]:
    query = SearchQuery(
        collection.workspace_id, [collection.pk], "common often rare word3", limit=10, mode=mode,
        filters=filters, vector=vector,
    )  # fmt: skip
    return [hit.chunk_id for hit in search(query).hits]


def plan_by_index() -> None:
    """A thousand rows the planner would rather read one by one."""
    with connection.cursor() as cursor:
        cursor.execute("DISCARD PLANS")
        for setting in ("enable_seqscan", "enable_sort", "enable_bitmapscan"):
            cursor.execute(f"SET LOCAL {setting} = off")


@pytest.mark.parametrize(("kind", "precision"), KINDS)
def test_recall_at_every_selectivity(
    large: Index, settings: Any, kind: str, precision: str
) -> None:
    """Random vectors have no clusters: nothing is harder to find among."""
    choose(large, kind, precision)
    run_jobs()
    recalls = {}
    with transaction.atomic():
        plan_by_index()
        for filters in ("", "tag:tenth", "-tag:tenth", "tag:hundredth", "tag:nobody"):
            shares = []
            for vector in random_unit_vectors(10, seed=6):
                settings.EXACT_SCAN_CHUNKS = 10_000
                exact = find(large.collection, "vector", vector=vector, filters=filters)
                settings.EXACT_SCAN_CHUNKS = 50
                found = find(large.collection, "vector", vector=vector, filters=filters)
                assert len(found) == len(exact)
                shares.append(len(set(found) & set(exact)) / max(1, len(exact)))
            recalls[filters] = np.mean(shares)

    assert recalls.pop("tag:nobody") == 0
    assert min(recalls.values()) >= 0.97, recalls


def test_words_find_the_same_whether_counted_or_read(large: Index, settings: Any) -> None:
    def ask() -> dict[str, list[float]]:
        return {text: scores(large.collection, text) for text in ("", "tag:tenth", "-tag:tenth")}

    settings.EXACT_SCAN_CHUNKS = 10_000
    exact = ask()
    settings.EXACT_SCAN_CHUNKS = 50

    uncounted = ask()
    run_jobs()

    assert FrequentTerm.objects.filter(index=large, term="common", num_chunks=240).exists()
    assert all(exact.values())
    for filters, expected in exact.items():
        assert uncounted[filters] == pytest.approx(expected)
        # What is kept beside a word is single precision.
        assert scores(large.collection, filters) == pytest.approx(expected, rel=1e-4)


def scores(collection: Collection, filters: str) -> list[float]:
    """Of the ten best by words. Many passages have the same, so their order tells nothing."""
    query = SearchQuery(
        collection.workspace_id, [collection.pk], "common often rare word3", limit=10,
        mode="lexical", filters=filters,
    )  # fmt: skip
    return [hit.score for hit in search(query).hits]


@pytest.mark.parametrize("fusion", ["rrf", "weighted"])
@pytest.mark.parametrize("filters", ["", "tag:tenth", "-tag:tenth"])
def test_both_lists_make_the_same_of_a_large_index(
    large: Index, settings: Any, fusion: Any, filters: str
) -> None:
    """Ranks, scores, similarities and words are those of the search that reads everything."""
    run_jobs()
    vector = random_unit_vectors(1, seed=8)[0]
    # Each passage has a word of its own here, so that no two have the same score.
    text = " ".join(["common often word3", *(f"x{n}" for n in range(19, 40, 4))])
    query = SearchQuery(
        large.workspace_id, [large.collection_id], text, limit=6, candidates=20, fusion=fusion,
        filters=filters, vector=vector,
    )  # fmt: skip

    def ask() -> list[Any]:
        return search(query).hits

    with transaction.atomic():
        plan_by_index()
        found = ask()
    settings.EXACT_SCAN_CHUNKS = 10_000
    exact = {hit.chunk_id: hit for hit in ask()}

    assert [hit.score for hit in found] == pytest.approx(
        [hit.score for hit in exact.values()], rel=1e-3
    )
    known = [(hit, exact[hit.chunk_id]) for hit in found if hit.chunk_id in exact]
    assert len(known) >= 5  # the rest may share a score with another
    for ours, theirs in known:
        assert ours.matched_terms == theirs.matched_terms
        assert ours.vector_rank == theirs.vector_rank
        for name in ("similarity", "lexical_score"):
            one, other = getattr(ours, name), getattr(theirs, name)
            assert (one is None) == (other is None)
            assert (one or 0) == pytest.approx(other or 0, rel=1e-3)


def test_documents_that_are_still_being_read_do_not_pass_a_filter(large: Index) -> None:
    """However many they are, they have no passages that could be counted or found."""
    run_jobs()
    Document.objects.filter(collection=large.collection).update(current=None)

    assert find(large.collection, "lexical", filters="-tag:nobody") == []


def test_a_collection_that_is_small_again_is_read_whole(large: Index, settings: Any) -> None:
    """What a process remembers of it is only a guess."""
    run_jobs()
    before = find(large.collection, "lexical")
    settings.EXACT_SCAN_CHUNKS = 10_000

    found = search(
        SearchQuery(
            large.workspace_id, [large.collection_id], "common often rare word3", mode="lexical"
        )
    )

    assert before
    assert found.num_searched == CHUNKS
    assert found.hits[0].chunk_id in before


def test_a_vector_index_is_the_searchs_own(large: Index, other_workspace: Workspace) -> None:
    """The plan names the partial index, and nearer rows of others are not in it."""
    run_jobs()
    large.refresh_from_db()
    wanted = ann.wanted_vectors(large)
    assert wanted is not None
    crowd = make_collection(other_workspace)
    near = random_unit_vectors(60, seed=5)[:60]
    ids = add_passages(crowd, "crowd.txt", [f"crowd{n}" for n in range(60)])
    for chunk_id, vector in zip(ids, near, strict=True):
        Embedding.objects.filter(chunk_id=chunk_id).update(vector=vector.tolist())
    before = scans(wanted.name)

    with transaction.atomic():
        plan_by_index()
        found = find(large.collection, "vector", vector=near[0])

    assert len(found) == 10
    assert not set(found) & set(ids)
    assert scans(wanted.name) > before


def scans(name: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT coalesce(pg_stat_get_xact_numscans(to_regclass(%s)), 0)", [name])
        return int(cursor.fetchone()[0])


def test_the_job_does_its_work_once(large: Index) -> None:
    assert run_jobs() == 1
    large.refresh_from_db()
    assert (large.ann_state, large.ann_built) == (AnnState.READY, "hnsw half")
    assert large.terms_counted == CHUNKS

    assert run_jobs() == 0
    job = Job.objects.get(kind=JobKind.INDEX_VECTORS)
    index_vectors(job)

    assert len(ann.list_relations()) == 1


def test_another_precision_replaces_the_index(large: Index) -> None:
    run_jobs()
    choose(large, "hnsw", "binary")

    assert run_jobs() == 1

    assert list(ann.list_relations()) == [f"embedding_ann_{large.pk.hex}_hnsw_binary"]
    large.refresh_from_db()
    assert large.ann_built == "hnsw binary"


def test_a_deleted_index_leaves_nothing_behind(large: Index) -> None:
    run_jobs()
    assert ann.list_relations()

    large.delete()
    send_due()

    assert ann.list_relations() == {}
    assert not FrequentTerm.objects.exists()


@pytest.mark.parametrize(
    "change", [{"state": IndexState.RETIRED}, {"num_chunks": 20}], ids=["retired", "shrunk"]
)
def test_an_index_that_needs_none_loses_its_own(large: Index, change: dict[str, Any]) -> None:
    run_jobs()
    Index.objects.filter(pk=large.pk).update(**change)

    assert run_jobs() == 1

    assert ann.list_relations() == {}
    large.refresh_from_db()
    assert (large.ann_state, large.ann_built) == (AnnState.NONE, "")


def test_a_failed_build_is_told_and_tried_again_later(
    large: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise JobCancelled

    monkeypatch.setattr(ann, "build", fail)
    with pytest.raises(JobCancelled):
        run_jobs()
    large.refresh_from_db()
    assert large.ann_state == AnnState.FAILED
    assert ann.find_due() == []
    monkeypatch.undo()

    assert ann.retry() == 1
    assert [index.pk for index in ann.find_due()] == [large.pk]


def test_several_large_collections_are_searched_as_one(large: Index, settings: Any) -> None:
    second = make_collection(large.workspace, "Second")
    vectors = random_unit_vectors(60, seed=7)
    ids = add_passages(second, "second.txt", [f"common rare second{n}" for n in range(60)])
    for chunk_id, vector in zip(ids, vectors, strict=True):
        Embedding.objects.filter(chunk_id=chunk_id).update(vector=vector.tolist())
    small = make_collection(large.workspace, "Small")
    add_passages(small, "small.txt", ["common often rare word3 small"])
    settle()
    run_jobs()
    places = [large.collection_id, second.pk, small.pk]

    def ask(mode: Any) -> list[tuple[int, float]]:
        query = SearchQuery(
            large.workspace_id, places, "rare word3 small", limit=20, mode=mode, vector=vectors[7]
        )
        return [(hit.chunk_id, hit.score) for hit in search(query).hits]

    modes: list[Any] = ["lexical", "vector"]
    for mode in modes:
        settings.EXACT_SCAN_CHUNKS = 10_000
        exact = ask(mode)
        settings.EXACT_SCAN_CHUNKS = 50
        found = ask(mode)
        assert found[0][0] == exact[0][0]
        # Packed impacts go by the mean length of their own index.
        assert [s for _, s in found] == pytest.approx([s for _, s in exact], rel=1e-2)
    assert ask("vector")[0][0] == ids[7]
    assert len(ask("hybrid")) == 20


@pytest.fixture
def committed(transactional_db: None) -> Iterator[None]:
    yield
    for name in ann.list_relations():
        ann.drop(name)


@pytest.mark.django_db(transaction=True)
def test_a_build_that_broke_off_is_begun_again(committed: None, settings: Any) -> None:
    """Outside of a transaction, as in the worker: half of an index is none."""
    workspace = create_workspace("Acme", owner=make_user("owner@example.com"))
    collection = make_collection(workspace)
    ids = add_passages(collection, "a.txt", [f"apple{n}" for n in range(60)])
    settings.EXACT_SCAN_CHUNKS = 50
    index = Index.objects.get(collection=collection)
    job = Job.objects.create(
        workspace=workspace, kind=JobKind.INDEX_VECTORS, key=str(index.pk), state=JobState.RUNNING,
        worker="me", payload={"index_id": str(index.pk)},
    )  # fmt: skip
    Embedding.objects.filter(chunk_id=ids[0]).update(vector=[1.0, 2.0])
    with pytest.raises(DataError):
        index_vectors(job)
    index.refresh_from_db()
    assert index.ann_state == AnnState.FAILED
    assert list(ann.list_relations().values()) == [False]
    Embedding.objects.filter(chunk_id=ids[0]).update(vector=random_unit_vectors(1)[0].tolist())

    index_vectors(job)

    index.refresh_from_db()
    assert index.ann_state == AnnState.READY
    assert list(ann.list_relations().values()) == [True]
