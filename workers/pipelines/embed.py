"""Embedding the passages of many documents together, so that batches are full and even.

A process has one run at a time. It keeps two groups of passages with the embedder, so that one is
stored while the other is computed; it takes in documents as they are queued, and publishes each
as soon as its last vector is stored. The stored vectors are the checkpoint.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from uuid import UUID

from apps.chunking.services import split_version
from apps.core import jobs
from apps.core.embedder import get_embedder
from apps.core.jobs import JobCancelled
from apps.core.models import Job, JobKind, JobState
from apps.documents.models import Collection, DocumentVersion
from apps.retrieval.indexes.following import IndexChangedError
from apps.retrieval.indexes.publishing import MAX_CHUNKS, is_new, publish_new
from apps.retrieval.indexes.services import (
    PendingChunk,
    VectorsMissingError,
    ensure_live_index,
    pending_chunks,
    publish_version,
    store_embeddings,
)
from apps.retrieval.models import Index
from inference.errors import ModelError
from workers.claims import claim_due, close_connection, fence, fence_all, still_wanted
from workers.failures import TemporaryError, fail_internally, is_temporary, put_back
from workers.heartbeat import heart
from workers.pipelines.shares import choose_group
from workers.pipelines.versions import (
    add_progress,
    find_versions,
    show_embedding,
    update_version,
)

logger = logging.getLogger(__name__)

GROUP_CHUNKS = 64
"""Passages per call of the embedder: a second or two, which is also how often progress shows."""

LANES = 2
GROUPS_AHEAD = 4
"""Groups submitted to the lanes, running or waiting, so that publishing never leaves them idle."""

ENOUGH_CHUNKS = 512
"""With this many passages of short documents loaded, no further documents are taken in. Those of
long ones do not count: who waits behind them would wait for minutes."""

MAX_DOCUMENTS = 64
"""Documents in hand at the most, however long they are."""

GROUP_ATTEMPTS = 3
"""A document fails after its passages have aborted this many runs."""

LOAD_CHUNKS = 1024
CLAIM_JOBS = 16
LOOK_EVERY_S = 1.0
SHOW_EVERY_S, SHOW_LONG_EVERY_S = 2.0, 0.4
"""How often progress is written: for all documents, and for those longer than one group."""


@dataclass(slots=True)
class _Work:
    """One document being embedded. `unstored` counts its loaded passages without a vector."""

    job: Job
    version: DocumentVersion
    index: Index
    unstored: int = 0
    is_complete: bool = False
    """Whether every passage without a vector was loaded."""


@dataclass(slots=True)
class EmbedRun:
    """One run, with the documents, passages and groups that it is working on."""

    pool: ThreadPoolExecutor
    works: dict[UUID, _Work] = field(default_factory=dict)
    chunks: list[PendingChunk] = field(default_factory=list)
    groups: dict[Future[None], list[PendingChunk]] = field(default_factory=dict)
    indexes: dict[UUID, Index] = field(default_factory=dict)
    admitting: list[Job] = field(default_factory=list)
    stored: Counter[UUID] = field(default_factory=Counter)
    """How many passages of each document were stored since progress was last written."""

    served: Counter[UUID] = field(default_factory=Counter)
    """How many passages of each workspace were handed to the embedder."""

    looked_at: float = 0.0
    shown_at: float = field(default_factory=time.monotonic)
    long_shown_at: float = 0.0

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
            self._show_progress()

    def jobs(self) -> list[Job]:
        """The jobs that the run is working on."""
        return [*self.admitting, *(work.job for work in self.works.values())]

    def _take_in(self) -> None:
        while len(self.works) < MAX_DOCUMENTS and self._count_short() < ENOUGH_CHUNKS:
            self.admitting = claim_due(JobKind.EMBED_VERSION, limit=CLAIM_JOBS)
            if not self.admitting:
                return
            heart.add(self.admitting)
            works = self._admit(self.admitting)
            self.works |= {work.version.pk: work for work in works}
            self.admitting = []
            self._load(works)
            self._start_groups()

    def _count_short(self) -> int:
        """Passages in hand of documents that fit into a group."""
        counts = Counter(chunk.version_id for chunk in self.chunks)
        return sum(count for count in counts.values() if count <= GROUP_CHUNKS)

    def _admit(self, claimed: Sequence[Job]) -> list[_Work]:
        """The jobs that still have something to do, with their versions and indexes."""
        versions = find_versions(claimed)
        works = []
        for job in claimed:
            version = versions.get(job.payload["version_id"])
            if version is None:
                jobs.finish(job, JobState.CANCELLED)
                heart.remove([job])
            else:
                works.append(self._begin(job, version))
        show_embedding([work.version.pk for work in works])
        return works

    def _begin(self, job: Job, version: DocumentVersion) -> _Work:
        index = self._find_index(version.document.collection)
        if job.payload.get("profile_id", str(index.profile_id)) != str(index.profile_id):
            _split_again(version, index)  # another index has gone live since the document was read
        return _Work(job, version, index)

    def _change_index(self, work: _Work) -> None:
        """Continue with the index that is live now."""
        collection = work.version.document.collection
        self.indexes.pop(collection.pk, None)
        work.index = self._find_index(collection)
        _split_again(work.version, work.index)

    def _find_index(self, collection: Collection) -> Index:
        if collection.pk not in self.indexes:
            self.indexes[collection.pk] = ensure_live_index(collection)
        return self.indexes[collection.pk]

    def _load(self, works: Sequence[_Work]) -> None:
        """Load the passages that have no vector, for all documents of an index in one query."""
        for index in {work.index.pk: work.index for work in works}.values():
            ids = [work.version.pk for work in works if work.index.pk == index.pk]
            loaded = pending_chunks(index, version_ids=ids, limit=LOAD_CHUNKS)
            counts = Counter(chunk.version_id for chunk in loaded)
            for version_id in ids:
                self.works[version_id].unstored = counts[version_id]
                self.works[version_id].is_complete = len(loaded) < LOAD_CHUNKS
            self.chunks.extend(loaded)
        # Passages of similar length share a batch, so that little is computed for padding.
        self.chunks.sort(key=lambda chunk: chunk.length)
        for work in works:
            done = work.version.num_chunks - work.unstored
            if work.is_complete and 0 < done != work.version.chunks_done:
                update_version(work.version.pk, chunks_done=done)

    def _start_groups(self) -> None:
        # A small group wastes computation on padding, so it is sent only when nothing else is.
        while self.chunks and (
            not self.groups
            or (len(self.chunks) >= GROUP_CHUNKS and len(self.groups) < GROUPS_AHEAD)
        ):
            group = self._next_group()
            indexes = {chunk.version_id: self.works[chunk.version_id].index for chunk in group}
            future = self.pool.submit(_embed_group, group, indexes)
            self.groups[future] = group

    def _next_group(self) -> list[PendingChunk]:
        """A group in which every workspace and every document in hand has its share."""
        turns = {
            version_id: (self.served[work.version.workspace_id], number)
            for number, (version_id, work) in enumerate(self.works.items())
        }
        group = choose_group(self.chunks, size=GROUP_CHUNKS, turns=turns)
        taken = {chunk.chunk_id for chunk in group}
        self.chunks = [chunk for chunk in self.chunks if chunk.chunk_id not in taken]
        for chunk in group:
            self.served[self.works[chunk.version_id].version.workspace_id] += 1
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
                    self.stored[version_id] += count

    def _check_group(self, future: Future[None], group: Sequence[PendingChunk]) -> None:
        """Raise a group's error, or fail its documents if they have aborted too many runs."""
        error = future.exception()
        if error is None:
            return
        works = [self.works[pk] for pk in {chunk.version_id for chunk in group} & set(self.works)]
        if is_temporary(error) or any(work.job.attempts < GROUP_ATTEMPTS for work in works):
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
        alive = still_wanted(self.jobs())
        for version_id, work in list(self.works.items()):
            if work.job.pk not in alive:
                self._drop(version_id)

    def _drop(self, version_id: UUID) -> None:
        work = self.works.pop(version_id, None)
        if work is None:
            return
        heart.remove([work.job])
        self.stored.pop(version_id, None)
        if work.unstored > 0:
            self.chunks = [chunk for chunk in self.chunks if chunk.version_id != version_id]

    def _show_progress(self) -> None:
        """Write progress. Published documents have left by now, so short ones cost no write."""
        now = time.monotonic()
        if now - self.shown_at >= SHOW_EVERY_S:
            self.shown_at = now
            counts = dict(self.stored)
        elif now - self.long_shown_at >= SHOW_LONG_EVERY_S:
            long = {pk for pk, w in self.works.items() if w.version.num_chunks > GROUP_CHUNKS}
            counts = {pk: count for pk, count in self.stored.items() if pk in long}
        else:
            return
        self.long_shown_at = now
        add_progress(counts)
        for version_id in counts:
            del self.stored[version_id]

    def _publish_complete(self) -> int:
        count = self._publish_new()
        for version_id, work in list(self.works.items()):
            if work.unstored > 0:
                continue
            try:
                published = work.is_complete and self._publish(work)
            except Exception as error:
                if is_temporary(error):
                    raise
                self._fail(work, error)
                continue
            if published:
                self._drop(version_id)
                count += 1
            else:
                self._load([work])
            self._start_groups()
        return count

    def _publish_new(self) -> int:
        """Publish new documents of an index together. If that fails, they stay in the run."""
        ready = [w for w in self.works.values() if w.unstored <= 0 and w.is_complete]
        by_index: dict[UUID, list[_Work]] = {}
        for work in ready:
            if is_new(work.version) and work.version.num_chunks <= MAX_CHUNKS // CLAIM_JOBS:
                by_index.setdefault(work.index.pk, []).append(work)
        count = 0
        for works in by_index.values():
            for start in range(0, len(works), CLAIM_JOBS):
                count += self._publish_together(works[start : start + CLAIM_JOBS])
                self._start_groups()
        return count

    def _publish_together(self, works: Sequence[_Work]) -> int:
        try:
            with fence_all([work.job for work in works]) as jobs_held:
                ours = [work for work in works if work.job in jobs_held]
                published = publish_new([w.version for w in ours], index=works[0].index)
                done = [work for work in ours if work.version.pk in published]
                jobs.finish_all([work.job for work in done], JobState.SUCCEEDED)
        except Exception as error:
            if is_temporary(error):
                raise
            # Publishing them one by one shows which of them failed, and why.
            logger.info("not published together: %s", type(error).__name__)
            return 0
        for work in done:
            self._drop(work.version.pk)
        return len(done)

    def _publish(self, work: _Work) -> bool:
        """Publish the version and end the job in one transaction; False if vectors are missing.

        They are also missing if another index has gone live meanwhile.
        """
        try:
            with fence(work.job):
                publish_version(work.version, index=work.index)
                jobs.finish(work.job, JobState.SUCCEEDED)
        except VectorsMissingError:
            return False
        except IndexChangedError:
            self._change_index(work)
            return False
        except JobCancelled:
            logger.info("job %s was cancelled before its end", work.job.pk)
        return True


