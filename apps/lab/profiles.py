"""The profiles that the lab starts with: the default, a variation of it, or a release's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db.models import F, QuerySet

from apps.assistants.models import Release
from apps.retrieval.models import Index, IndexState
from apps.retrieval.search.profiles import DEFAULT_PROFILE, ProfileError, RetrievalProfile

KEYS = ("a", "b")
RELEASE_FIELD = "{}-release"
INDEX_FIELD = "{}-index"
FIRST_CHANGE = {"a": {}, "b": {"rerank": "late"}}


def base_profiles(workspace_id: UUID, query: Mapping[str, str]) -> dict[str, RetrievalProfile]:
    """The starting profile of each side: that of the named release, or else the default.

    If two indexes are compared, both sides start equal; otherwise the second starts with a
    variation, so that there is a difference to see.
    """
    is_of_indexes = any(query.get(INDEX_FIELD.format(key)) for key in KEYS)
    profiles = {}
    for key in KEYS:
        profile = _of_release(workspace_id, query.get(RELEASE_FIELD.format(key), ""))
        change = {} if is_of_indexes else FIRST_CHANGE[key]
        profiles[key] = profile or DEFAULT_PROFILE.change(change)
    return profiles


def _of_release(workspace_id: UUID, release_id: str) -> RetrievalProfile | None:
    try:
        release = Release.objects.filter(workspace_id=workspace_id, pk=UUID(release_id)).first()
        return RetrievalProfile.parse(release.retrieval) if release else None
    except (ValueError, ProfileError):
        return None


def chosen_index(workspace_id: UUID, index_id: str) -> Index | None:
    """The index that a side searches instead of the live ones; None for the live ones."""
    try:
        return list_other_indexes(workspace_id).filter(pk=UUID(index_id)).first()
    except ValueError:
        return None


def list_other_indexes(workspace_id: UUID) -> QuerySet[Index]:
    """Indexes that are building or retired and contain passages."""
    return (
        Index.objects.filter(workspace_id=workspace_id, discarded_at=None, num_chunks__gt=0)
        .filter(collection__deleted_at=None, collection__is_private=False)
        .exclude(state=IndexState.LIVE)
        .select_related("collection", "profile")
        .order_by("collection__name", "-created_at")
    )


def list_profile_releases(workspace_id: UUID) -> Sequence[Release]:
    """The current releases, ordered by assistant name."""
    return list(
        Release.objects.filter(workspace_id=workspace_id, assistant__current_id=F("pk"))
        .select_related("assistant")
        .order_by("assistant__name")
    )
