"""Embedding: the passages of many documents together, so that batches are full and even.

One run at a time and process. It keeps two groups of passages with the embedder, so that one is
being stored while the other is computed, takes in documents as they are queued, and publishes
each as soon as its last vector is stored. Vectors that are stored are the checkpoint.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from uuid import UUID

from apps.core import jobs
from apps.core.embedder import get_embedder
from apps.core.jobs import JobCancelled
from apps.core.models import Job, JobKind, JobState
from apps.documents.models import DocumentVersion, Stage
from apps.retrieval.models import Index
from apps.retrieval.services import (
    PendingChunk,
    VectorsMissingError,
    ensure_live_index,
    pending_chunks,
    publish_version,
    store_embeddings,
)
from workers.claims import claim_due, close_connection, fence, still_wanted
from workers.failures import fail_internally, is_passing, put_back
from workers.heartbeat import heart
from workers.pipelines.versions import add_progress, begin_stage, find_version, update_version

logger = logging.getLogger(__name__)

GROUP_CHUNKS = 64
"""Passages per call of the embedder: a second or two, which is also how often progress shows."""

LANES = 2
ENOUGH_CHUNKS = 512
"""Passages in hand beyond which no further documents are taken in."""

GROUP_ATTEMPTS = 3
"""After this many runs that broke off on a document's passages, the document is given up."""

LOAD_CHUNKS = 1024
CLAIM_JOBS = 16
LOOK_EVERY_S = 1.0


@dataclass(slots=True)
class _Work:
    """One document being embedded. `unstored` counts its passages that were loaded."""

    job: Job
    version: DocumentVersion
    index: Index
    unstored: int = 0
    is_complete: bool = False
    """Whether every passage without a vector was loaded."""


