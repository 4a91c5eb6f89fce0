"""What people ask, for the editors of a workspace, as far as its setting shows it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from apps.assistants.access import get_assistant_by_slug
from apps.assistants.selectors import list_assistants
from apps.chat.access import find_hidden_files, shows_conversations
from apps.chat.selectors import list_turns
from apps.feedback.conversations.access import get_team_conversation
from apps.feedback.conversations.forms import ConversationFilterForm, ReviewForm
from apps.feedback.conversations.selectors import (
    OutcomeFilter,
    ReviewFilter,
    list_team_conversations,
    view_conversation,
    view_conversations,
)
from apps.feedback.conversations.services import review_conversation
from apps.feedback.models import ReviewState
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role

PAGE_SIZE = 25


@require_GET
@workspace_view(role=Role.EDITOR)
def listing(request: WorkspaceRequest) -> HttpResponse:
    """All of the workspace."""
    context = _list_context(request) | {
        "nav": "feedback",
        "tab": "conversations",
        "assistants": list_assistants(request.workspace.pk),
    }
    return render(request, "feedback/conversations/list.html", context)


@require_GET
@workspace_view(role=Role.EDITOR)
def of_assistant(request: WorkspaceRequest, assistant_slug: str) -> HttpResponse:
    """Those with one assistant, as a tab of its own."""
    assistant = get_assistant_by_slug(request.workspace.pk, assistant_slug)
    context = _list_context(request, assistant_slug=assistant_slug) | {
        "nav": "assistants",
        "tab": "conversations",
        "assistant": assistant,
    }
    return render(request, "feedback/conversations/of_assistant.html", context)


def _list_context(request: WorkspaceRequest, *, assistant_slug: str = "") -> dict[str, Any]:
    """Invalid filters are ignored, so that an old link still opens."""
    values = request.GET.dict()
    if assistant_slug:
        values["assistant"] = assistant_slug
    form = ConversationFilterForm(values)
    paginator = Paginator(list_team_conversations(request.workspace, form.read()), PAGE_SIZE)
    page = paginator.get_page(request.GET.get("page"))
    return {
        "is_shown": shows_conversations(request.workspace),
        "page": page,
        "rows": view_conversations(page.object_list),
        "filters": {name: request.GET.get(name, "") for name in form.fields},
        "is_filtered": any(request.GET.get(name) for name in form.fields),
        "outcomes": OutcomeFilter.choices,
        "states": ReviewFilter.choices,
        "num_total": paginator.count,
    }


@require_GET
@workspace_view(role=Role.EDITOR)
def conversation(request: WorkspaceRequest, conversation_id: UUID) -> HttpResponse:
    """One conversation to read, with its sources, and where the team stands with it."""
    row = get_team_conversation(request, conversation_id)
    context = {
        "nav": "feedback",
        "conversation": view_conversation(row),
        "turns": list_turns(
            row, request.workspace, without=find_hidden_files(row, user=request.user)
        ),
        "states": ReviewState.choices,
    }
    return render(request, "feedback/conversations/conversation.html", context)


@require_POST
@workspace_view(role=Role.EDITOR)
def review(request: WorkspaceRequest, conversation_id: UUID) -> HttpResponse:
    """Mark it as to review or as resolved."""
    row = get_team_conversation(request, conversation_id)
    form = ReviewForm(request.POST)
    if not form.is_valid():
        return HttpResponseBadRequest(
            "Choose “To review” or “Resolved”; a note has at most 2,000 characters."
        )
    review_conversation(
        row,
        state=ReviewState(form.cleaned_data["state"]),
        note=form.cleaned_data["note"],
        actor=request.actor,
    )
    return redirect("feedback:conversation", request.workspace.slug, row.pk)
