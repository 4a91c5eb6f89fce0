"""Reads: the catalogue, a prompt's versions, and what uses them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Max, QuerySet

from apps.prompts import doors
from apps.prompts.models import Prompt, PromptVersion


@dataclass(frozen=True, slots=True)
class PromptUse:
    """An assistant that has a release with this version; `is_current` if it answers with it."""

    prompt_id: UUID
    version_number: int
    assistant_name: str
    assistant_slug: str
    is_current: bool


def list_prompts(workspace_id: UUID) -> QuerySet[Prompt]:
    """By name, with `latest` (number), `changed_at` and the labels."""
    return (
        Prompt.objects.filter(workspace_id=workspace_id)
        .annotate(
            latest=Max("versions__number"),
            changed_at=Max("versions__created_at"),
            num_versions=Count("versions"),
        )
        .prefetch_related("labels__version")
        .order_by("name", "pk")
    )


def list_versions(prompt: Prompt) -> QuerySet[PromptVersion]:
    """Newest first."""
    return (
        prompt.versions.select_related("prompt", "created_by")
        .prefetch_related("labels")
        .order_by("-number")
    )


def list_all_versions(workspace_id: UUID) -> QuerySet[PromptVersion]:
    """The versions of all prompts, by prompt and newest first, to choose from."""
    return (
        PromptVersion.objects.filter(workspace_id=workspace_id)
        .select_related("prompt")
        .prefetch_related("labels")
        .order_by("prompt__name", "-number")
    )


def list_uses(workspace_id: UUID, prompt: Prompt | None = None) -> list[PromptUse]:
    """Which assistants use the workspace's prompts, or one of them."""
    uses = doors.list_prompt_uses(workspace_id)
    return [use for use in uses if prompt is None or use.prompt_id == prompt.pk]
