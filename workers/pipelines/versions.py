"""Updates of a version by the pipelines. A version that has ended is never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from apps.core.jobs import JobCancelled
from apps.core.models import Job
from apps.documents.models import OPEN_STATES, DocumentVersion, Stage, VersionState

# Locked in the order of ids, as publishing does, so that the two cannot deadlock.
ADD_PROGRESS = """
WITH stored AS (SELECT * FROM unnest(%s::uuid[], %s::int[]) AS stored (id, count)),
open AS MATERIALIZED (
    SELECT version.id FROM documents_documentversion version JOIN stored USING (id)
    WHERE version.state = ANY(%s) ORDER BY version.id FOR NO KEY UPDATE OF version
)
UPDATE documents_documentversion version SET chunks_done = chunks_done + stored.count
FROM open JOIN stored USING (id)
WHERE version.id = open.id AND version.chunks_done + stored.count <= version.num_chunks
"""


END_READING = """
UPDATE documents_documentversion version
SET state = 'processing', stage = 'embedding', stage_started_at = NULL, started_at = %s,
    pages_done = read.pages, pages_total = read.pages, title = read.title, note = read.note,
    media_type = read.media_type, num_chunks = read.chunks, chunks_done = 0, num_chars = read.chars
FROM unnest(%s::uuid[], %s::int[], %s::text[], %s::text[], %s::text[], %s::int[], %s::int[])
    AS read (id, pages, title, note, media_type, chunks, chars)
WHERE version.id = read.id AND version.state = ANY(%s)
"""


def find_version(job: Job) -> DocumentVersion | None:
    """The job's version, or None if there is nothing left to do for it."""
    return next(iter(find_versions([job]).values()), None)


def find_versions(jobs: Sequence[Job]) -> dict[str, DocumentVersion]:
    """The versions of the jobs, by id, without those for which there is nothing left to do."""
    versions = DocumentVersion.objects.select_related("document__collection", "workspace").filter(
        pk__in=[job.payload["version_id"] for job in jobs],
        state__in=OPEN_STATES,
        document__deleted_at=None,
        document__collection__deleted_at=None,
    )
    return {str(version.pk): version for version in versions}


def update_version(version_id: UUID, **fields: Any) -> bool:
    """Set fields of a version; False if it has ended meanwhile, and nothing was set."""
    rows = DocumentVersion.objects.filter(pk=version_id, state__in=OPEN_STATES).update(**fields)
    return rows == 1


def begin_stage(job: Job, version: DocumentVersion, stage: Stage) -> None:
    """Show that the version has reached a stage. Raises JobCancelled if it has ended meanwhile.

    It needs no fence: a worker that has lost its job may show a stage for a moment without harm.
    """
    now = timezone.now()
    began = version.started_at or now
    is_open = update_version(
        version.pk,
        state=VersionState.PROCESSING,
        stage=stage,
        stage_started_at=now,
        started_at=began,
    )
    if not is_open:
        raise JobCancelled
    version.stage, version.started_at = stage, began


def show_embedding(version_ids: Sequence[UUID]) -> None:
    """Show that the embedding of these versions has started."""
    DocumentVersion.objects.filter(pk__in=version_ids, state__in=OPEN_STATES).update(
        state=VersionState.PROCESSING, stage=Stage.EMBEDDING, stage_started_at=timezone.now()
    )


def fail_version(version_id: str | UUID, *, code: str, reason: str) -> None:
    """Fail a version, with a reason written for whoever uploaded it."""
    DocumentVersion.objects.filter(pk=version_id, state__in=OPEN_STATES).update(
        state=VersionState.FAILED, reason_code=code, reason=reason
    )


def fail_version_of(job: Job, *, code: str, reason: str) -> None:
    """Fail the version that a failed job was for. A broken payload may name none."""
    if version_id := job.payload.get("version_id"):
        fail_version(version_id, code=code, reason=reason)


def add_progress(stored: Mapping[UUID, int]) -> None:
    """Add newly embedded passages to the progress of their versions, up to the number they have."""
    if stored:
        with connection.cursor() as cursor:
            cursor.execute(ADD_PROGRESS, [list(stored), list(stored.values()), list(OPEN_STATES)])
