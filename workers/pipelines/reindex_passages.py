"""Making changes to passages and labels searchable, in all indexes of one document."""

from __future__ import annotations

from uuid import UUID

from apps.core.models import Job, JobState
from apps.retrieval.passages.refresh import refresh_chunks
from apps.retrieval.passages.relabel import relabel_document
from workers.claims import still_wanted


def reindex_passages(job: Job) -> None:
    """Split, embed and index what changed of the job's document. May run twice."""

    def show(done: int, total: int) -> None:
        Job.objects.filter(pk=job.pk, state=JobState.RUNNING, worker=job.worker).update(
            done=done, total=total
        )

    if not still_wanted([job]):
        return
    document_id = UUID(job.payload["document_id"])
    if job.payload.get("labels"):
        relabel_document(document_id)
    else:
        refresh_chunks(document_id, progress=show)
