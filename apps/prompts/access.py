from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404

from apps.prompts.models import Prompt, PromptLabel, PromptVersion


def get_prompt(workspace_id: UUID, prompt_id: UUID) -> Prompt:
    """The workspace's prompt, or Http404."""
    prompt = Prompt.objects.filter(workspace_id=workspace_id, pk=prompt_id).first()
    if prompt is None:
        raise Http404
    return prompt


def get_version(prompt: Prompt, name: str) -> PromptVersion:
    """The version of this number, or the one that the label of this name is on, or Http404."""
    if name.isdecimal() and len(name) < 9:
        return _found(_versions().filter(prompt=prompt, number=int(name)))
    return _found(_versions().filter(prompt=prompt, labels__name=name))


def get_version_by_id(workspace_id: UUID, version_id: UUID) -> PromptVersion:
    """A version of any of the workspace's prompts, or Http404."""
    return _found(_versions().filter(workspace_id=workspace_id, pk=version_id))


def get_label(prompt: Prompt, name: str) -> PromptLabel:
    """The prompt's label of this name, or Http404."""
    label = PromptLabel.objects.select_related("version").filter(prompt=prompt, name=name).first()
    if label is None:
        raise Http404
    return label


def _versions() -> QuerySet[PromptVersion]:
    return PromptVersion.objects.select_related("prompt", "created_by").prefetch_related("labels")


def _found(rows: QuerySet[PromptVersion]) -> PromptVersion:
    version = rows.first()
    if version is None:
        raise Http404
    return version
