"""What the pipelines write on a version. Only a version that is still being worked on changes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from apps.core.models import Job
from apps.documents.models import DocumentVersion, Stage, VersionState
from apps.documents.services import OPEN_STATES
from workers.claims import fence


def find_version(job: Job) -> DocumentVersion | None:
    """The job's version if there is still something to do for it."""
    return (
        DocumentVersion.objects.select_related("document__collection", "workspace")
        .filter(
            pk=job.payload["version_id"],
            state__in=OPEN_STATES,
            document__deleted_at=None,
            document__collection__deleted_at=None,
        )
        .first()
    )


def update_version(version_id: UUID, **fields: Any) -> bool:
    """Set fields of a version in work; False if it has ended meanwhile."""
    rows = DocumentVersion.objects.filter(pk=version_id, state__in=OPEN_STATES).update(**fields)
    return rows == 1


def begin_stage(job: Job, version: DocumentVersion, stage: Stage) -> None:
    """Show that the version has reached a stage."""
    now = timezone.now()
    with fence(job):
        update_version(
            version.pk,
            state=VersionState.PROCESSING,
            stage=stage,
            stage_started_at=now,
            started_at=version.started_at or now,
        )
    version.stage, version.started_at = stage, version.started_at or now


def fail_version(version_id: str | UUID, *, code: str, reason: str) -> None:
    """End a version with a reason that its sender understands."""
    DocumentVersion.objects.filter(pk=version_id, state__in=OPEN_STATES).update(
        state=VersionState.FAILED, reason_code=code, reason=reason
    )


def add_progress(version_id: UUID, *, chunks: int) -> None:
    """Count passages that have got their vectors; never beyond their number."""
    DocumentVersion.objects.filter(
        pk=version_id, state__in=OPEN_STATES, chunks_done__lte=F("num_chunks") - chunks
    ).update(chunks_done=F("chunks_done") + chunks)
