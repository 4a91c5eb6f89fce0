"""Reads: assistants for lists, releases for the recipe page, models for the API."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.postgres.aggregates import BoolOr
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum

from apps.assistants.models import Assistant, Promotion, Release
from apps.assistants.recipes.changes import find_endpoints
from apps.assistants.recipes.fields import SETTINGS
from apps.documents.models import Collection
from apps.prompts.selectors import PromptUse
from apps.retrieval.models import Index, IndexState
from apps.retrieval.search.profiles import STEP_ENDPOINTS, RetrievalProfile


def list_assistants(workspace_id: UUID) -> QuerySet[Assistant]:
    """The workspace's assistants by name, with their current release and its endpoint."""
    return (
        Assistant.objects.filter(workspace_id=workspace_id)
        .select_related("current__endpoint", "current__prompt_version")
        .prefetch_related("current__collections")
        .order_by("name", "pk")
    )


def list_models(workspace_id: UUID) -> list[dict[str, Any]]:
    """The assistants as the OpenAI protocol lists models."""
    rows = Assistant.objects.filter(workspace_id=workspace_id).order_by("slug")
    return [
        {
            "id": assistant.slug,
            "object": "model",
            "created": int(assistant.created_at.timestamp()),
            "owned_by": "plumbline",
            "name": assistant.name,
        }
        for assistant in rows
    ]


def list_releases(assistant: Assistant) -> QuerySet[Release]:
    """Newest first, with `was_promoted` (False: a candidate) and `is_current`."""
    return (
        assistant.releases.select_related("created_by", "prompt_version__prompt")
        .annotate(
            was_promoted=Exists(Promotion.objects.filter(release=OuterRef("pk"))),
            is_current=Q(pk=assistant.current_id),
        )
        .order_by("-number")
    )


def list_promotions(assistant: Assistant) -> QuerySet[Promotion]:
    """Newest first: when which release began to answer."""
    return assistant.promotions.select_related(
        "release__assistant", "previous", "created_by"
    ).order_by("-created_at", "-id")


def find_before(release: Release) -> Release | None:
    """The release that answered before this one was last promoted, or else the one made before."""
    promotion = list_promotions(release.assistant).filter(release=release).first()
    if promotion is not None and promotion.previous is not None:
        return promotion.previous
    return list_releases(release.assistant).filter(number__lt=release.number).first()


def list_prompt_uses(workspace_id: UUID) -> list[PromptUse]:
    """Which assistants have releases with which prompt versions."""
    rows = (
        Release.objects.filter(workspace_id=workspace_id)
        .values_list(
            "prompt_version__prompt_id",
            "prompt_version__number",
            "assistant__name",
            "assistant__slug",
        )
        .annotate(current=BoolOr(Q(pk=F("assistant__current_id"))))
        .order_by("assistant__name", "prompt_version__number")
    )
    return [PromptUse(*row) for row in rows]


def list_endpoint_uses(workspace_id: UUID) -> dict[UUID, list[str]]:
    """What asks each endpoint now: assistants by name, and the step where it is not the answer."""
    uses: dict[UUID, list[str]] = {}
    for assistant in list_assistants(workspace_id):
        release = assistant.current
        if release is None:
            continue
        if release.endpoint_id is not None:
            uses.setdefault(release.endpoint_id, []).append(assistant.name)
        profile = RetrievalProfile.parse(release.retrieval)
        for name, endpoint in find_endpoints(workspace_id, profile).items():
            step = SETTINGS[STEP_ENDPOINTS[name][0]].label
            uses.setdefault(endpoint.pk, []).append(f"{assistant.name}: {step}")
    return uses


def name_assistants(workspace_id: UUID) -> dict[UUID, list[str]]:
    """The names of the assistants that answer from each collection, by name."""
    pairs = (
        Collection.objects.filter(
            workspace_id=workspace_id, releases__assistant__current=F("releases__pk")
        )
        .values_list("pk", "releases__assistant__name")
        .order_by("releases__assistant__name")
        .distinct()
    )
    names: dict[UUID, list[str]] = {}
    for pk, name in pairs:
        names.setdefault(pk, []).append(name)
    return names


def list_collection_ids(release: Release | None) -> tuple[UUID, ...]:
    """The release's collections."""
    if release is None:
        return ()
    return tuple(release.collections.values_list("pk", flat=True))


def count_searchable(release: Release | None) -> int:
    """How many passages the release's collections hold."""
    if release is None:
        return 0
    indexes = Index.objects.filter(collection__releases=release, state=IndexState.LIVE)
    return indexes.aggregate(total=Sum("num_chunks"))["total"] or 0
