"""Building an index beside the live one: whole, resumed, overtaken by new documents, swapped."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from apps.chunking.models import Chunk, ChunkingProfile
from apps.core.embedder import get_embedder, list_embedders
from apps.core.models import Job, JobKind, JobState
from apps.documents.models import Collection, Document, DocumentVersion
from apps.documents.services import delete_document
from apps.retrieval.indexes import builds, coverage
from apps.retrieval.indexes.invariants import check_index
from apps.retrieval.models import Embedding, Index, IndexedVersion, IndexState, Posting
from apps.retrieval.search.first_stage import search
from apps.retrieval.search.query import SearchQuery
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


def test_the_newest_index_wins_for_a_document_that_was_read_before_the_swap(
    collection: Collection,
) -> None:
    upload(collection, LONG.encode(), "long.md")
    run_all()
    index = start(collection)
    run_all()
    late = upload(collection, LONG.replace("Subject", "Topic").encode(), "late.md").version
    drain(JobKind.PARSE_VERSION)  # cut as the index wants that is live at this moment
    assert builds.swap(index, actor=Actor())
    run_all()
    late.refresh_from_db()
    assert late.state == "ready"
    assert late.num_chunks == Chunk.objects.filter(version=late, profile=index.profile_id).count()
    report = check_index(index)
    assert report.is_sound
    assert report.passages == Chunk.objects.filter(profile=index.profile_id).count()


def test_a_swap_in_the_middle_of_embedding_starts_the_document_anew(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(collection, LONG.encode(), "long.md")
    run_all()
    index = start(collection)
    run_all()
    late = upload(collection, LONG.replace("Subject", "Topic").encode(), "late.md").version
    drain(JobKind.PARSE_VERSION)
    real = get_embedder().encode
    swaps: list[bool] = []

    def swap_first(texts: Any) -> Any:
        if not swaps:
            swaps.append(builds.swap(Index.objects.get(pk=index.pk), actor=Actor()))
        return real(texts)

    monkeypatch.setattr(get_embedder(), "encode", swap_first)
    run_all()
    assert swaps == [True]
    late.refresh_from_db()
    assert (late.state, Document.objects.get(pk=late.document_id).current_id) == ("ready", late.pk)
    index.refresh_from_db()
    assert index.state == IndexState.LIVE
    assert check_index(index).is_sound
    assert len(ask(collection, "Topic 7")[0]) < 200


def test_documents_that_come_change_and_go_during_a_build_are_right_in_both(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("same.md", "changed.md", "gone.md"):
        upload(collection, LONG.replace("Subject", name).encode(), name)
    run_all()
    live, index = live_index(collection), start(collection)
    real = coverage.hold_version
    happened: list[UUID] = []

    def hold(document_id: UUID, version_id: UUID, **values: Any) -> bool:
        """The first document is in; then the world moves on under the build."""
        held = real(document_id, version_id, **values)
        if not happened:
            happened.append(document_id)
            upload(collection, b"# New\n\nSomething new was said.", "new.md")
            upload(collection, b"# Changed\n\nIt says another thing now.", "changed.md")
            delete_document(Document.objects.get(name="gone.md"), actor=Actor())
            for kind in (JobKind.PARSE_VERSION, JobKind.EMBED_VERSION, JobKind.PURGE_DOCUMENT):
                drain(kind)
        return held

    monkeypatch.setattr(coverage, "hold_version", hold)
    run_all()
    index.refresh_from_db()
    assert index.ready_at is not None
    assert coverage.count_missing(index) == 0
    for one in (live, index):
        assert check_index(one).is_sound, one.state
    versions = set(Document.objects.values_list("current_id", flat=True))
    for one in (live, index):
        found = Embedding.objects.filter(index=one).values_list("version_id", flat=True)
        assert set(found) == versions


def test_a_document_that_comes_after_the_build_is_taken_in_too(collection: Collection) -> None:
    upload(collection)
    run_all()
    index = start(collection)
    run_all()
    upload(collection, b"# Late\n\nIt came late.", "late.md")
    run_all()
    assert coverage.count_missing(index) == 0
    assert IndexedVersion.objects.filter(index=index).count() == 2
    assert job_of(index).state == JobState.SUCCEEDED


def test_a_stopped_build_stays_stopped_and_goes_on_when_told(collection: Collection) -> None:
    upload(collection)
    run_all()
    index = start(collection)
    assert builds.stop_build(index, actor=Actor())
    upload(collection, b"# Late\n\nIt came late.", "late.md")
    run_all()
    assert job_of(index).state == JobState.CANCELLED
    assert not IndexedVersion.objects.filter(index=index).exists()
    builds.continue_build(index, actor=Actor())
    run_all()
    assert coverage.count_missing(index) == 0


class Killed(BaseException):
    """What kill -9 leaves: nothing of this process runs any more."""


def test_a_killed_worker_is_followed_by_one_that_embeds_only_the_rest(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.pipelines.index_build.GROUP_CHUNKS", 8)
    for number in range(3):
        upload(collection, LONG.replace("Subject", f"Subject {number}").encode(), f"{number}.md")
    run_all()
    index = start(collection)
    real, texts = get_embedder().encode, list[str]()

    def encode(batch: Any) -> Any:
        texts.extend(batch)
        if len(texts) > 40:
            raise Killed
        return real(batch)

    with monkeypatch.context() as patch:
        patch.setattr(get_embedder(), "encode", encode)
        with pytest.raises(Killed):
            drain(JobKind.BUILD_INDEX)
    stored = Embedding.objects.filter(index=index).count()
    assert 0 < stored <= 40
    Job.objects.filter(pk=job_of(index).pk).update(state=JobState.QUEUED)
    rest: list[str] = []

    def count(batch: Any) -> Any:
        rest.extend(batch)
        return real(batch)

    monkeypatch.setattr(get_embedder(), "encode", count)
    run_all()
    total = Chunk.objects.filter(profile=index.profile_id).count()
    assert len(rest) == total - stored
    assert check_index(index).is_sound
    assert job_of(index).done == total


def test_another_precision_reuses_passages_and_vectors(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(collection, LONG.encode(), "long.md")
    run_all()
    live = live_index(collection)
    monkeypatch.setattr(get_embedder(), "encode", None)  # nothing may be embedded
    index = start(collection, live.profile, precision="binary")
    run_all()
    index.refresh_from_db()
    assert index.precision == "binary"
    assert check_index(index).passages == check_index(live).passages
    assert check_index(index).is_sound


def test_what_is_thrown_away_leaves_nothing_and_takes_nothing_else(collection: Collection) -> None:
    upload(collection, LONG.encode(), "long.md")
    run_all()
    live = live_index(collection)
    before = check_index(live)
    index, same = start(collection), live.profile
    run_all()
    builds.throw_away(index, actor=Actor())
    run_all()
    assert not Index.objects.filter(pk=index.pk).exists()
    assert not Posting.objects.filter(index_id=index.pk).exists()
    assert not Chunk.objects.filter(profile=index.profile_id).exists()
    twin = start(collection, same)
    run_all()
    builds.throw_away(twin, actor=Actor())
    run_all()
    assert not Index.objects.filter(pk=twin.pk).exists()
    assert check_index(live) == before  # the passages that both shared are still there
    with pytest.raises(builds.WrongStateError):
        builds.throw_away(live, actor=Actor())


def test_throwing_away_a_build_under_way_stops_it(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(collection, LONG.encode(), "long.md")
    run_all()
    index = start(collection)
    real = get_embedder().encode

    def encode(batch: Any) -> Any:
        builds.throw_away(Index.objects.get(pk=index.pk), actor=Actor())
        return real(batch)

    with monkeypatch.context() as patch:
        patch.setattr(get_embedder(), "encode", encode)
        drain(JobKind.BUILD_INDEX)
    assert job_of(index).state == JobState.CANCELLED
    run_all()
    assert not Index.objects.filter(pk=index.pk).exists()
    assert check_index(live_index(collection)).is_sound


def test_rolling_back_takes_in_what_came_since(collection: Collection) -> None:
    upload(collection)
    run_all()
    old = live_index(collection)
    index = start(collection, goes_live=True)
    run_all()
    index.refresh_from_db()
    assert index.state == IndexState.LIVE  # as it was told to
    upload(collection, b"# Late\n\nIt came late.", "late.md")
    run_all()
    assert not builds.swap(Index.objects.get(pk=old.pk), actor=Actor())
    assert live_index(collection) == index  # which answers until the other one is whole
    run_all()
    assert live_index(collection) == old
    assert check_index(old).is_sound
    assert "It came late." in ask(collection, "came late")[0]


def test_there_is_one_build_at_a_time(collection: Collection) -> None:
    upload(collection)
    run_all()
    profile = small_profile(collection)
    start(collection, profile)
    with pytest.raises(builds.BuildRunningError):
        start(collection, profile)


def test_an_empty_collection_can_be_given_its_index_first(collection: Collection) -> None:
    index = start(collection, goes_live=True)
    run_all()
    assert live_index(collection) == index
    version = upload(collection, LONG.encode(), "long.md").version
    run_all()
    assert newest(version.document).num_chunks == check_index(index).passages > 0


def test_a_build_whose_model_is_gone_says_so(collection: Collection) -> None:
    upload(collection)
    run_all()
    index = start(collection)
    Index.objects.filter(pk=index.pk).update(embedding_model="model:gone")
    run_all()
    job = job_of(index)
    assert job.state == JobState.FAILED
    assert "deleted" in job.reason


def test_searches_go_on_without_an_error_through_build_swap_and_roll_back(
    collection: Collection,
) -> None:
    for number in range(4):
        upload(collection, LONG.replace("Subject", f"Subject {number}").encode(), f"{number}.md")
    run_all()
    old = live_index(collection)
    done = threading.Event()
    counts: list[int] = []
    errors: list[BaseException] = []

    def search_on() -> None:
        try:
            while not done.is_set():
                counts.append(len(ask(collection, "Subject 2 item 7")))
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=search_on) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        index = start(collection)
        run_all()
        for _ in range(5):
            assert builds.swap(Index.objects.get(pk=index.pk), actor=Actor())
            assert builds.swap(Index.objects.get(pk=old.pk), actor=Actor())
        builds.throw_away(Index.objects.get(pk=index.pk), actor=Actor())
        run_all()
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert errors == []
    assert len(counts) > 20
    assert min(counts) > 0
