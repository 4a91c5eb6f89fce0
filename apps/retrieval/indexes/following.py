"""What whoever publishes a version has to do with indexes that others swap and build."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from apps.core import jobs
from apps.core.models import Job, JobKind, JobState
from apps.retrieval.models import Index, IndexState

# FOR KEY SHARE lets others publish and count at the same time; who swaps takes FOR UPDATE and
# waits until the transaction ends.
HOLD = """
SELECT index.state, ARRAY(
    SELECT other.id FROM retrieval_index other
    WHERE other.collection_id = index.collection_id AND other.state = 'building'
      AND other.discarded_at IS NULL)
FROM retrieval_index index WHERE index.id = %s FOR KEY SHARE OF index
"""


class IndexChangedError(Exception):
    """The index is not the live one any more: somebody has swapped it."""


def hold_live(index: Index) -> list[UUID]:
    """Keep the index live until the transaction ends; returns those being built beside it.

    Raises IndexChangedError if it is not the live one.
    """
    with connection.cursor() as cursor:
        cursor.execute(HOLD, [index.pk])
        row = cursor.fetchone()
    if row is None or row[0] != IndexState.LIVE:
        raise IndexChangedError
    return list(row[1])


def follow_up(building: Sequence[UUID]) -> None:
    """In the transaction that makes a version current: the indexes being built want it too.

    Their jobs stay locked until the transaction ends, so one that is about to end sees the
    version; one that has ended well goes on. Those that failed or were stopped stay so.
    """
    if not building:
        return
    keys = [str(pk) for pk in building]
    locked = Job.objects.select_for_update(no_key=True).filter(
        kind=JobKind.BUILD_INDEX, key__in=keys
    )
    for job in locked.order_by("key"):
        if job.state == JobState.SUCCEEDED:
            enqueue_build(job.workspace_id, index_id=UUID(job.key))


def enqueue_build(workspace_id: UUID, *, index_id: UUID) -> None:
    """Queue the job that gives an index the documents it lacks."""
    jobs.enqueue(
        JobKind.BUILD_INDEX,
        workspace_id=workspace_id,
        key=str(index_id),
        payload={"index_id": str(index_id)},
    )
