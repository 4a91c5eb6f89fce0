"""Reading short plain texts of a workspace several at a time, because they come in bursts.

One child process reads them and one transaction stores them all. A document that raises any problem
is left to `parse_version`, which handles each case and tells its users.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from threading import BoundedSemaphore
from uuid import UUID

from django.db import connection
from django.utils import timezone

from apps.chunking.models import ChunkingProfile
from apps.chunking.planning import CutVersion, cut_texts
from apps.chunking.services import store_first_chunks
from apps.core import jobs
from apps.core.models import Job, JobKind, JobState
from apps.documents.models import OPEN_STATES, DocumentVersion, Page
from apps.documents.selectors import PAGE_SEPARATOR
from apps.documents.storage import locate_blob
from apps.retrieval.indexes.publishing import is_new
from apps.retrieval.indexes.services import ensure_live_index
from parsing.types import Opened, ParsedPage
from workers.claims import claim_swarm, close_connection, fence_all
from workers.failures import is_temporary
from workers.heartbeat import heart
from workers.pipelines.ingest import PageStore, parser
from workers.pipelines.versions import END_READING, find_versions
from workers.runner import run_job

logger = logging.getLogger(__name__)

TOGETHER = 12
"""How many plain texts are read together at most."""

GATHER_S = 0.1
"""Seconds to wait for more after a batch was not full, since uploads arrive one by one."""


@dataclass(frozen=True, slots=True)
class _Read:
    """One document that was read and cut and is not stored yet."""

    store: PageStore
    cut: CutVersion
    profile: ChunkingProfile


LARGE_AT_ONCE = 2
_large = BoundedSemaphore(LARGE_AT_ONCE)
"""Large documents take two of the threads that read, so that a short one never waits for them."""


def read_swarms() -> int:
    """Read all queued documents, plain texts several at a time; returns how many jobs ended."""
    count = 0
    while claimed := _read_next():
        count += len(claimed)
        if "plain" in claimed[0].payload and len(claimed) < TOGETHER:
            time.sleep(GATHER_S)
    return count


def _read_next() -> list[Job]:
    """Read what is due next, and return its jobs; none if there is nothing for this thread."""
    may_be_large = _large.acquire(blocking=False)
    try:
        claimed = claim_swarm(JobKind.PARSE_VERSION, limit=TOGETHER, small_only=not may_be_large)
        if claimed and may_be_large and _is_small(claimed[0]):
            _large.release()
            may_be_large = False
        _read_claimed(claimed)
        return claimed
    finally:
        if may_be_large:
            _large.release()


def _is_small(job: Job) -> bool:
    return "small" in job.payload or "plain" in job.payload


def _read_claimed(claimed: Sequence[Job]) -> None:
    heart.add(claimed)
    try:
        done = _try_together(claimed) if len(claimed) > 1 else set()
        for job in claimed:
            if job.pk not in done:
                run_job(job)
    finally:
        heart.remove(claimed)


def _try_together(claimed: Sequence[Job]) -> set[UUID]:
    """The ids of the jobs that ended. After any error `run_job` has to run the others."""
    try:
        return read_together(claimed)
    except Exception as error:
        logger.warning("not read together: %s", type(error).__name__)
        if is_temporary(error):
            close_connection()
        return set()


def read_together(claimed: Sequence[Job]) -> set[UUID]:
    """Read, cut and store what is unproblematic; returns the ids of the jobs that ended."""
    began = timezone.now()
    reads = _cut(_read(claimed))
    with fence_all([read.store.job for read in reads]) as jobs_held:
        ours = [read for read in reads if read.store.job in jobs_held]
        _store(ours, began=began)
        ended = [read.store.job for read in ours]
        jobs.finish_all(ended, JobState.SUCCEEDED)
    return {job.pk for job in ended}


def _read(claimed: Sequence[Job]) -> list[PageStore]:
    versions = find_versions(claimed)
    works = [
        (job, version)
        for job in claimed
        if (version := versions.get(job.payload["version_id"])) and is_new(version)
    ]
    files = [(locate_blob(version.blob), version.filename) for _, version in works]
    parsed = parser().parse_plain(files)
    stores = [
        _collect(job, version, items)
        for (job, version), items in zip(works, parsed, strict=True)
        if items is not None
    ]
    return [store for store in stores if store.has_text and store.is_whole]


def _collect(job: Job, version: DocumentVersion, items: Sequence[Opened | ParsedPage]) -> PageStore:
    store = PageStore(job, version, next_number=1, next_start=0)
    for item in items:
        if isinstance(item, Opened):
            store.note(item)
        else:
            store.take(item)
    return store


def _cut(stores: Sequence[PageStore]) -> list[_Read]:
    collections = {store.version.document.collection for store in stores}
    profiles = {one.pk: ensure_live_index(one).profile for one in collections}
    reads = []
    for store in stores:
        profile = profiles[store.version.document.collection_id]
        reads.append(_Read(store, cut_texts(store.page_texts(), profile=profile), profile))
    return reads


def _store(reads: Sequence[_Read], *, began: dt.datetime) -> None:
    """Store pages and passages and queue the embedding, inside the caller's transaction."""
    counts: dict[UUID, int] = {}
    for profile in {read.profile for read in reads}:
        alike = [(read.store.version, read.cut) for read in reads if read.profile == profile]
        stored = store_first_chunks(alike, profile=profile)
        counts |= {version.pk: n for (version, _), n in zip(alike, stored, strict=True)}
    stores = sorted((read.store for read in reads), key=lambda store: store.version.pk)
    Page.objects.bulk_create([page for store in stores for page in store.waiting])
    with connection.cursor() as cursor:
        cursor.execute(
            END_READING,
            [
                began,
                [store.version.pk for store in stores],
                [store.next_number - 1 for store in stores],
                *([store.known[name] for store in stores] for name in ("title", "note")),
                [store.known["media_type"] for store in stores],
                [counts[store.version.pk] for store in stores],
                [store.next_start - len(PAGE_SEPARATOR) for store in stores],
                list(OPEN_STATES),
            ],
        )
    jobs.enqueue_all(
        JobKind.EMBED_VERSION,
        [
            (
                read.store.version.workspace_id,
                str(read.store.version.pk),
                {
                    "version_id": str(read.store.version.pk),
                    "profile_id": str(read.profile.pk),
                },
            )
            for read in reads
        ],
    )
