from __future__ import annotations

from uuid import UUID

from django.db.models import Q
from django.http import Http404

from apps.chat.access import shows_conversations
from apps.chat.models import Conversation
from apps.feedback.conversations.selectors import with_counts
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import ApiKey, Workspace


def get_team_conversation(request: WorkspaceRequest, conversation_id: UUID) -> Conversation:
    """One's own conversation, or one that the workspace shows to its editors, or Http404."""
    return _get(request.workspace, conversation_id, own=Q(user=request.user))


def get_key_team_conversation(key: ApiKey, conversation_id: UUID) -> Conversation:
    """The key's own conversation, or one that the workspace shows to its editors, or Http404."""
    return _get(key.workspace, conversation_id, own=Q(api_key=key))


def _get(workspace: Workspace, conversation_id: UUID, *, own: Q) -> Conversation:
    rows = Conversation.objects.filter(workspace=workspace, pk=conversation_id)
    if not shows_conversations(workspace):
        rows = rows.filter(own)
    conversation = with_counts(rows).first()
    if conversation is None:
        raise Http404
    return conversation
