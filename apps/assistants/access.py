from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404

from apps.assistants.models import Assistant, Release


def get_assistant(workspace_id: UUID, assistant_id: UUID) -> Assistant:
    """The workspace's assistant, or Http404."""
    return _found(_assistants(workspace_id).filter(pk=assistant_id).first())


def get_assistant_by_slug(workspace_id: UUID, slug: str) -> Assistant:
    """The workspace's assistant with this slug, or Http404."""
    return _found(_assistants(workspace_id).filter(slug=slug).first())


def get_current(assistant: Assistant) -> Release:
    """The release that answers, or Http404 if none does."""
    if assistant.current is None:
        raise Http404
    assistant.current.assistant = assistant
    return assistant.current


def get_release(assistant: Assistant, number: int) -> Release:
    """A release of the assistant, or Http404."""
    release = assistant.releases.select_related("assistant", "prompt_version", "endpoint").filter(
        number=number
    )
    if row := release.first():
        return row
    raise Http404


def _assistants(workspace_id: UUID) -> QuerySet[Assistant]:
    return Assistant.objects.select_related("current__endpoint", "current__prompt_version").filter(
        workspace_id=workspace_id
    )


def _found(assistant: Assistant | None) -> Assistant:
    if assistant is None:
        raise Http404
    return assistant
