"""Reading a document: pages are stored as they are parsed, then the text is cut into passages.

The stored pages are the checkpoint: a worker that takes over goes on after the last of them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

from django.db.models import Max
from django.utils import timezone

from apps.chunking.planning import cut_texts
from apps.chunking.services import split_version, store_passages
from apps.chunking.units import PageText
from apps.core import jobs
from apps.core.jobs import JobCancelled
from apps.core.models import Job, JobKind, JobState
from apps.core.text import storable
from apps.documents.models import DocumentVersion, Page, Stage
from apps.documents.selectors import PAGE_SEPARATOR
from apps.documents.storage import locate_blob
from apps.retrieval.indexes.services import ensure_live_index
from parsing.service import ParserService
from parsing.types import Opened, ParsedPage, ParseError
from workers.claims import fence, still_wanted
from workers.failures import TemporaryError
from workers.pipelines.versions import begin_stage, fail_version, find_version, update_version

FLUSH_SECONDS = 0.5
WATCH_SECONDS = 1.0
FLUSH_PAGES = 64
FLUSH_CHARS = 500_000
WHOLE_CHARS = 50_000
"""A document of at most this many characters is stored and cut in one transaction."""

NO_TEXT_REASON = "No text was found in this file."
MISSING_REASON = "The uploaded file is no longer on the server's disk. Upload it again."


@cache
def parser() -> ParserService:
    """The service that parses documents; all threads of the process share it."""
    return ParserService()


def parse_version(job: Job) -> None:
    """Read the job's version, cut it into passages and queue their embedding."""
    version = find_version(job)
    if version is None:
        return
    begin_stage(job, version, Stage.READING)
    try:
        read = _read(job, version)
    except ParseError as error:
        _end_reading(job, version, error)
        return
    if not (read.has_text or _has_text(version)):
        with fence(job):
            read.write(pages_total=read.next_number - 1)
            fail_version(version.pk, code="no_text", reason=_first_note(version) or NO_TEXT_REASON)
        return
    profile = ensure_live_index(version.document.collection).profile
    if read.is_whole:
        # Cut before the transaction, so that the job's row is not locked while that takes.
        cut = cut_texts(read.page_texts(), profile=profile)
        with fence(job):
            count = store_passages(version, cut, profile=profile)
            _hand_over(job, read, num_chunks=count, profile_id=profile.pk)
        return
    count = split_version(version, profile=profile)
    with fence(job):
        _hand_over(job, read, num_chunks=count, profile_id=profile.pk)


def _read(job: Job, version: DocumentVersion) -> PageStore:
    path = locate_blob(version.blob)
    if not path.is_file():
        raise ParseError("missing", MISSING_REASON)
    store = PageStore.resume(job, version)
    try:
        items = parser().parse(
            path,
            filename=version.filename,
            first_page=store.next_number,
            cancelled=_Watch(job).is_unwanted,
        )
        for item in items:
            if isinstance(item, Opened):
                store.open(item)
            else:
                store.add(item)
    except ParseError:
        store.flush()
        raise
    if not store.is_whole:
        store.flush(is_last=True)
    return store


def _end_reading(job: Job, version: DocumentVersion, error: ParseError) -> None:
    if error.code == "cancelled":
        raise JobCancelled
    if error.code == "crashed" and job.attempts < 2:
        raise TemporaryError(error.reason)
    with fence(job):
        fail_version(version.pk, code=error.code, reason=error.reason)


def _has_text(version: DocumentVersion) -> bool:
    return Page.objects.filter(version=version, text__regex=r"\S").exists()


def _first_note(version: DocumentVersion) -> str:
    notes = Page.objects.filter(version=version).exclude(note="").order_by("number")
    return notes.values_list("note", flat=True).first() or ""


def _hand_over(job: Job, read: PageStore, *, num_chunks: int, profile_id: UUID) -> None:
    """Queue the embedding and end this job in one transaction."""
    version = read.version
    read.write(
        pages_total=read.next_number - 1,
        stage=Stage.EMBEDDING,
        stage_started_at=None,
        num_chunks=num_chunks,
        chunks_done=0,
        num_chars=read.next_start - len(PAGE_SEPARATOR),
    )
    jobs.enqueue(
        JobKind.EMBED_VERSION,
        workspace_id=version.workspace_id,
        key=str(version.pk),
        payload={"version_id": str(version.pk), "profile_id": str(profile_id)},
    )
    jobs.finish(job, JobState.SUCCEEDED)