@dataclass(slots=True)
class EmbedRun:
    """The documents, the passages and the groups in hand of one run."""

    pool: ThreadPoolExecutor
    works: dict[UUID, _Work] = field(default_factory=dict)
    chunks: list[PendingChunk] = field(default_factory=list)
    groups: dict[Future[None], list[PendingChunk]] = field(default_factory=dict)
    admitting: list[Job] = field(default_factory=list)
    looked_at: float = 0.0

    def run(self) -> int:
        """Work until no document is left; returns how many ended."""
        ended = 0
        while True:
            self._take_in()
            self._start_groups()
            if not self.works:
                return ended
            self._await_group()
            self._drop_unwanted()
            ended += self._publish_complete()

    def jobs(self) -> list[Job]:
        """The jobs in hand."""
        return [*self.admitting, *(work.job for work in self.works.values())]

    def _take_in(self) -> None:
        while len(self.chunks) < ENOUGH_CHUNKS:
            claimed = claim_due(JobKind.EMBED_VERSION, limit=CLAIM_JOBS)
            if not claimed:
                return
            heart.add(claimed)
            self.admitting = claimed
            while self.admitting:
                self._admit(self.admitting[0])
                self.admitting.pop(0)

    def _admit(self, job: Job) -> None:
        version = find_version(job)
        if version is None:
            jobs.finish(job, JobState.CANCELLED)
            heart.remove([job])
            return
        try:
            begin_stage(job, version, Stage.EMBEDDING)
        except JobCancelled:
            heart.remove([job])
            return
        work = _Work(job, version, ensure_live_index(version.document.collection))
        self.works[version.pk] = work
        self._load(work)
        done = version.num_chunks - work.unstored
        if work.is_complete and done != version.chunks_done:
            update_version(version.pk, chunks_done=max(0, done))

    def _load(self, work: _Work) -> None:
        loaded = pending_chunks(work.index, version_ids=[work.version.pk], limit=LOAD_CHUNKS)
        work.unstored = len(loaded)
        work.is_complete = len(loaded) < LOAD_CHUNKS
        self.chunks.extend(loaded)
        # Batches of like lengths waste no computation on padding.
        self.chunks.sort(key=lambda chunk: len(chunk.text))

    def _start_groups(self) -> None:
        while self.chunks and len(self.groups) < LANES:
            group = self._next_group()
            indexes = {chunk.version_id: self.works[chunk.version_id].index for chunk in group}
            future = self.pool.submit(_embed_group, group, indexes)
            self.groups[future] = group

    def _next_group(self) -> list[PendingChunk]:
        """The longest passage of the document that waits longest, among others about as long."""
        order = {version_id: number for number, version_id in enumerate(self.works)}
        backwards = range(len(self.chunks) - 1, -1, -1)
        end = 1 + min(backwards, key=lambda at: order[self.chunks[at].version_id])
        start = max(0, end - GROUP_CHUNKS)
        group = self.chunks[start : start + GROUP_CHUNKS]
        del self.chunks[start : start + GROUP_CHUNKS]
        return group

    def _await_group(self) -> None:
        if not self.groups:
            return
        done, _ = wait(self.groups, timeout=LOOK_EVERY_S, return_when=FIRST_COMPLETED)
        for future in done:
            group = self.groups.pop(future)
            self._check_group(future, group)
            for version_id, count in Counter(chunk.version_id for chunk in group).items():
                work = self.works.get(version_id)
                if work is not None:
                    work.unstored -= count

    def _check_group(self, future: Future[None], group: Sequence[PendingChunk]) -> None:
        """Raise a group's error, unless its documents have failed too often for that."""
        error = future.exception()
        if error is None:
            return
        works = [self.works[pk] for pk in {chunk.version_id for chunk in group} & set(self.works)]
        if is_passing(error) or any(work.job.attempts < GROUP_ATTEMPTS for work in works):
            raise error
        for work in works:
            self._fail(work, error)

    def _fail(self, work: _Work, error: BaseException) -> None:
        fail_internally(work.job, error)
        self._drop(work.version.pk)

    def _drop_unwanted(self) -> None:
        if time.monotonic() - self.looked_at < LOOK_EVERY_S:
            return
        self.looked_at = time.monotonic()
        wanted = still_wanted(self.jobs())
        for version_id, work in list(self.works.items()):
            if work.job.pk not in wanted:
                self._drop(version_id)

    def _drop(self, version_id: UUID) -> None:
        work = self.works.pop(version_id, None)
        if work is None:
            return
        heart.remove([work.job])
        self.chunks = [chunk for chunk in self.chunks if chunk.version_id != version_id]

    def _publish_complete(self) -> int:
        count = 0
        for version_id, work in list(self.works.items()):
            if work.unstored > 0:
                continue
            try:
                published = work.is_complete and self._publish(work)
            except Exception as error:
                if is_passing(error):
                    raise
                self._fail(work, error)
                continue
            if published:
                self._drop(version_id)
                count += 1
            else:
                self._load(work)
        return count

    def _publish(self, work: _Work) -> bool:
        """Swap the version in and end the job, together; False if vectors are missing after all."""
        try:
            with fence(work.job):
                publish_version(work.version, index=work.index)
                jobs.finish(work.job, JobState.SUCCEEDED)
        except VectorsMissingError:
            return False
        except JobCancelled:
            logger.info("job %s was cancelled before its end", work.job.pk)
        return True


def embed_versions() -> int:
    """Embed and publish all queued documents; returns how many ended.

    After an error the jobs in hand go back into the queue with a short pause, and the error is
    raised: what was stored until then stays.
    """
    pool = ThreadPoolExecutor(LANES, thread_name_prefix="embed-lane")
    run = EmbedRun(pool)
    try:
        return run.run()
    except BaseException as error:
        pool.shutdown(wait=True, cancel_futures=True)
        _put_back(run.jobs(), error)
        raise
    finally:
        pool.shutdown(wait=True)
        heart.remove(run.jobs())


def _embed_group(group: Sequence[PendingChunk], indexes: dict[UUID, Index]) -> None:
    """Runs in a lane: vectors of a group into Postgres, then the progress of its documents."""
    try:
        vectors = get_embedder().encode([chunk.text for chunk in group])
        for index in {index.pk: index for index in indexes.values()}.values():
            rows = [n for n, chunk in enumerate(group) if indexes[chunk.version_id] == index]
            store_embeddings(index, [group[n].chunk_id for n in rows], vectors[rows])
        counts = Counter(chunk.version_id for chunk in group)
        for version_id, count in sorted(counts.items()):
            add_progress(version_id, chunks=count)
    finally:
        close_connection()


def _put_back(taken: Iterable[Job], error: BaseException) -> None:
    logger.warning("embedding stopped: %s", type(error).__name__)
    close_connection()
    for job in taken:
        put_back(job)
