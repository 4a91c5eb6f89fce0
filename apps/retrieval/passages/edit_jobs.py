"""Queues the job that brings a document's chunks in line with people's changes."""

from __future__ import annotations

from uuid import UUID

from apps.chunking.models import ChunkEdit
from apps.core import jobs
from apps.core.ids import uuid7
from apps.core.models import JobKind


def enqueue_refresh(workspace_id: UUID, document_id: UUID, *, labels: bool = False) -> None:
    """Queue a job for each change: a running one may have read the changes before this one.

    With `labels`, what changed are the document's labels and not its passages.
    """
    jobs.enqueue(
        JobKind.REINDEX_PASSAGES,
        workspace_id=workspace_id,
        key=f"{document_id}:{uuid7()}",
        payload={"document_id": str(document_id)} | ({"labels": True} if labels else {}),
    )


def follow_changes(workspace_id: UUID, document_id: UUID) -> None:
    """After a version has become current, apply the changes made while it was being processed.

    The job also updates where each change stands in the new text."""
    if ChunkEdit.objects.filter(document=document_id).exists():
        enqueue_refresh(workspace_id, document_id)
