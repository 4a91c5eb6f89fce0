"""Bringing the vector index and the packed terms of a large index up to date.

The job compares what Postgres has with what there should be, so it may run twice, and starts over
after a crash. Until it is done, searches use what was there before.
"""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import suppress
from uuid import UUID

from django.db import connection

from apps.core import jobs
from apps.core.jobs import JobCancelled
from apps.core.models import Job, JobKind
from apps.retrieval.models import AnnState, Index
from apps.retrieval.postings import packing
from apps.retrieval.vectors import ann
from apps.retrieval.vectors.ann_sql import VectorIndex
from workers.claims import close_connection, still_wanted

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0


def send_due() -> None:
    """Queue the job for every index that needs it; drop vector indexes of deleted indexes."""
    for index in ann.find_due():
        jobs.enqueue(
            JobKind.INDEX_VECTORS,
            workspace_id=index.workspace_id,
            key=str(index.pk),
            payload={"index_id": str(index.pk)},
        )
    for name in ann.drop_unused():
        logger.info("dropped %s, whose index is gone", name)


def index_vectors(job: Job) -> None:
    """Build the vector index and packed terms that an index should have, and drop all others.

    If the job fails, it keeps the reason, and searches compare all vectors instead.
    """
    index = Index.objects.filter(pk=job.payload["index_id"]).first()
    if index is None:
        return
    target = ann.wanted_vectors(index)
    if target is None:
        _set(index.pk, ann_state=AnnState.NONE, ann_built="")
        ann.drop_others(index.pk, keep=())
        return
    if ann.terms_are_old(index):
        packing.pack(index)
    if index.ann_built != target.label or not ann.list_relations().get(target.name):
        _replace(job, index, target)
    ann.drop_others(index.pk, keep=[target.name])


def _replace(job: Job, index: Index, target: VectorIndex) -> None:
    _set(index.pk, ann_state=AnnState.BUILDING)
    try:
        _build_watched(job, target, num_chunks=index.num_chunks)
    except JobCancelled:
        _set(index.pk, ann_state=AnnState.FAILED)
        raise
    except Exception:
        if connection.in_atomic_block:
            raise
        close_connection()
        _set(index.pk, ann_state=AnnState.FAILED)
        raise
    # From here on searches use it; the caller drops what they used before.
    _set(index.pk, ann_state=AnnState.READY, ann_built=target.label)


def _build_watched(job: Job, target: VectorIndex, *, num_chunks: int) -> None:
    """Build in another thread, while this one shows the progress and reacts to a cancellation."""
    if connection.in_atomic_block:  # another connection could not see the rows of this transaction
        ann.build(target, num_chunks=num_chunks)
        return
    build = _Build(target, num_chunks)
    with ThreadPoolExecutor(1, thread_name_prefix="vector-index") as pool:
        running: Future[None] = pool.submit(build.run)
        while True:
            try:
                return running.result(timeout=LOOK_EVERY_S)
            except NotYet:
                if job.pk not in still_wanted([job]):
                    build.cancel()
                    with suppress(Exception):
                        running.result()
                    raise JobCancelled from None
                _show(job, ann.progress(build.backend_pid))


class _Build:
    """A build on a connection of its own, so that other threads can watch and cancel it."""

    def __init__(self, target: VectorIndex, num_chunks: int) -> None:
        self.backend_pid = 0
        self._target = target
        self._num_chunks = num_chunks

    def run(self) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                self.backend_pid = int(cursor.fetchone()[0])
            ann.build(self._target, num_chunks=self._num_chunks)
        finally:
            close_connection()

    def cancel(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_cancel_backend(%s)", [self.backend_pid])


def _show(job: Job, progress: ann.Progress) -> None:
    if progress.total:
        Job.objects.filter(pk=job.pk).update(done=progress.done, total=progress.total)


def _set(index_id: UUID, **fields: str) -> None:
    Index.objects.filter(pk=index_id).update(**fields)
