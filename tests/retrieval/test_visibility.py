"""What a search may find: the current versions of one's own documents that are not deleted."""

from __future__ import annotations

import pytest
from django.utils import timezone

from apps.chunking.models import Chunk
from apps.chunking.services import split_version
from apps.documents.models import Collection, Document, VersionState
from apps.retrieval.indexes.invariants import check_index
from apps.retrieval.indexes.services import (
    VectorsMissingError,
    ensure_live_index,
    forget_document,
    pending_chunks,
    publish_version,
    store_embeddings,
)
from apps.retrieval.models import Embedding, Index, Posting
from apps.retrieval.search.first_stage import search
from apps.retrieval.search.query import Mode, SearchQuery
from apps.workspaces.models import Workspace
from tests.retrieval.helpers import (
    add_document,
    add_version,
    embed,
    make_collection,
    prepare,
    random_unit_vectors,
)

pytestmark = pytest.mark.django_db
MODES: tuple[Mode, ...] = ("hybrid", "lexical", "vector")
TEXT = "Employees get 25 days of paid leave."


@pytest.fixture
def collection(workspace: Workspace) -> Collection:
    return make_collection(workspace)


def names(workspace: Workspace, *collections: Collection, text: str = TEXT) -> list[set[str]]:
    """The documents that each mode finds."""
    return [
        {
            hit.document_name
            for hit in search(
                SearchQuery(workspace.pk, [c.pk for c in collections], text, limit=50, mode=mode)
            ).hits
        }
        for mode in MODES
    ]


def assert_sound(collection: Collection) -> None:
    report = check_index(Index.objects.get(collection=collection))
    assert report.is_sound, report


def count_rows() -> tuple[int, int, int]:
    index = Index.objects.get()
    return Posting.objects.count(), index.num_chunks, index.total_length


# Walls


def test_twin_workspaces_see_only_their_own(
    workspace: Workspace, other_workspace: Workspace
) -> None:
    mine, theirs = make_collection(workspace), make_collection(other_workspace)
    for number in range(3):
        add_document(mine, f"mine {number}", TEXT)
        add_document(theirs, f"theirs {number}", TEXT)

    own = {f"mine {number}" for number in range(3)}
    assert names(workspace, mine) == [own] * 3
    assert names(workspace, mine, theirs) == [own] * 3
    assert names(workspace, theirs) == [set()] * 3
    assert names(other_workspace, mine) == [set()] * 3


def test_collections_are_searched_only_when_asked(workspace: Workspace) -> None:
    first, second = make_collection(workspace, "First"), make_collection(workspace, "Second")
    add_document(first, "one", TEXT)
    add_document(second, "two", TEXT)

    assert names(workspace, first) == [{"one"}] * 3
    assert names(workspace, first, second) == [{"one", "two"}] * 3


# Versions


def test_a_version_is_invisible_until_it_is_published(collection: Collection) -> None:
    version = add_version(collection, "leave.txt", [TEXT])
    index = prepare(version)
    assert names(collection.workspace, collection) == [set()] * 3

    assert publish_version(version, index=index)

    assert names(collection.workspace, collection) == [{"leave.txt"}] * 3
    version.refresh_from_db()
    assert (version.state, version.num_chunks) == (VersionState.READY, 1)
    assert version.ready_at is not None


def test_a_new_version_replaces_the_old_one_and_its_pages_stay(collection: Collection) -> None:
    old = add_document(collection, "leave.txt", "Zebras graze. " * 300).current
    assert old is not None
    document = add_document(collection, "leave.txt", TEXT)

    assert document.versions.count() == 2
    assert names(collection.workspace, collection, text="zebras")[1] == set()
    assert names(collection.workspace, collection) == [{"leave.txt"}] * 3
    assert set(Chunk.objects.values_list("version_id", flat=True)) == {document.current_id}
    assert Embedding.objects.count() == Chunk.objects.count() == 1
    assert old.pages.count() == 1
    index = Index.objects.get()
    assert (index.num_chunks, index.total_length) == (1, 6)  # employe get 25 day paid leav
    assert_sound(collection)


def test_an_older_version_that_finishes_later_never_wins(collection: Collection) -> None:
    slow = add_version(collection, "leave.txt", ["Zebras graze."])
    index = prepare(slow)
    fast = add_version(collection, "leave.txt", [TEXT])
    prepare(fast)
    assert publish_version(fast, index=index)
    # Its passages went with the publication; a worker that was at it would make them again.
    prepare(slow)

    assert not publish_version(slow, index=index)

    assert Document.objects.get().current_id == fast.pk
    assert not Chunk.objects.filter(version=slow).exists()
    slow.refresh_from_db()
    assert slow.state == VersionState.READY
    assert_sound(collection)


