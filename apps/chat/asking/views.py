"""What the question box offers beside the question: documents to ask within, and files."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from apps.assistants.access import get_assistant_by_slug
from apps.assistants.answering.scope import EVERYWHERE
from apps.assistants.models import Assistant
from apps.assistants.selectors import list_collection_ids
from apps.assistants.suggestions.selectors import list_shown
from apps.assistants.suggestions.services import refresh_if_stale
from apps.chat.access import get_conversation, get_own_message
from apps.chat.asking.files import (
    TooManyFilesError,
    attach_file,
    begin_conversation,
    list_files,
    remove_file,
)
from apps.chat.asking.follow_ups import read_follow_ups
from apps.chat.asking.scopes import (
    ScopeChoice,
    ScopeError,
    find_documents,
    list_choices,
    read_current_scope,
    resolve_scope,
)
from apps.chat.models import Conversation, Message
from apps.chat.refusals import refuse
from apps.chat.services import Asker
from apps.core.text import storable
from apps.documents.storage import TooLargeError
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest

NO_FILE = "No file arrived. Choose one and try again."
TOO_LARGE = "“{name}” has more than {limit:,} MB, the most that is taken."


@require_GET
@workspace_view()
def scope_documents(request: WorkspaceRequest, assistant_slug: str) -> HttpResponse:
    """Documents with these words in their names, to ask within one of them."""
    assistant = get_assistant_by_slug(request.workspace.pk, assistant_slug)
    conversation = _read_conversation(request, request.GET.get("conversation", ""), assistant)
    scope = read_current_scope(conversation)
    text = storable(request.GET.get("find", "")).strip()[:200]
    allowed = EVERYWHERE.within(scope.attached).narrow(list_collection_ids(assistant.current))
    return render(
        request,
        "chat/asking/_documents.html",
        {"documents": find_documents(allowed, text) if text else [], "text": text},
    )


@require_GET
@workspace_view()
def examples(request: WorkspaceRequest, assistant_slug: str) -> HttpResponse:
    """Questions for an empty conversation; documents that changed are looked through again."""
    assistant = get_assistant_by_slug(request.workspace.pk, assistant_slug)
    is_looking = not assistant.example_questions and refresh_if_stale(assistant)
    context = {
        "assistant": assistant,
        "questions": list_shown(assistant),
        "is_looking": is_looking,
    }
    return render(request, "chat/asking/_examples.html", context)


@require_GET
@workspace_view()
def follow_ups(request: WorkspaceRequest, message_id: UUID) -> HttpResponse:
    """What can be asked after one of the person's own answers; apart from it, so it never waits."""
    answer = get_own_message(request, message_id, author=Message.Author.ASSISTANT)
    return render(request, "chat/asking/_follow_ups.html", {"questions": read_follow_ups(answer)})


@require_POST
@workspace_view()
def attach(request: WorkspaceRequest, assistant_slug: str) -> HttpResponse:
    """Attach files to the conversation, which begins with them if there is none yet."""
    assistant = get_assistant_by_slug(request.workspace.pk, assistant_slug)
    conversation = _read_conversation(request, request.POST.get("conversation", ""), assistant)
    files = request.FILES.getlist("file")
    if not files:
        return refuse(NO_FILE)
    is_new = conversation is None
    if conversation is None:
        conversation = begin_conversation(assistant, asker=Asker(user_id=request.user.pk))
    problem = ""
    for file in files:
        try:
            attach_file(
                conversation, file=file.chunks(), filename=file.name or "", actor=request.actor
            )
        except TooLargeError as error:
            problem = TOO_LARGE.format(name=file.name, limit=error.limit // 1_048_576)
        except TooManyFilesError as error:
            problem = str(error)
            break
    return _after(request, conversation, is_new=is_new, problem=problem)


def _after(
    request: WorkspaceRequest, conversation: Conversation, *, is_new: bool, problem: str
) -> HttpResponse:
    """The list of files, and the parts of the page that follow from there being some."""
    slugs = [request.workspace.slug, conversation.assistant.slug]
    url = reverse("chat:conversation", args=[*slugs, conversation.pk])
    if not request.htmx:
        return redirect(url)
    context = _files_context(request, conversation) | {
        "problem": problem,
        "is_new": is_new,
        "item": conversation,
        "oob": True,
        **_scope_context(request, conversation),
    }
    response = HttpResponse(render_to_string("chat/asking/_attached.html", context, request))
    if is_new:
        response["HX-Push-Url"] = url
    return response


def _scope_context(request: WorkspaceRequest, conversation: Conversation) -> dict[str, Any]:
    """The control as the form has it, with the attached files as a further choice.

    Whoever had chosen collections before gets the attached files chosen too.
    """
    collection_ids = list_collection_ids(conversation.assistant.current)
    chosen = request.POST.getlist("collection")
    if chosen and conversation.files_id and str(conversation.files_id) not in chosen:
        chosen = [*chosen, str(conversation.files_id)]
    choice = ScopeChoice(collections=chosen, document=request.POST.get("document", ""))
    try:
        scope = resolve_scope(choice, collection_ids=collection_ids, conversation=conversation)
    except ScopeError:
        scope = EVERYWHERE.within(conversation.files_id)
    return {"scope": scope, "choices": list_choices(collection_ids, scope)}


def _files_context(request: WorkspaceRequest, conversation: Conversation) -> dict[str, Any]:
    files = list_files(conversation)
    return {
        "assistant": conversation.assistant,
        "conversation": conversation,
        "files": files,
        "has_unfinished": any(file.is_unfinished for file in files),
    }


@require_GET
@workspace_view()
def files(request: WorkspaceRequest, conversation_id: UUID) -> HttpResponse:
    """The attached files and how far they are, for the page that waits for them."""
    conversation = get_conversation(request, conversation_id)
    return render(request, "chat/asking/_files.html", _files_context(request, conversation))


@require_POST
@workspace_view()
def remove(request: WorkspaceRequest, conversation_id: UUID, file_id: UUID) -> HttpResponse:
    """Remove a file from the conversation; answers that quote it are withdrawn."""
    conversation = get_conversation(request, conversation_id)
    remove_file(conversation, file_id, actor=request.actor)
    return _after(request, conversation, is_new=False, problem="")


def _read_conversation(
    request: WorkspaceRequest, text: str, assistant: Assistant
) -> Conversation | None:
    if not text:
        return None
    try:
        conversation = get_conversation(request, UUID(text))
    except ValueError:
        raise Http404 from None
    if conversation.assistant_id != assistant.pk:
        raise Http404
    return conversation
