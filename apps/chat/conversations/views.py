"""A person's own list of conversations: searched, renamed, pinned, deleted.

What changes a conversation answers with the whole list, because its place may have changed.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBadRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from apps.assistants.access import get_assistant_by_slug
from apps.assistants.models import Assistant
from apps.chat.access import get_conversation, get_own_conversations
from apps.chat.conversations.forms import ListForm, NameForm, PinForm, SelectionForm
from apps.chat.conversations.selectors import ConversationList, list_own
from apps.chat.conversations.services import (
    NameMissingError,
    change_conversation,
    delete_conversations,
)
from apps.chat.models import Conversation
from apps.chat.refusals import refuse
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest


def read_list(request: WorkspaceRequest, assistant: Assistant) -> ConversationList:
    """The list as the request narrows it. What is not understood narrows nothing."""
    form = ListForm(request.POST if request.method == "POST" else request.GET)
    form.is_valid()
    return list_own(
        assistant,
        request.user,
        search=form.cleaned_data.get("search", ""),
        shown=form.cleaned_data.get("shown") or 0,
    )


def _show_list(request: WorkspaceRequest, assistant: Assistant) -> HttpResponse:
    source = request.POST if request.method == "POST" else request.GET
    context: dict[str, Any] = {
        "assistant": assistant,
        "listed": read_list(request, assistant),
        "open_id": source.get("conversation", ""),
    }
    return render(request, "chat/conversations/_groups.html", context)


def _answer(request: WorkspaceRequest, conversation: Conversation) -> HttpResponseBase:
    if request.htmx:
        return _show_list(request, conversation.assistant)
    return redirect(
        "chat:conversation", request.workspace.slug, conversation.assistant.slug, conversation.pk
    )


@require_GET
@workspace_view()
def listing(request: WorkspaceRequest, assistant_slug: str) -> HttpResponse:
    """The list alone, as it is searched or lengthened."""
    return _show_list(request, get_assistant_by_slug(request.workspace.pk, assistant_slug))


@require_http_methods(["GET", "POST"])
@workspace_view()
def rename(request: WorkspaceRequest, conversation_id: UUID) -> HttpResponseBase:
    """GET: the row as a form. POST: its new name."""
    conversation = get_conversation(request, conversation_id)
    context = {"item": conversation, "assistant": conversation.assistant}
    if request.method == "GET":
        return render(request, "chat/conversations/_rename.html", context)
    form = NameForm(request.POST)
    try:
        if not form.is_valid():
            raise NameMissingError
        change_conversation(conversation, title=form.cleaned_data["title"])
    except NameMissingError:
        return refuse("A conversation needs a name of 1 to 200 characters.")
    return _answer(request, conversation)


@require_POST
@workspace_view()
def pin(request: WorkspaceRequest, conversation_id: UUID) -> HttpResponseBase:
    """Keep a conversation at the top of the list, or let it go back to its day."""
    conversation = get_conversation(request, conversation_id)
    form = PinForm(request.POST)
    if not form.is_valid():
        return HttpResponseBadRequest("Say whether it is pinned: yes or no.")
    change_conversation(conversation, is_pinned=form.cleaned_data["pinned"] == "yes")
    return _answer(request, conversation)


@require_POST
@workspace_view()
def delete_selected(request: WorkspaceRequest) -> HttpResponseBase:
    """Delete the chosen conversations; if one is not the person's own, none is deleted."""
    form = SelectionForm(request.POST)
    if not form.is_valid():
        return HttpResponseBadRequest("Choose at least one conversation.")
    rows = get_own_conversations(request, form.cleaned_data["selected"])
    assistant = rows[0].assistant
    delete_conversations(request.workspace.pk, [row.pk for row in rows])
    is_open = request.POST.get("conversation") in {str(row.pk) for row in rows}
    if request.htmx and not is_open:
        return _show_list(request, assistant)
    number = "The conversation was" if len(rows) == 1 else f"{len(rows)} conversations were"
    messages.success(request, f"{number} deleted.")
    url = reverse("chat:new", args=[request.workspace.slug, assistant.slug])
    return HttpResponseClientRedirect(url) if request.htmx else redirect(url)
