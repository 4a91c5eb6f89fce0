"""Conversations are private to the person or the API key that began them."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404

from apps.chat.models import Conversation, Message
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import ApiKey, Role


def get_conversation(request: WorkspaceRequest, conversation_id: UUID) -> Conversation:
    """The signed-in person's own conversation, or Http404."""
    conversation = (
        Conversation.objects.select_related("assistant__current")
        .filter(workspace=request.workspace, user=request.user, pk=conversation_id)
        .first()
    )
    if conversation is None:
        raise Http404
    return conversation


def get_own_message(request: WorkspaceRequest, message_id: UUID, *, author: str) -> Message:
    """A message of one of the person's own conversations, or Http404."""
    return _found(
        _messages(request.workspace.pk).filter(
            pk=message_id, author=author, conversation__user=request.user
        )
    )


def get_answer(request: WorkspaceRequest, message_id: UUID) -> Message:
    """An answer that the person may read: their own, or for editors any of the workspace."""
    answers = _messages(request.workspace.pk).filter(pk=message_id, author=Message.Author.ASSISTANT)
    if not request.membership.has_role(Role.EDITOR):
        answers = answers.filter(conversation__user=request.user)
    return _found(answers)


def get_shown_answer(request: WorkspaceRequest, message_id: UUID) -> Message:
    """One's own answer with everything that its template shows, or Http404."""
    return _found(
        _with_sources(_messages(request.workspace.pk)).filter(
            pk=message_id, author=Message.Author.ASSISTANT, conversation__user=request.user
        )
    )


def get_key_conversation(key: ApiKey, conversation_id: UUID) -> Conversation:
    """A conversation that this key began, or Http404."""
    conversation = (
        Conversation.objects.select_related("assistant")
        .filter(workspace_id=key.workspace_id, api_key=key, pk=conversation_id)
        .first()
    )
    if conversation is None:
        raise Http404
    return conversation


def get_key_answer(key: ApiKey, message_id: UUID) -> Message:
    """An answer that this key asked for, or Http404."""
    return _found(
        _with_sources(_messages(key.workspace_id)).filter(
            pk=message_id, author=Message.Author.ASSISTANT, conversation__api_key=key
        )
    )


def get_workspace_answer(workspace_id: UUID, message_id: UUID) -> Message:
    """An answer of the workspace that a key belongs to, or Http404."""
    return _found(_messages(workspace_id).filter(pk=message_id, author=Message.Author.ASSISTANT))


def _messages(workspace_id: UUID) -> QuerySet[Message]:
    return Message.objects.select_related("conversation__assistant", "question", "release").filter(
        workspace_id=workspace_id
    )


def _with_sources(messages: QuerySet[Message]) -> QuerySet[Message]:
    return messages.prefetch_related("passages__document", "passages__version", "feedback")


def _found(messages: QuerySet[Message]) -> Message:
    message = messages.first()
    if message is None:
        raise Http404
    return message
