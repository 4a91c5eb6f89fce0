"""From an upload to a searchable document, and every way in which that may break off."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError

from apps.chunking.models import Chunk
from apps.core.jobs import JobCancelled
from apps.core.models import Job, JobKind, JobState
from apps.documents.models import Collection, DocumentVersion, Page, VersionState
from apps.documents.services import add_upload, cancel_document, retry_document
from apps.documents.storage import remove_blob
from apps.retrieval.models import Embedding, Posting
from apps.workspaces.services import Actor
from parsing.types import Opened, ParsedPage, ParseError
from tests.workers.helpers import MARKDOWN, many_pages, newest, run_all, upload
from workers.claims import claim_due
from workers.pipelines import ingest
from workers.runner import drain, run_job

pytestmark = pytest.mark.django_db(transaction=True)


def check_whole(version: DocumentVersion) -> None:
    """Pages, passages, vectors and postings: contiguous, and each exactly once."""
    pages = list(version.pages.order_by("number"))
    assert [page.number for page in pages] == list(range(1, len(pages) + 1))
    end = -2
    for page in pages:
        assert page.start == end + 2
        end = page.start + len(page.text)
        assert page.end == end
    chunks = list(version.chunks.order_by("position"))
    assert [chunk.position for chunk in chunks] == list(range(len(chunks)))
    assert version.num_chunks == len(chunks) > 0
    embedded = Embedding.objects.filter(chunk__version=version).values_list("chunk_id", flat=True)
    assert sorted(embedded) == sorted(chunk.pk for chunk in chunks)
    posted = Posting.objects.filter(chunk__version=version).values_list("chunk_id", flat=True)
    assert set(posted) == {chunk.pk for chunk in chunks}


def test_an_upload_becomes_searchable(collection: Collection) -> None:
    outcome = upload(collection)
    run_all()
    version = newest(outcome.document)
    assert (version.state, version.reason) == (VersionState.READY, "")
    assert (version.pages_done, version.pages_total) == (1, 1)
    assert version.document.current_id == version.pk
    check_whole(version)
    assert set(Job.objects.values_list("state", flat=True)) == {JobState.SUCCEEDED}


def test_pages_follow_each_other_in_the_full_text(collection: Collection) -> None:
    outcome = upload(collection, many_pages(5), "five.pdf")
    run_all()
    version = newest(outcome.document)
    assert (version.state, version.pages_done, version.pages_total) == ("ready", 5, 5)
    check_whole(version)


class _Killed(BaseException):
    """As `kill -9`: nothing catches it, nothing is tidied up."""


def _take_from_the_dead() -> None:
    Job.objects.filter(state=JobState.RUNNING).update(state=JobState.QUEUED)


@pytest.mark.parametrize("stored", [0, 1, 3, 5])
def test_a_worker_killed_while_reading_is_followed_by_one_that_goes_on(
    collection: Collection, monkeypatch: pytest.MonkeyPatch, stored: int
) -> None:
    outcome = upload(collection, many_pages(5), "five.pdf")
    real = ingest.PageStore.add
    monkeypatch.setattr(ingest, "FLUSH_PAGES", 1)

    def killed_at(store: Any, parsed: ParsedPage) -> None:
        if parsed.number == stored + 1:
            raise _Killed
        real(store, parsed)
        if stored == 5 and parsed.number == 5:
            raise _Killed

    monkeypatch.setattr(ingest.PageStore, "add", killed_at)
    with pytest.raises(_Killed):
        drain(JobKind.PARSE_VERSION)
    assert Page.objects.count() == stored
    asked: list[int] = []
    real_parse = ingest.parser().parse
    monkeypatch.setattr(ingest.PageStore, "add", real)

    def parse(*args: Any, **kwargs: Any) -> Any:
        asked.append(kwargs["first_page"])
        return real_parse(*args, **kwargs)

    monkeypatch.setattr(ingest.parser(), "parse", parse)
    _take_from_the_dead()
    run_all()
    assert asked == [stored + 1]
    version = newest(outcome.document)
    assert (version.state, version.pages_done, version.pages_total) == ("ready", 5, 5)
    check_whole(version)


def read_until_killed_after(step: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Read what is due with a worker that dies after a step; returns what the step was."""
    real = getattr(ingest, step)

    def killed_after(*args: Any, **kwargs: Any) -> None:
        real(*args, **kwargs)
        raise _Killed

    monkeypatch.setattr(ingest, step, killed_after)
    with pytest.raises(_Killed):
        drain(JobKind.PARSE_VERSION)
    return real


