"""Conversations are private to the person or the API key that began them.

What editors may see of other people's is a setting of the workspace. An answer that its asker rated
was sent to the editors with that, whatever the setting.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404

from apps.chat.models import Conversation, Message
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.keys.access import KeyAccess
from apps.workspaces.models import ApiKey, ConversationAccess, Role, User, Workspace


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


def get_own_conversations(
    request: WorkspaceRequest, conversation_ids: Collection[UUID]
) -> list[Conversation]:
    """The signed-in person's own conversations with these ids, or Http404 if one is not theirs."""
    rows = Conversation.objects.select_related("assistant").filter(
        workspace=request.workspace, user=request.user, pk__in=conversation_ids
    )
    return _all_of(list(rows), conversation_ids)


def get_key_conversations(key: ApiKey, conversation_ids: Collection[UUID]) -> list[Conversation]:
    """The conversations with these ids that this key began, or Http404 if one is not its own."""
    rows = Conversation.objects.filter(
        workspace_id=key.workspace_id, api_key=key, pk__in=conversation_ids
    )
    return _all_of(list(rows), conversation_ids)


def _all_of(rows: list[Conversation], ids: Collection[UUID]) -> list[Conversation]:
    if len(rows) != len(set(ids)):
        raise Http404
    return rows


def shows_conversations(workspace: Workspace) -> bool:
    """Whether editors may see what other people ask."""
    return workspace.conversation_access != ConversationAccess.OFF


def shows_names(workspace: Workspace) -> bool:
    """Whether editors may see who asked."""
    return workspace.conversation_access == ConversationAccess.NAMED


def get_own_message(request: WorkspaceRequest, message_id: UUID, *, author: str) -> Message:
    """A message of one of the person's own conversations, or Http404."""
    return _found(
        _messages(request.workspace.pk).filter(
            pk=message_id, author=author, conversation__user=request.user
        )
    )


def get_answer(request: WorkspaceRequest, message_id: UUID) -> Message:
    """An answer that the person may read: their own, or for editors what the workspace shows."""
    answers = _messages(request.workspace.pk).filter(pk=message_id, author=Message.Author.ASSISTANT)
    answer = _found(answers)
    if answer.conversation.user_id == request.user.pk:
        return answer
    if request.membership.has_role(Role.EDITOR) and _is_shown(answer, request.workspace):
        return answer
    raise Http404


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


def get_readable_answer(access: KeyAccess, message_id: UUID) -> Message:
    """An answer that this key asked for or that the workspace shows its owner, or Http404."""
    key = access.key
    answer = _found(
        _messages(key.workspace_id).filter(pk=message_id, author=Message.Author.ASSISTANT)
    )
    if answer.conversation.api_key_id == key.pk:
        return answer
    if access.has_role(Role.EDITOR) and _is_shown(answer, key.workspace):
        return answer
    raise Http404


def shows_turns_before(answer: Message, *, user: User | None) -> bool:
    """Whether this person may read what was said before an answer that they may read.

    Whoever rates an answer sends in that answer, and not the conversation that it is part of.
    """
    is_own = user is not None and answer.conversation.user_id == user.pk
    return is_own or shows_conversations(answer.workspace)


def find_hidden_files(
    conversation: Conversation, *, user: User | None = None, key: ApiKey | None = None
) -> UUID | None:
    """The collection of the attached files, unless this reader began the conversation.

    Whoever may read an answer reads what it says, but not the files that somebody else attached.
    """
    if user is not None and conversation.user_id == user.pk:
        return None
    if key is not None and conversation.api_key_id == key.pk:
        return None
    return conversation.files_id


def _is_shown(answer: Message, workspace: Workspace) -> bool:
    """Whether editors may read an answer that is not theirs."""
    if shows_conversations(workspace):
        return True
    # Read through the relation, because feedback is an app above this one.
    asker = (answer.conversation.user_id, answer.conversation.api_key_id)
    return any((row.created_by_id, row.api_key_id) == asker for row in answer.feedback.all())


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
