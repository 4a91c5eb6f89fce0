"""The profiles that the lab begins with: the default, a change of it, or a release's own."""

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
    """What each side starts from: the release that is named, or else the default.

    Where two indexes are compared, both sides search in the same way; otherwise the second
    begins with a change, so that there is something to see.
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
    """Indexes that are not live and hold something: being built, or retired."""
    return (
        Index.objects.filter(workspace_id=workspace_id, discarded_at=None, num_chunks__gt=0)
        .filter(collection__deleted_at=None)
        .exclude(state=IndexState.LIVE)
        .select_related("collection", "profile")
        .order_by("collection__name", "-created_at")
    )


def list_profile_releases(workspace_id: UUID) -> Sequence[Release]:
    """The releases that answer now, by their assistant's name."""
    return list(
        Release.objects.filter(workspace_id=workspace_id, assistant__current_id=F("pk"))
        .select_related("assistant")
        .order_by("assistant__name")
    )
