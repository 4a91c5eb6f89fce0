"""The suggested questions on the recipe: change, hide, look again."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from apps.assistants.access import get_assistant_by_slug
from apps.assistants.models import Assistant
from apps.assistants.suggestions.selectors import get_suggestion, list_suggestions
from apps.assistants.suggestions.services import (
    MAX_TEXT,
    change_question,
    look_again,
    refresh_if_stale,
)
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role


@require_GET
@workspace_view(role=Role.EDITOR)
def suggestions(request: WorkspaceRequest, assistant_slug: str) -> HttpResponse:
    """The panel; it asks for itself while questions are being looked for."""
    assistant = get_assistant_by_slug(request.workspace.pk, assistant_slug)
    return _render(request, assistant, is_looking=refresh_if_stale(assistant))


def _render(
    request: WorkspaceRequest, assistant: Assistant, *, is_looking: bool, status: int = 200
) -> HttpResponse:
    if not request.htmx and request.method == "POST":
        return redirect("assistants:recipe", request.workspace.slug, assistant.slug)
    context = {
        "assistant": assistant,
        "suggestions": list_suggestions(assistant),
        "is_looking": is_looking,
        "max_text": MAX_TEXT,
    }
    return render(request, "assistants/suggestions/_panel.html", context, status=status)


@require_POST
@workspace_view(role=Role.EDITOR)
def change_suggestion(
    request: WorkspaceRequest, assistant_slug: str, suggestion_id: UUID
) -> HttpResponse:
    """New words, or hide it or show it again; empty words are those that it was found with."""
    assistant = get_assistant_by_slug(request.workspace.pk, assistant_slug)
    shown = request.POST.get("show")
    change_question(
        get_suggestion(assistant, suggestion_id),
        actor=request.actor,
        text=request.POST.get("text"),
        is_hidden=None if shown is None else shown != "1",
    )
    return _render(request, assistant, is_looking=False)


@require_POST
@workspace_view(role=Role.EDITOR)
def look_for_suggestions(request: WorkspaceRequest, assistant_slug: str) -> HttpResponse:
    """Look for questions again, whether or not the documents changed."""
    assistant = get_assistant_by_slug(request.workspace.pk, assistant_slug)
    look_again(assistant)
    return _render(request, assistant, is_looking=True)
