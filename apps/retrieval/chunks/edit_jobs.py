"""Queueing the job that brings a document's passages in line with what people changed."""

from __future__ import annotations

from uuid import UUID

from apps.chunking.models import ChunkEdit
from apps.core import jobs
from apps.core.ids import uuid7
from apps.core.models import JobKind


def enqueue_refresh(workspace_id: UUID, document_id: UUID) -> None:
    """A job of its own for each change: one that runs already may have read the changes before."""
    jobs.enqueue(
        JobKind.REINDEX_PASSAGES,
        workspace_id=workspace_id,
        key=f"{document_id}:{uuid7()}",
        payload={"document_id": str(document_id)},
    )


def follow_changes(workspace_id: UUID, document_id: UUID) -> None:
    """After another version became current: what was changed while it was on its way must be put
    in, and the changes get to know where they stand now."""
    if ChunkEdit.objects.filter(document=document_id).exists():
        enqueue_refresh(workspace_id, document_id)
