"""Building an index beside the live one, and clearing one away.

All documents are split first, so that the amount to embed is known; then their passages are
embedded, document by document, in batches of similar length. Each round asks Postgres what is
missing, so a worker that takes over goes on where the last one stopped, and documents that arrive
meanwhile are included before the index counts as ready.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.chunking.models import Chunk
from apps.chunking.services import split_version
from apps.core import jobs
from apps.core.embedder import get_embedder
from apps.core.jobs import JobCancelled
from apps.core.models import Job, JobKind, JobState
from apps.documents.models import Document, DocumentVersion
from apps.retrieval.indexes import builds, coverage
from apps.retrieval.indexes.services import (
    PendingChunk,
    VectorsMissingError,
    pending_chunks,
    store_embeddings,
)
from apps.retrieval.models import BuildStage, Index, IndexState
from apps.retrieval.postings import writing as postings
from apps.workspaces.services import Actor
from inference.errors import ModelError, ModelFilesError
from inference.protocols import Embedder
from workers.claims import close_connection, fence, still_wanted

logger = logging.getLogger(__name__)

GROUP_CHUNKS = 64
LOAD_CHUNKS = 1024
VERSIONS_AT_ONCE = 32
LANES = 2
WATCH_SECONDS = 1.0
GIVE_WAY_SECONDS = 1.0
RETRY_SECONDS = 15.0


def build_index(job: Job) -> None:
    """Add every missing document to the job's index; swap it in if that was requested."""
    index = (
        Index.objects.select_related("profile", "created_by")
        .filter(pk=job.payload["index_id"], discarded_at=None)
        .first()
    )
    if index is None:
        raise JobCancelled
    if index.state != IndexState.BUILDING:
        return  # an earlier worker made it live and died before it ended the job
    try:
        with ThreadPoolExecutor(LANES, thread_name_prefix="build-lane") as pool:
            _Build(job, index, get_embedder(index.embedding_model), pool).run()
    except coverage.IndexGoneError as error:
        raise JobCancelled from error
    except ModelFilesError as error:
        _fail(job, str(error))
    except ModelError as error:
        if error.retryable:
            jobs.postpone(job, seconds=RETRY_SECONDS, reason=f"{error.message} Trying again soon.")
        else:
            _fail(job, error.message)


def _fail(job: Job, reason: str) -> None:
    with fence(job):
        jobs.finish(job, JobState.FAILED, reason=reason)