@pytest.fixture
def in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short documents are read like long ones: pages, then passages, then the end."""
    monkeypatch.setattr(ingest, "WHOLE_CHARS", -1)


@pytest.mark.parametrize("step", ["cut_texts", "store_passages", "_hand_over"])
def test_a_worker_killed_while_a_short_document_is_stored_leaves_nothing_of_it(
    collection: Collection, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    outcome = upload(collection)
    real = read_until_killed_after(step, monkeypatch)
    assert not Page.objects.exists()
    assert not Chunk.objects.exists()
    assert not Job.objects.filter(kind=JobKind.EMBED_VERSION).exists()
    monkeypatch.setattr(ingest, step, real)
    _take_from_the_dead()
    run_all()
    check_whole(newest(outcome.document))


@pytest.mark.usefixtures("in_steps")
@pytest.mark.parametrize("step", ["split_version", "_hand_over"])
def test_a_worker_killed_between_reading_and_embedding(
    collection: Collection, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    outcome = upload(collection)
    real = read_until_killed_after(step, monkeypatch)
    assert not Job.objects.filter(kind=JobKind.EMBED_VERSION).exists()
    first = set(Chunk.objects.values_list("pk", flat=True))
    monkeypatch.setattr(ingest, step, real)
    _take_from_the_dead()
    run_all()
    check_whole(newest(outcome.document))
    assert set(Chunk.objects.values_list("pk", flat=True)) == first


@pytest.mark.parametrize(
    ("step", "whole_chars"), [("split_version", -1), ("store_passages", ingest.WHOLE_CHARS)]
)
def test_the_database_restarts_while_a_document_is_read(
    collection: Collection, monkeypatch: pytest.MonkeyPatch, step: str, whole_chars: int
) -> None:
    monkeypatch.setattr(ingest, "WHOLE_CHARS", whole_chars)
    outcome = upload(collection)
    real = getattr(ingest, step)
    troubles = iter([OperationalError("the server closed the connection"), None])

    def sometimes(*args: Any, **kwargs: Any) -> Any:
        if trouble := next(troubles):
            raise trouble
        return real(*args, **kwargs)

    monkeypatch.setattr(ingest, step, sometimes)
    run_all()
    job = Job.objects.get(kind=JobKind.PARSE_VERSION)
    assert (job.state, job.attempts) == (JobState.QUEUED, 1)
    assert newest(outcome.document).state == VersionState.PROCESSING
    Job.objects.update(available_at=job.created_at)
    run_all()
    check_whole(newest(outcome.document))


def test_a_file_that_cannot_be_read_says_why_and_can_be_retried(collection: Collection) -> None:
    outcome = upload(collection, b"%PDF-1.7\nnothing of a PDF follows", "broken.pdf")
    run_all()
    version = newest(outcome.document)
    assert version.state == VersionState.FAILED
    assert version.reason
    assert version.reason_code
    assert version.document.current_id is None
    assert Job.objects.get().state == JobState.SUCCEEDED
    retried = retry_document(outcome.document, actor=Actor())
    assert (retried.state, retried.reason) == (VersionState.QUEUED, "")
    run_all()
    assert newest(outcome.document).state == VersionState.FAILED


def test_the_queue_moves_on_behind_a_broken_file(collection: Collection) -> None:
    broken = upload(collection, b"PK\x03\x04 and then nothing", "broken.docx")
    sound = upload(collection)
    run_all()
    assert newest(broken.document).state == VersionState.FAILED
    assert newest(sound.document).state == VersionState.READY


def test_an_error_of_ours_is_told_and_logged(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = upload(collection)

    def wrong(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(ingest, "store_passages", wrong)
    run_all()
    version, job = newest(outcome.document), Job.objects.get()
    assert (version.state, job.state) == (VersionState.FAILED, JobState.FAILED)
    assert str(job.pk) in version.reason
    monkeypatch.undo()
    retry_document(outcome.document, actor=Actor())
    run_all()
    check_whole(newest(outcome.document))


def test_a_reader_that_crashes_once_gets_a_second_chance(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = upload(collection)

    def crash(*args: Any, **kwargs: Any) -> Any:
        raise ParseError("crashed", "The reader stopped.")

    monkeypatch.setattr(ingest.parser(), "parse", crash)
    run_all()
    assert newest(outcome.document).state == VersionState.PROCESSING
    Job.objects.update(available_at=outcome.version.created_at)
    run_all()
    version = newest(outcome.document)
    assert (version.state, version.reason) == (VersionState.FAILED, "The reader stopped.")


def test_text_that_postgres_cannot_hold_is_kept_in_length(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "before\x00after \ud800 end"

    def parse(*args: Any, **kwargs: Any) -> Any:
        yield Opened(pages_total=1, title="a\x00b", media_type="text/plain")
        yield ParsedPage(number=1, text=text, label="l\x00")

    monkeypatch.setattr(ingest.parser(), "parse", parse)
    outcome = upload(collection)
    run_all()
    page = Page.objects.get()
    assert page.text == "before\ufffdafter \ufffd end"
    assert len(page.text) == len(text)
    assert newest(outcome.document).title == "ab"


def test_a_document_without_text_fails_with_its_note(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parse(*args: Any, **kwargs: Any) -> Any:
        yield Opened(pages_total=2, title="", media_type="application/pdf")
        yield ParsedPage(number=1, text=" \n")
        yield ParsedPage(number=2, text="", note="This page is a picture.")

    monkeypatch.setattr(ingest.parser(), "parse", parse)
    outcome = upload(collection)
    run_all()
    version = newest(outcome.document)
    assert (version.state, version.reason_code) == (VersionState.FAILED, "no_text")
    assert version.reason == "This page is a picture."


def test_a_blob_that_has_gone_is_told(collection: Collection) -> None:
    outcome = upload(collection)
    remove_blob(outcome.version.blob)
    run_all()
    version = newest(outcome.document)
    assert (version.state, version.reason) == (VersionState.FAILED, ingest.MISSING_REASON)


def test_cancelling_before_the_worker_has_begun(collection: Collection) -> None:
    outcome = upload(collection)
    assert cancel_document(outcome.document, actor=Actor())
    assert not cancel_document(outcome.document, actor=Actor())
    run_all()
    version = newest(outcome.document)
    assert (version.state, version.pages_done) == (VersionState.CANCELLED, 0)
    assert Job.objects.get().state == JobState.CANCELLED


def test_cancelling_while_it_is_read_stops_it_and_a_retry_finishes(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = upload(collection, many_pages(4), "four.pdf")
    real = ingest.PageStore.add
    monkeypatch.setattr(ingest, "FLUSH_PAGES", 1)

    def cancel_at_two(store: Any, parsed: ParsedPage) -> None:
        if parsed.number == 2:
            cancel_document(outcome.document, actor=Actor())
        real(store, parsed)

    monkeypatch.setattr(ingest.PageStore, "add", cancel_at_two)
    run_all()
    assert newest(outcome.document).state == VersionState.CANCELLED
    assert Page.objects.count() == 1
    monkeypatch.setattr(ingest.PageStore, "add", real)
    retry_document(outcome.document, actor=Actor())
    run_all()
    check_whole(newest(outcome.document))


def test_work_that_lost_its_job_cannot_write(collection: Collection) -> None:
    """Cancelled and retried at once: the first runner must not touch the second's version."""
    outcome = upload(collection)
    (lost,) = claim_due(JobKind.PARSE_VERSION)
    cancel_document(outcome.document, actor=Actor())
    retry_document(outcome.document, actor=Actor())
    (taken,) = claim_due(JobKind.PARSE_VERSION)
    assert taken.worker != lost.worker
    with pytest.raises(JobCancelled):
        ingest.parse_version(lost)
    assert Page.objects.count() == 0
    run_job(taken)
    run_all()
    check_whole(newest(outcome.document))


def test_a_new_version_takes_over_when_it_is_ready(collection: Collection) -> None:
    first = upload(collection)
    run_all()
    second = add_upload(
        collection, file=[MARKDOWN, b"\nBuses too.\n"], filename="leave.md", actor=Actor()
    )
    assert (second.outcome, second.document) == ("new_version", first.document)
    document = Collection.objects.get().documents.get()
    assert document.current == first.version
    drain(JobKind.PARSE_VERSION)
    document.refresh_from_db()
    assert document.current == first.version
    run_all()
    document.refresh_from_db()
    assert document.current == second.version
    check_whole(newest(document))
    assert set(Chunk.objects.values_list("version", flat=True)) == {second.version.pk}
    assert Page.objects.filter(version=first.version).exists()


def test_a_newer_upload_stops_the_older_one(collection: Collection) -> None:
    first = upload(collection)
    second = upload(collection, MARKDOWN + b"More.")
    run_all()
    first.version.refresh_from_db()
    assert first.version.state == VersionState.CANCELLED
    assert newest(first.document) == second.version
    check_whole(second.version.__class__.objects.get(pk=second.version.pk))
