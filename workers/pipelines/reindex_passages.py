"""Making people's changes to passages searchable, in all indexes of one document."""

from __future__ import annotations

from uuid import UUID

from apps.core.models import Job, JobState
from apps.retrieval.passages.alignment import refresh_passages
from workers.claims import still_wanted


def reindex_passages(job: Job) -> None:
    """Split, embed and index the changed passages of the job's document. May run twice."""

    def show(done: int, total: int) -> None:
        Job.objects.filter(pk=job.pk, state=JobState.RUNNING, worker=job.worker).update(
            done=done, total=total
        )

    if still_wanted([job]):
        refresh_passages(UUID(job.payload["document_id"]), progress=show)
