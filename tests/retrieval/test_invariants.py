"""The check finds what is wrong with an index, and the repair corrects what can be corrected."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from threading import Thread

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F

from apps.chunking.models import Chunk
from apps.documents.models import Document, DocumentVersion, VersionState
from apps.retrieval.indexes.invariants import check_index, repair_index
from apps.retrieval.indexes.services import publish_version
from apps.retrieval.models import Embedding, Index, Posting
from apps.workspaces.models import Workspace
from tests.retrieval.helpers import add_document, add_version, make_collection, prepare


@pytest.fixture
def index(workspace: Workspace) -> Index:
    collection = make_collection(workspace)
    add_document(collection, "one.txt", "Employees get days of paid leave. " * 90)
    add_document(collection, "two.txt", "Trains are preferred.")
    return Index.objects.get()


def lose_a_vector() -> None:
    Embedding.objects.filter(chunk=Chunk.objects.latest("pk")).delete()


def lose_postings() -> None:
    Posting.objects.filter(chunk=Chunk.objects.latest("pk")).delete()


def lose_one_posting() -> None:
    chunk = Chunk.objects.latest("pk")
    Posting.objects.filter(chunk=chunk, term="train").delete()


def double_a_passage() -> None:
    chunk = Chunk.objects.latest("pk")
    chunk.pk, chunk.position = None, 99
    chunk.save()


def leave_a_passage_behind() -> None:
    version = Document.objects.get(name="two.txt").current
    assert version is not None
    DocumentVersion.objects.filter(pk=version.pk).update(state=VersionState.READY)
    Document.objects.filter(name="two.txt").update(current=None)


def orphan_postings() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE retrieval_posting SET chunk_id = 999999 WHERE term = 'train'")


def count_wrongly() -> None:
    Index.objects.update(total_length=F("total_length") + 1)


@pytest.mark.django_db
def test_a_fresh_index_is_sound(index: Index) -> None:
    report = check_index(index)

    assert report.is_sound
    assert report.passages == Chunk.objects.count() > 2
    assert report.postings == Posting.objects.count()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("harm", "fault"),
    [
        (lose_a_vector, "missing_vectors"), (lose_postings, "missing_postings"),
        (lose_one_posting, "missing_postings"), (double_a_passage, "doubled"),
        (leave_a_passage_behind, "stray"), (orphan_postings, "orphaned_postings"),
        (count_wrongly, "drifted"),
    ],
)  # fmt: skip
def test_every_fault_is_found(index: Index, harm: Callable[[], None], fault: str) -> None:
    harm()

    report = check_index(index)

    assert getattr(report, fault) > 0
    assert not report.is_sound


@pytest.mark.django_db
def test_repair_removes_orphans_and_counts_anew(index: Index) -> None:
    Chunk.objects.get(version__document__name="two.txt").embeddings.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM chunking_chunk WHERE text LIKE 'Trains%%'")
    count_wrongly()
    assert not check_index(index).is_sound

    repair_index(index)

    assert check_index(index).is_sound


@pytest.mark.django_db
def test_the_command_prints_a_line_for_each_index(index: Index) -> None:
    out = StringIO()
    call_command("check_index", stdout=out)
    assert json.loads(out.getvalue())["sound"] is True

    count_wrongly()
    with pytest.raises(CommandError, match="1 of the indexes"):
        call_command("check_index", stdout=StringIO())
    call_command("check_index", "--repair", stdout=out)


@pytest.mark.django_db(transaction=True)
def test_versions_published_at_once_leave_the_newest_and_a_sound_index(
    workspace: Workspace,
) -> None:
    collection = make_collection(workspace)
    documents = ["a.txt", "b.txt"]
    versions = [
        add_version(collection, name, [f"Words of round {round_} in {name}. " * 80])
        for round_ in range(3)
        for name in documents
    ]
    for version in versions:
        index = prepare(version)
    errors: list[Exception] = []

    def publish(version: DocumentVersion) -> None:
        try:
            publish_version(version, index=index)
        except Exception as error:  # a thread's exception would go unseen
            errors.append(error)
        finally:
            connection.close()

    threads = [Thread(target=publish, args=[version]) for version in versions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not errors
    current = Document.objects.order_by("name").values_list("current__number", flat=True)
    assert list(current) == [3, 3]
    report = check_index(Index.objects.get())
    assert report.is_sound, report
