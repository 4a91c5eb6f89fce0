"""Deleting: unfindable at once, and afterwards nothing is left."""

from __future__ import annotations

from typing import Any

import pytest

from apps.chunking.models import Chunk
from apps.core.models import Job, JobKind
from apps.documents.collections import delete_collection
from apps.documents.models import Collection, Document, DocumentVersion, Page
from apps.documents.services import delete_document
from apps.documents.storage import blob_root, locate_blob
from apps.retrieval.models import Embedding, Posting
from apps.retrieval.search.first_stage import search
from apps.retrieval.search.query import SearchQuery
from apps.workspaces.services import Actor
from tests.workers.helpers import MARKDOWN, make_collection, run_all, upload
from workers.claims import claim_due
from workers.pipelines.purge import purge_document
from workers.pipelines.sweep import tidy_up
from workers.runner import drain

pytestmark = pytest.mark.django_db(transaction=True)

TABLES = (Document, DocumentVersion, Page, Chunk, Embedding, Posting)


def find(collection: Collection, text: str, mode: str) -> list[Any]:
    query = SearchQuery(
        workspace_id=collection.workspace_id,
        collection_ids=[collection.pk],
        text=text,
        limit=10,
        mode=mode,  # type: ignore[arg-type]
    )
    return list(search(query).hits)


@pytest.mark.parametrize("mode", ["hybrid", "lexical", "vector"])
def test_a_deleted_document_is_not_found_even_before_the_worker_has_removed_it(
    collection: Collection, mode: str
) -> None:
    outcome = upload(collection)
    run_all()
    assert find(collection, "leave days", mode)
    delete_document(outcome.document, actor=Actor())
    assert not find(collection, "leave days", mode)
    run_all()
    assert not find(collection, "leave days", mode)


def test_nothing_of_a_deleted_document_is_left(collection: Collection) -> None:
    outcome = upload(collection)
    run_all()
    upload(collection, MARKDOWN + b"Changed.")
    run_all()
    blobs = list(DocumentVersion.objects.values_list("blob", flat=True))
    assert len(set(blobs)) == 2
    delete_document(outcome.document, actor=Actor())
    run_all()
    assert [table.objects.count() for table in TABLES] == [0] * len(TABLES)
    assert not any(locate_blob(blob).exists() for blob in blobs)
    assert list(Job.objects.values_list("kind", flat=True)) == [JobKind.PURGE_DOCUMENT]


def test_a_blob_that_another_document_uses_stays(collection: Collection) -> None:
    first = upload(collection)
    second = upload(make_collection(collection.workspace, "Other"))
    assert first.version.blob == second.version.blob
    run_all()
    delete_document(first.document, actor=Actor())
    run_all()
    assert locate_blob(second.version.blob).read_bytes() == MARKDOWN
    delete_document(second.document, actor=Actor())
    run_all()
    assert not locate_blob(second.version.blob).exists()


def test_the_removal_may_be_repeated(collection: Collection) -> None:
    outcome = upload(collection)
    run_all()
    delete_document(outcome.document, actor=Actor())
    (job,) = claim_due(JobKind.PURGE_DOCUMENT)
    purge_document(job)
    purge_document(job)
    assert not Document.objects.exists()


def test_deleting_while_it_is_still_read(collection: Collection) -> None:
    outcome = upload(collection)
    delete_document(outcome.document, actor=Actor())
    run_all()
    assert [table.objects.count() for table in TABLES] == [0] * len(TABLES)


def test_the_same_name_may_come_back_at_once(collection: Collection) -> None:
    first = upload(collection)
    delete_document(first.document, actor=Actor())
    second = upload(collection)
    assert second.outcome == "created"
    assert second.document != first.document
    run_all()
    assert list(Document.objects.all()) == [second.document]
    assert locate_blob(second.version.blob).exists()
    assert find(collection, "leave days", "hybrid")


def test_a_deleted_collection_goes_with_its_last_document(collection: Collection) -> None:
    upload(collection)
    upload(collection, b"Another text.", "other.md")
    run_all()
    delete_collection(collection, actor=Actor())
    assert Collection.objects.exclude(deleted_at=None).exists()
    drain(JobKind.PURGE_DOCUMENT)
    assert not Collection.objects.exists()
    assert [table.objects.count() for table in TABLES] == [0] * len(TABLES)


def test_an_empty_collection_goes_at_once(collection: Collection) -> None:
    delete_collection(collection, actor=Actor())
    assert not Collection.objects.exists()


def test_files_of_a_workspace_that_was_deleted_are_tidied_up(
    collection: Collection, other_workspace: Any
) -> None:
    kept = upload(make_collection(other_workspace))
    gone = upload(collection)
    collection.workspace.delete()
    tidy_up()
    assert not locate_blob(gone.version.blob).exists()
    assert [path.name for path in blob_root().iterdir()] == [str(other_workspace.pk)]
    assert locate_blob(kept.version.blob).exists()