def test_publishing_twice_changes_nothing(collection: Collection) -> None:
    version = add_version(collection, "leave.txt", [TEXT])
    index = prepare(version)
    publish_version(version, index=index)
    before = (
        Posting.objects.count(),
        Index.objects.values_list("num_chunks", "total_length").get(),
    )

    assert publish_version(version, index=index)

    after = (Posting.objects.count(), Index.objects.values_list("num_chunks", "total_length").get())
    assert after == before
    assert_sound(collection)


def test_a_version_without_all_vectors_is_not_published(collection: Collection) -> None:
    version = add_version(collection, "leave.txt", [TEXT])
    index = ensure_live_index(collection)
    split_version(version, profile=index.profile)

    with pytest.raises(VectorsMissingError) as caught:
        publish_version(version, index=index)

    assert caught.value.missing == 1
    version.refresh_from_db()
    assert version.state == VersionState.QUEUED
    assert Posting.objects.count() == 0


def test_a_document_without_text_can_be_published(collection: Collection) -> None:
    document = add_document(collection, "blank.txt", "  ")

    assert document.current is not None
    assert document.current.num_chunks == 0
    assert_sound(collection)


# Deletion


def test_a_deleted_document_is_invisible_at_once_and_then_gone(collection: Collection) -> None:
    add_document(collection, "kept.txt", TEXT)
    document = add_document(collection, "leave.txt", TEXT, "More about leave.")

    Document.objects.filter(pk=document.pk).update(deleted_at=timezone.now(), current=None)
    assert names(collection.workspace, collection) == [{"kept.txt"}] * 3

    forget_document(document)
    versions = document.versions.all()
    assert not Chunk.objects.filter(version__in=versions).exists()
    assert not Embedding.objects.filter(version__in=versions).exists()
    assert Index.objects.get().num_chunks == 1
    assert names(collection.workspace, collection) == [{"kept.txt"}] * 3
    assert_sound(collection)


def test_hits_of_deleted_documents_take_no_places(collection: Collection) -> None:
    for number in range(60):
        document = add_document(collection, f"gone {number}", "leave leave leave")
        Document.objects.filter(pk=document.pk).update(deleted_at=timezone.now(), current=None)
    add_document(collection, "kept.txt", "leave and a great many other words beside it")

    assert names(collection.workspace, collection, text="leave") == [{"kept.txt"}] * 3


def test_a_version_of_a_deleted_document_is_not_published(collection: Collection) -> None:
    version = add_version(collection, "leave.txt", [TEXT])
    index = prepare(version)
    Document.objects.update(deleted_at=timezone.now())

    assert not publish_version(version, index=index)
    assert Chunk.objects.count() == Embedding.objects.count() == Posting.objects.count() == 0


# Vectors


def test_pending_passages_carry_their_heading_path(collection: Collection) -> None:
    version = add_version(collection, "leave.md", ["Leave\n\n" + TEXT])
    version.pages.update(blocks=[["heading", 1, 0, 5]])
    index = ensure_live_index(collection)
    split_version(version, profile=index.profile)

    (pending,) = pending_chunks(index, version_ids=[version.pk], limit=10)

    assert pending.version_id == version.pk
    assert pending.text == f"Leave\nLeave\n\n{TEXT}"


def test_pending_passages_end_when_all_have_vectors(collection: Collection) -> None:
    version = add_version(collection, "long.txt", ["A sentence of words. " * 300])
    index = ensure_live_index(collection)
    count = split_version(version, profile=index.profile)

    first = pending_chunks(index, version_ids=[version.pk], limit=2)
    assert len(first) == 2 < count
    embed(version, index)
    assert pending_chunks(index, version_ids=[version.pk], limit=2) == []


def test_vectors_are_stored_once_and_only_for_passages_that_exist(collection: Collection) -> None:
    version = add_version(collection, "long.txt", ["A sentence of words. " * 300])
    index = ensure_live_index(collection)
    split_version(version, profile=index.profile)
    ids = list(Chunk.objects.values_list("pk", flat=True))
    vectors = random_unit_vectors(len(ids) + 1)

    assert store_embeddings(index, [*ids, max(ids) + 999], vectors) == len(ids)
    assert store_embeddings(index, ids, vectors[:-1]) == 0

    stored = Embedding.objects.get(chunk_id=ids[0])
    assert list(stored.vector) == pytest.approx(vectors[0].tolist(), abs=1e-3)
    assert stored.version_id == version.pk


def test_vectors_of_another_workspace_are_refused(
    collection: Collection, other_workspace: Workspace
) -> None:
    version = add_version(collection, "leave.txt", [TEXT])
    split_version(version, profile=ensure_live_index(collection).profile)
    foreign = ensure_live_index(make_collection(other_workspace))
    ids = list(Chunk.objects.values_list("pk", flat=True))

    assert store_embeddings(foreign, ids, random_unit_vectors(len(ids))) == 0
