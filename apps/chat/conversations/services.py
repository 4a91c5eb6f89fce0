"""Writes: names, pins and deletion of conversations."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction

from apps.chat.models import Conversation, Message
from apps.core.text import storable
from apps.documents.collections import delete_collection
from apps.documents.models import Collection
from apps.traces.models import Trace
from apps.workspaces.services import Actor

MAX_NAME = 200


class NameMissingError(ValueError):
    """A conversation's name has at least one visible character."""


def change_conversation(
    conversation: Conversation, *, title: str | None = None, is_pinned: bool | None = None
) -> None:
    """Rename or pin a conversation; what is None stays. Its place by date stays too.

    Raises NameMissingError for an empty title.
    """
    changed = []
    if title is not None:
        conversation.title = " ".join(storable(title).split())[:MAX_NAME]
        if not conversation.title:
            raise NameMissingError
        changed.append("title")
    if is_pinned is not None:
        conversation.is_pinned = is_pinned
        changed.append("is_pinned")
    conversation.save(update_fields=changed)


@transaction.atomic
def delete_conversations(workspace_id: UUID, conversation_ids: Iterable[UUID]) -> None:
    """Delete conversations with their messages, snapshots, traces, feedback and files."""
    ids = list(conversation_ids)
    messages = Message.objects.filter(workspace_id=workspace_id, conversation_id__in=ids)
    traces = list(messages.exclude(trace=None).values_list("trace_id", flat=True))
    conversations = Conversation.objects.filter(workspace_id=workspace_id, pk__in=ids)
    files = list(
        Collection.everything.filter(conversation__in=conversations, deleted_at__isnull=True)
    )
    conversations.delete()
    for collection in files:
        delete_collection(collection, actor=Actor())
    Trace.objects.filter(workspace_id=workspace_id, pk__in=traces).delete()
