"""The chat page and what its buttons do. What touches a running answer is in `stream_views`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_GET, require_POST

from apps.assistants.access import get_assistant_by_slug
from apps.assistants.models import Assistant
from apps.assistants.selectors import count_searchable, list_collection_ids
from apps.assistants.suggestions.selectors import list_shown
from apps.chat.access import get_conversation
from apps.chat.asking.files import list_files
from apps.chat.asking.scopes import list_choices, read_current_scope
from apps.chat.conversations.services import delete_conversations
from apps.chat.conversations.views import read_list
from apps.chat.models import Conversation
from apps.chat.selectors import export_markdown, list_turns
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest


def _show(
    request: WorkspaceRequest, assistant: Assistant, conversation: Conversation | None
) -> HttpResponse:
    scope = read_current_scope(conversation)
    files = list_files(conversation) if conversation else []
    context: dict[str, Any] = {
        "questions": list_shown(assistant) if not conversation else [],
        "scope": scope,
        "choices": list_choices(list_collection_ids(assistant.current), scope),
        "files": files,
        "has_unfinished": any(file.is_unfinished for file in files),
        "max_upload_mb": settings.MAX_UPLOAD_BYTES // 1_048_576,
        "nav": "assistants",
        "tab": "chat",
        "assistant": assistant,
        "conversation": conversation,
        "listed": read_list(request, assistant),
        "open_id": str(conversation.pk) if conversation else "",
        "turns": list_turns(conversation, request.workspace) if conversation else [],
        "num_passages": count_searchable(assistant.current),
    }
    return render(request, "chat/chat.html", context)


@require_GET
@workspace_view()
def new(request: WorkspaceRequest, assistant_slug: str) -> HttpResponse:
    """An empty conversation; it is stored with its first question."""
    return _show(request, get_assistant_by_slug(request.workspace.pk, assistant_slug), None)


@require_GET
@workspace_view()
def conversation(
    request: WorkspaceRequest, assistant_slug: str, conversation_id: UUID
) -> HttpResponse:
    row = get_conversation(request, conversation_id)
    if row.assistant.slug != assistant_slug:
        raise Http404
    return _show(request, row.assistant, row)


@require_GET
@workspace_view()
def export(request: WorkspaceRequest, conversation_id: UUID) -> HttpResponse:
    """The conversation as a Markdown file."""
    conversation = get_conversation(request, conversation_id)
    text = export_markdown(conversation, list_turns(conversation, request.workspace))
    response = HttpResponse(text, content_type="text/markdown; charset=utf-8")
    name = slugify(conversation.title)[:60] or "conversation"
    response["Content-Disposition"] = f'attachment; filename="{name}.md"'
    return response


@require_POST
@workspace_view()
def delete(request: WorkspaceRequest, conversation_id: UUID) -> HttpResponse:
    conversation = get_conversation(request, conversation_id)
    delete_conversations(request.workspace.pk, [conversation.pk])
    return redirect("chat:new", request.workspace.slug, conversation.assistant.slug)
