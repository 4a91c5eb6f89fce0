"""Making people's changes to passages searchable: one document to a job, in all its indexes."""

from __future__ import annotations

from uuid import UUID

from apps.core.models import Job, JobState
from apps.retrieval.chunks.refresh import refresh_chunks
from workers.claims import still_wanted


def reindex_passages(job: Job) -> None:
    """Split, embed and index what was changed in the job's document. May run twice."""

    def show(done: int, total: int) -> None:
        Job.objects.filter(pk=job.pk, state=JobState.RUNNING, worker=job.worker).update(
            done=done, total=total
        )

    if still_wanted([job]):
        refresh_chunks(UUID(job.payload["document_id"]), progress=show)
