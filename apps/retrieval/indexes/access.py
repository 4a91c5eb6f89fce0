"""How a request gets at an index or a saved query. Missing and forbidden look alike."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404

from apps.chunking.models import ChunkingProfile
from apps.retrieval.models import Index, SavedQuery
from apps.workspaces.models import Workspace


def get_index(workspace: Workspace | UUID, index_id: UUID) -> Index:
    """The workspace's index with this id, with its collection and profile, or Http404."""
    index = (
        Index.objects.select_related("collection", "profile", "created_by")
        .filter(
            workspace=workspace,
            pk=index_id,
            discarded_at=None,
            collection__deleted_at=None,
            collection__is_private=False,
        )
        .first()
    )
    if index is None:
        raise Http404
    return index


def get_saved_query(workspace: Workspace | UUID, query_id: UUID) -> SavedQuery:
    """The workspace's saved query with this id, or Http404."""
    query = SavedQuery.objects.filter(workspace=workspace, pk=query_id).first()
    if query is None:
        raise Http404
    return query


def get_profile(workspace: Workspace | UUID, profile_id: UUID) -> ChunkingProfile:
    """The workspace's chunking profile with this id, or Http404."""
    profile = ChunkingProfile.objects.filter(workspace=workspace, pk=profile_id).first()
    if profile is None:
        raise Http404
    return profile
