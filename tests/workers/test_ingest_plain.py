"""Plain texts read together: the same as one by one, and whatever goes wrong with one stays its."""

from __future__ import annotations

from typing import Any

import pytest

from apps.chunking.models import Chunk
from apps.core.models import Job, JobKind, JobState
from apps.documents.models import Collection, DocumentVersion, Page, VersionState
from apps.documents.services import UploadOutcome, cancel_document, delete_document
from apps.documents.storage import remove_blob
from apps.workspaces.services import Actor
from tests.workers.helpers import make_collection, newest, run_all, upload
from tests.workers.test_ingest import check_whole
from workers.claims import claim_swarm
from workers.pipelines import ingest, ingest_plain
from workers.runner import drain

pytestmark = pytest.mark.django_db(transaction=True)


def upload_texts(collection: Collection, count: int) -> list[UploadOutcome]:
    return [
        upload(
            collection,
            f"# Part {n}\n\nWords of {n}.\n\n# More\n\nOf <b>{n}</b>.\n".encode(),
            f"part-{n}.md",
        )
        for n in range(count)
    ]


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are read by themselves."""
    names: list[str] = []
    real = ingest.parser().parse

    def parse(*args: Any, **kwargs: Any) -> Any:
        names.append(kwargs["filename"])
        return real(*args, **kwargs)

    monkeypatch.setattr(ingest.parser(), "parse", parse)
    return names


def describe(version: DocumentVersion) -> Any:
    pages = Page.objects.filter(version=version).order_by("number")
    chunks = Chunk.objects.filter(version=version).order_by("position")
    return (
        version.state, version.stage, version.title, version.media_type, version.note,
        version.pages_done, version.pages_total, version.num_chunks, version.num_chars,
        list(pages.values("number", "text", "start", "end", "blocks", "boxes", "label", "note")),
        list(chunks.values(
            "position", "text", "heading", "start", "end", "first_page", "last_page",
            "num_tokens", "parent_start", "parent_end", "edit_id", "tags",
        )),
    )  # fmt: skip


def test_together_they_are_stored_as_each_would_be_alone(
    collection: Collection, other_workspace: Any, alone: list[str]
) -> None:
    together = upload_texts(collection, 5)
    assert drain(JobKind.PARSE_VERSION) == 5
    assert alone == []
    found = [describe(newest(one.document)) for one in together]
    assert {one.attempts for one in Job.objects.filter(kind=JobKind.PARSE_VERSION)} == {1}
    elsewhere = make_collection(other_workspace)
    each = []
    for n in range(5):
        text = f"# Part {n}\n\nWords of {n}.\n\n# More\n\nOf <b>{n}</b>.\n".encode()
        each.append(upload(elsewhere, text, f"part-{n}.md"))
        drain(JobKind.PARSE_VERSION)
    assert len(alone) == 5
    assert found == [describe(newest(one.document)) for one in each]
    run_all()
    for one in together:
        version = newest(one.document)
        assert version.state == VersionState.READY
        assert version.started_at is not None
        check_whole(version)
    assert set(Job.objects.values_list("state", flat=True)) == {JobState.SUCCEEDED}


def test_only_untried_plain_texts_of_one_workspace_are_claimed_together(
    collection: Collection, other_workspace: Any
) -> None:
    mine = upload_texts(collection, 3)
    upload(collection, b"%PDF-1.7 and so on", "report.pdf")
    upload(collection, b"word " * 10_000, "long.txt")
    theirs = upload_texts(make_collection(other_workspace), 2)
    tried = Job.objects.get(key=str(mine[1].version.pk))
    Job.objects.filter(pk=tried.pk).update(attempts=1)

    def claim() -> list[str]:
        return [job.payload["version_id"] for job in claim_swarm(JobKind.PARSE_VERSION, limit=9)]

    assert claim() == [str(mine[0].version.pk), str(mine[2].version.pk)]
    # Workspaces take turns.
    assert claim() == [str(one.version.pk) for one in theirs]
    assert claim() == [tried.key]
    assert [len(claim()), len(claim())] == [1, 1]
    assert claim() == []


def test_a_second_version_is_read_by_itself(collection: Collection, alone: list[str]) -> None:
    upload_texts(collection, 2)
    upload(collection, b"# Part 0\n\nOther words.\n", "part-0.md")
    upload_texts(collection, 4)
    run_all()
    assert alone == ["part-0.md"]
    for document in collection.documents.all():
        check_whole(newest(document))


def test_what_cannot_be_read_fails_by_itself(collection: Collection, alone: list[str]) -> None:
    sound = upload_texts(collection, 3)
    binary = upload(collection, b"\x7fELF\x00\x01\x02\x03" * 50, "program.md")
    blank = upload(collection, b"\n \n", "blank.txt")
    gone = upload(collection, b"# Gone\n\nSoon.\n", "gone.md")
    remove_blob(gone.version.blob)
    run_all()
    for one in sound:
        check_whole(newest(one.document))
    failed = [newest(one.document) for one in (binary, blank, gone)]
    assert {version.state for version in failed} == {VersionState.FAILED}
    assert "a program" in failed[0].reason
    assert failed[2].reason == ingest.MISSING_REASON
    assert not Page.objects.filter(version__in=failed).exists()


def test_a_page_that_is_no_plain_text_is_read_by_itself(
    collection: Collection, alone: list[str]
) -> None:
    upload_texts(collection, 2)
    page = upload(collection, b"<!doctype html><html><p>A page.</p></html>", "page.txt")
    run_all()
    assert alone == ["page.txt"]
    assert newest(page.document).media_type == "text/html"


def test_cancelled_and_deleted_while_they_are_read(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, cancelled, deleted = upload_texts(collection, 3)
    real = getattr(ingest_plain, "cut_texts")  # noqa: B009  # imported there, not exported

    def cut(*args: Any, **kwargs: Any) -> Any:
        if cancel_document(cancelled.document, actor=Actor()):
            delete_document(deleted.document, actor=Actor())
        return real(*args, **kwargs)

    monkeypatch.setattr(ingest_plain, "cut_texts", cut)
    run_all()
    check_whole(newest(kept.document))
    assert newest(cancelled.document).state == VersionState.CANCELLED
    assert not Page.objects.filter(version=cancelled.version).exists()
    assert not DocumentVersion.objects.filter(pk=deleted.version.pk).exists()
    embedded = Job.objects.filter(kind=JobKind.EMBED_VERSION).values_list("key", flat=True)
    assert list(embedded) == [str(kept.version.pk)]


class _Killed(BaseException):
    """As `kill -9`: nothing catches it, nothing is tidied up."""


@pytest.mark.parametrize("step", ["cut_texts", "store_first_chunks", "_store"])
def test_a_worker_killed_meanwhile_leaves_nothing_of_them(
    collection: Collection, monkeypatch: pytest.MonkeyPatch, alone: list[str], step: str
) -> None:
    uploaded = upload_texts(collection, 3)
    real = getattr(ingest_plain, step)

    def killed_after(*args: Any, **kwargs: Any) -> None:
        real(*args, **kwargs)
        raise _Killed

    monkeypatch.setattr(ingest_plain, step, killed_after)
    with pytest.raises(_Killed):
        drain(JobKind.PARSE_VERSION)
    assert not Page.objects.exists()
    assert not Chunk.objects.exists()
    assert not Job.objects.filter(kind=JobKind.EMBED_VERSION).exists()
    Job.objects.filter(state=JobState.RUNNING).update(state=JobState.QUEUED)
    run_all()
    assert len(alone) == 3  # what was tried once is tried by itself
    for one in uploaded:
        check_whole(newest(one.document))


def test_a_fault_in_storing_them_leaves_each_to_itself(
    collection: Collection, monkeypatch: pytest.MonkeyPatch, alone: list[str]
) -> None:
    uploaded = upload_texts(collection, 3)

    def wrong(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(ingest_plain, "_store", wrong)
    run_all()
    assert len(alone) == 3
    for one in uploaded:
        check_whole(newest(one.document))


def test_work_that_lost_its_jobs_cannot_write(collection: Collection) -> None:
    upload_texts(collection, 2)
    lost = claim_swarm(JobKind.PARSE_VERSION, limit=ingest_plain.TOGETHER)
    Job.objects.update(worker="another")
    assert ingest_plain.read_together(lost) == set()
    assert not Page.objects.exists()
    assert not Chunk.objects.exists()
