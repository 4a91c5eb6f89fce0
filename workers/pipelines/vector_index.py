"""Bringing what a large index has beside its rows up to date: vector index, packed terms.

Whoever takes the job asks Postgres what there is and what there should be, so it may run twice,
and after a crash it begins again. Searches go on meanwhile, with what there was before.
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
    """Queue the job for every index that needs it; remove vector indexes that nobody owns."""
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
    """Give an index the vector index and packed terms that it should have, and take others away.

    A job that fails leaves the reason on its row, and the index is searched without.
    """
    index = Index.objects.filter(pk=job.payload["index_id"]).first()
    if index is None:
        return
    wanted = ann.wanted_vectors(index)
    if wanted is None:
        _set(index.pk, ann_state=AnnState.NONE, ann_built="")
        ann.drop_others(index.pk, keep=())
        return
    if ann.terms_are_old(index):
        packing.pack(index)
    if index.ann_built != wanted.label or not ann.list_relations().get(wanted.name):
        _replace(job, index, wanted)
    ann.drop_others(index.pk, keep=[wanted.name])


def _replace(job: Job, index: Index, wanted: VectorIndex) -> None:
    _set(index.pk, ann_state=AnnState.BUILDING)
    try:
        _build_watched(job, wanted, num_chunks=index.num_chunks)
    except JobCancelled:
        _set(index.pk, ann_state=AnnState.FAILED)
        raise
    except Exception:
        if connection.in_atomic_block:
            raise
        close_connection()
        _set(index.pk, ann_state=AnnState.FAILED)
        raise
    # From here on searches use it. What they used before goes afterwards.
    _set(index.pk, ann_state=AnnState.READY, ann_built=wanted.label)


def _build_watched(job: Job, wanted: VectorIndex, *, num_chunks: int) -> None:
    """Build in a thread of its own while this one shows the progress and obeys a cancellation."""
    if connection.in_atomic_block:  # nobody else would see what this transaction has written
        ann.build(wanted, num_chunks=num_chunks)
        return
    build = _Build(wanted, num_chunks)
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
    """A build on a connection of its own, which others can look at and cancel."""

    def __init__(self, wanted: VectorIndex, num_chunks: int) -> None:
        self.backend_pid = 0
        self._wanted = wanted
        self._num_chunks = num_chunks

    def run(self) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                self.backend_pid = int(cursor.fetchone()[0])
            ann.build(self._wanted, num_chunks=self._num_chunks)
        finally:
            close_connection()

    def cancel(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_cancel_backend(%s)", [self.backend_pid])


def _show(job: Job, progress: ann.VectorIndexProgress) -> None:
    if progress.total:
        Job.objects.filter(pk=job.pk).update(done=progress.done, total=progress.total)


def _set(index_id: UUID, **fields: str) -> None:
    Index.objects.filter(pk=index_id).update(**fields)
