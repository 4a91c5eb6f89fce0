"""What publishing a version has to do about indexes that others swap and build."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from apps.core import jobs
from apps.core.models import Job, JobKind, JobState
from apps.retrieval.models import Index, IndexState

# FOR KEY SHARE lets others publish and update counters at the same time. A swap takes FOR UPDATE
# and waits until the transaction ends.
HOLD = """
SELECT index.state, ARRAY(
    SELECT other.id FROM retrieval_index other
    WHERE other.collection_id = index.collection_id AND other.state = 'building'
      AND other.discarded_at IS NULL)
FROM retrieval_index index WHERE index.id = %s FOR KEY SHARE OF index
"""


class IndexChangedError(Exception):
    """The index is no longer the live one: somebody has swapped it."""


def hold_live(index: Index) -> list[UUID]:
    """Keep the index live until the transaction ends; returns the ids of those being built.

    Raises IndexChangedError if it is not the live one.
    """
    with connection.cursor() as cursor:
        cursor.execute(HOLD, [index.pk])
        row = cursor.fetchone()
    if row is None or row[0] != IndexState.LIVE:
        raise IndexChangedError
    return list(row[1])


def follow_up(building: Sequence[UUID]) -> None:
    """Make sure that indexes being built get a version that this transaction makes current.

    Their jobs are locked until the transaction ends, so a job that is about to finish sees the
    version; one that has succeeded is queued again. Failed and stopped ones are left alone.
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
