"""How a request gets at a chunk. Missing and forbidden look alike."""

from __future__ import annotations

from uuid import UUID

from django.db.models import F
from django.http import Http404

from apps.chunking.models import Chunk, ChunkEdit
from apps.workspaces.models import Workspace


def get_chunk(workspace: Workspace | UUID, chunk_id: int) -> Chunk:
    """The workspace's chunk with this id, of a document's current version, or Http404."""
    chunk = (
        Chunk.objects.select_related("version__document__collection", "edit", "profile")
        .filter(
            workspace=workspace,
            pk=chunk_id,
            version__document__current=F("version"),
            version__document__deleted_at=None,
            version__document__collection__deleted_at=None,
            version__document__collection__is_private=False,
        )
        .first()
    )
    if chunk is None:
        raise Http404
    return chunk


def get_edit(workspace: Workspace | UUID, edit_id: UUID) -> ChunkEdit:
    """What somebody changed about a chunk, with its document, or Http404."""
    edit = (
        ChunkEdit.objects.select_related("document__collection", "document__current")
        .filter(
            workspace=workspace,
            pk=edit_id,
            document__deleted_at=None,
            document__collection__deleted_at=None,
            document__collection__is_private=False,
        )
        .first()
    )
    if edit is None:
        raise Http404
    return edit