def embed_versions() -> int:
    """Embed and publish all queued documents; returns how many ended.

    After an error the unfinished jobs are queued again with a short pause, and the error is
    raised. Vectors that were stored until then are kept.
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
    """Embed a group and store its vectors. Runs in a thread of the pool."""
    try:
        for model in {index.embedding_model for index in indexes.values()}:
            _embed_with(model, group, indexes)
    finally:
        close_connection()


def _embed_with(model: str, group: Sequence[PendingChunk], indexes: dict[UUID, Index]) -> None:
    """Embed and store the passages of a group whose index uses this model."""
    chunks = [c for c in group if indexes[c.version_id].embedding_model == model]
    try:
        vectors = get_embedder(model).encode([chunk.text for chunk in chunks])
    except ModelError as error:
        if error.retryable:
            raise TemporaryError(error.message) from error
        raise
    for index in {
        indexes[chunk.version_id].pk: indexes[chunk.version_id] for chunk in chunks
    }.values():
        rows = [n for n, chunk in enumerate(chunks) if indexes[chunk.version_id] == index]
        store_embeddings(index, [chunks[n].chunk_id for n in rows], vectors[rows])


def _split_again(version: DocumentVersion, index: Index) -> None:
    version.num_chunks = split_version(version, profile=index.profile)
    update_version(version.pk, num_chunks=version.num_chunks, chunks_done=0)


def _put_back(claimed: Iterable[Job], error: BaseException) -> None:
    logger.warning("embedding stopped: %s", type(error).__name__)
    close_connection()
    for job in claimed:
        put_back(job)