@dataclass(slots=True)
class _Watch:
    """Checks once a second whether the job was cancelled, even while one page takes long."""

    job: Job
    looked_at: float = field(default_factory=time.monotonic)

    def is_unwanted(self) -> bool:
        if time.monotonic() - self.looked_at < WATCH_SECONDS:
            return False
        self.looked_at = time.monotonic()
        return not still_wanted([self.job])


@dataclass(slots=True)
class PageStore:
    """Collects pages and writes them in small transactions, at least once a second.

    A short document (`is_whole`) is stored at once, in the transaction that ends its reading.
    """

    job: Job
    version: DocumentVersion
    next_number: int
    next_start: int
    waiting: list[Page] = field(default_factory=list)
    waiting_chars: int = 0
    has_text: bool = False
    known: dict[str, Any] = field(default_factory=dict)
    """Fields of the version that are not written yet."""

    stored: int = 0
    """Pages that are in Postgres already."""

    flushed_at: float = field(default_factory=time.monotonic)

    @classmethod
    def resume(cls, job: Job, version: DocumentVersion) -> PageStore:
        """Continue after the last stored page."""
        if job.attempts == 1:
            return cls(job, version, next_number=1, next_start=0)
        last = Page.objects.filter(version=version).aggregate(number=Max("number"), end=Max("end"))
        if last["number"] is None:
            return cls(job, version, next_number=1, next_start=0)
        start = last["end"] + len(PAGE_SEPARATOR)
        return cls(
            job, version, next_number=last["number"] + 1, next_start=start, stored=last["number"]
        )

    @property
    def is_whole(self) -> bool:
        """Whether no page is stored yet and all are short enough to be stored and cut together."""
        return self.stored == 0 and self.waiting_chars <= WHOLE_CHARS

    def page_texts(self) -> list[PageText]:
        """The pages that are not stored yet."""
        return [PageText(p.number, p.text, p.start, p.blocks) for p in self.waiting]

    def open(self, opened: Opened) -> None:
        """Note what precedes the pages, and write it unless the document has only one page."""
        self.note(opened)
        if opened.pages_total > 1:
            self.flush()

    def note(self, opened: Opened) -> None:
        """Note the title, type and number of pages; they are written with the next pages."""
        self.known = {
            "pages_total": opened.pages_total,
            "title": storable(opened.title)[:500],
            "media_type": opened.media_type[:120],
            "note": storable(opened.metadata.get("note", "")),
        }

    def add(self, parsed: ParsedPage) -> None:
        """Collect a page, and write the collected pages if they are many or old."""
        self.take(parsed)
        is_old = time.monotonic() - self.flushed_at > FLUSH_SECONDS
        if is_old or len(self.waiting) >= FLUSH_PAGES or self.waiting_chars >= FLUSH_CHARS:
            self.flush()

    def take(self, parsed: ParsedPage) -> None:
        """Collect a page without writing anything."""
        text = storable(parsed.text, keep_length=True)
        end = self.next_start + len(text)
        self.waiting.append(
            Page(
                workspace_id=self.version.workspace_id,
                version=self.version,
                number=parsed.number,
                label=storable(parsed.label)[:300],
                text=text,
                start=self.next_start,
                end=end,
                width=parsed.width,
                height=parsed.height,
                note=storable(parsed.note),
                blocks=[[b.kind, b.level, b.start, b.end] for b in parsed.blocks],
                boxes=[[b.start, b.end, b.x0, b.y0, b.x1, b.y1] for b in parsed.boxes],
            )
        )
        self.next_start, self.next_number = end + len(PAGE_SEPARATOR), parsed.number + 1
        self.waiting_chars += len(text)
        self.has_text = self.has_text or bool(text.strip())

    def flush(self, *, is_last: bool = False) -> None:
        """Write the collected pages. Raises JobCancelled if the job is no longer ours."""
        fields: dict[str, Any] = {}
        if is_last:
            fields = {
                "stage": Stage.SPLITTING,
                "stage_started_at": timezone.now(),
                "pages_total": self.next_number - 1,
            }
        with fence(self.job):
            self.write(**fields)
        self.flushed_at = time.monotonic()

    def write(self, **fields: Any) -> None:
        """Write the collected pages and fields; the caller holds the fence."""
        Page.objects.bulk_create(self.waiting)
        update_version(
            self.version.pk, **{**self.known, "pages_done": self.next_number - 1, **fields}
        )
        self.stored += len(self.waiting)
        self.known, self.waiting, self.waiting_chars = {}, [], 0
