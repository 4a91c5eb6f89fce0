"""How a request gets at a collection, a document or a version. Missing and forbidden look alike."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404

from apps.documents.models import Collection, Document, DocumentVersion
from apps.workspaces.models import Workspace


def get_collection(workspace: Workspace | UUID, collection_id: UUID) -> Collection:
    """The workspace's collection with this id, or Http404."""
    found = Collection.objects.filter(
        workspace=workspace, pk=collection_id, deleted_at=None
    ).first()
    if found is None:
        raise Http404
    return found


def get_document(workspace: Workspace | UUID, document_id: UUID) -> Document:
    """The workspace's document with this id, or Http404. A deleted one is gone at once."""
    found = (
        Document.objects.select_related("collection", "current")
        .filter(workspace=workspace, pk=document_id, deleted_at=None, collection__deleted_at=None)
        .first()
    )
    if found is None:
        raise Http404
    return found


def get_version(workspace: Workspace | UUID, version_id: UUID) -> DocumentVersion:
    """The workspace's version with this id, with its document, or Http404."""
    found = (
        DocumentVersion.objects.select_related("document__collection")
        .filter(
            workspace=workspace,
            pk=version_id,
            document__deleted_at=None,
            document__collection__deleted_at=None,
        )
        .first()
    )
    if found is None:
        raise Http404
    return found