@dataclass(slots=True)
class _Build:
    """One run of a build, which ends when nothing is missing."""

    job: Job
    index: Index
    embedder: Embedder
    pool: ThreadPoolExecutor
    looked_at: float = 0.0
    waiting: deque[Future[None]] = field(default_factory=deque)

    def run(self) -> None:
        """Split, embed and add documents until none is missing."""
        while True:
            self._split_all()
            self._show_totals()
            self._embed_all()
            if self._finish():
                return

    def _split_all(self) -> None:
        total = coverage.count_missing(self.index)
        self._show(BuildStage.SPLITTING, done=0, total=total)
        after, done = coverage.FIRST, 0
        while documents := coverage.list_unsplit(self.index, after=after, limit=VERSIONS_AT_ONCE):
            for document_id, version_id in documents:
                self._watch()
                self._split(document_id, version_id)
                done += 1
                self._update_job(done=done)
            after = documents[-1][0]

    def _split(self, document_id: UUID, version_id: UUID) -> None:
        version = DocumentVersion.objects.select_related("workspace").filter(pk=version_id).first()
        if version is None:
            return
        split_version(version, profile=self.index.profile)
        with transaction.atomic():
            # If the version was replaced meanwhile, its passages are gone: remove these as well.
            document = Document.objects.select_for_update(no_key=True).filter(pk=document_id)
            if not document.filter(current_id=version_id, deleted_at=None).exists():
                postings.remove_passages([version_id])

    def _split_rest(self, documents: Sequence[tuple[UUID, UUID]]) -> None:
        """Split the versions that became current after `_split_all`."""
        ids = [version_id for _, version_id in documents]
        rows = Chunk.objects.filter(version_id__in=ids, profile=self.index.profile_id)
        have = set(rows.values_list("version_id", flat=True).distinct())
        for document_id, version_id in documents:
            if version_id not in have:
                self._split(document_id, version_id)

    def _show_totals(self) -> None:
        total, done = coverage.count_passages(self.index)
        self._show(BuildStage.EMBEDDING, done=done, total=total)

    def _embed_all(self) -> None:
        after = coverage.FIRST
        while documents := coverage.list_missing(self.index, after=after, limit=VERSIONS_AT_ONCE):
            version_ids = [version_id for _, version_id in documents]
            self._split_rest(documents)
            reused = coverage.reuse_vectors(self.index, version_ids=version_ids)
            self._update_job(done=F("done") + reused)
            self._embed(version_ids)
            for document_id, version_id in documents:
                self._hold(document_id, version_id)
            after = documents[-1][0]

    def _embed(self, version_ids: Sequence[UUID]) -> None:
        while pending := pending_chunks(self.index, version_ids=version_ids, limit=LOAD_CHUNKS):
            # Passages of similar length share a batch, so that little is computed for padding.
            pending.sort(key=lambda chunk: chunk.length)
            for start in range(0, len(pending), GROUP_CHUNKS):
                self._watch()
                self._give_way()
                while len(self.waiting) >= LANES:
                    self.waiting.popleft().result()
                group = pending[start : start + GROUP_CHUNKS]
                self.waiting.append(self.pool.submit(self._embed_group, group))
            while self.waiting:
                self.waiting.popleft().result()

    def _embed_group(self, group: Sequence[PendingChunk]) -> None:
        try:
            vectors = self.embedder.encode([chunk.text for chunk in group])
            stored = store_embeddings(self.index, [chunk.chunk_id for chunk in group], vectors)
            self._update_job(done=F("done") + stored)
        finally:
            close_connection()

    def _hold(self, document_id: UUID, version_id: UUID) -> None:
        try:
            coverage.hold_version(document_id, version_id, index=self.index)
        except VectorsMissingError as error:
            # Its passages were changed while they were embedded: the next round includes it again.
            logger.info("version %s waits for %s vectors", version_id, error.missing)

    def _finish(self) -> bool:
        """End the job if nothing is missing. A version that is published later queues it again."""
        self.index.refresh_from_db(fields=["goes_live"])
        if self.index.goes_live:
            try:
                builds.swap_now(self.index, actor=Actor(user=self.index.created_by))
            except builds.NotReadyError:
                return False
            with fence(self.job):
                jobs.finish(self.job, JobState.SUCCEEDED)
            return True
        with transaction.atomic():
            # Index before job, the order in which publishing locks them.
            rows = Index.objects.filter(pk=self.index.pk, state=IndexState.BUILDING)
            if not rows.select_for_update(no_key=True).exists():
                raise coverage.IndexGoneError
            with fence(self.job):
                if coverage.count_missing(self.index):
                    return False
                jobs.finish(self.job, JobState.SUCCEEDED)
            now = timezone.now()
            rows.update(stage=BuildStage.READY, ready_at=Coalesce("ready_at", Value(now)))
        return True

    def _show(self, stage: BuildStage, *, done: int, total: int) -> None:
        Index.objects.filter(pk=self.index.pk).update(stage=stage)
        self._update_job(done=done, total=total)

    def _update_job(self, **values: object) -> None:
        Job.objects.filter(pk=self.job.pk, state=JobState.RUNNING, worker=self.job.worker).update(
            **values
        )

    def _watch(self) -> None:
        """Check once a second whether the build was cancelled."""
        if time.monotonic() - self.looked_at < WATCH_SECONDS:
            return
        self.looked_at = time.monotonic()
        if not still_wanted([self.job]):
            raise JobCancelled

    def _give_way(self) -> None:
        """Wait a moment while new documents are being embedded: they come first."""
        kinds = Job.objects.filter(kind=JobKind.EMBED_VERSION, state=JobState.RUNNING)
        if kinds.exists():
            time.sleep(GIVE_WAY_SECONDS)


def discard_index(job: Job) -> None:
    """Remove the rows of a discarded index in batches, and finally the index itself."""
    index = Index.objects.filter(pk=job.payload["index_id"]).exclude(discarded_at=None).first()
    if index is None:
        return
    while builds.remove_rows(index.pk):
        _check_wanted(job)
    while builds.remove_passages_or_row(index):
        _check_wanted(job)


def _check_wanted(job: Job) -> None:
    if not still_wanted([job]):
        raise JobCancelled
