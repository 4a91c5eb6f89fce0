"""Writes: names, pins and deletion of conversations."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db import transaction

from apps.chat.models import Conversation, Message
from apps.core.text import storable
from apps.traces.models import Trace

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
def delete_conversations(workspace_id: UUID, conversation_ids: Collection[UUID]) -> None:
    """Delete conversations with their messages, snapshots, traces and feedback."""
    messages = Message.objects.filter(
        workspace_id=workspace_id, conversation_id__in=conversation_ids
    )
    traces = list(messages.exclude(trace=None).values_list("trace_id", flat=True))
    Conversation.objects.filter(workspace_id=workspace_id, pk__in=conversation_ids).delete()
    Trace.objects.filter(workspace_id=workspace_id, pk__in=traces).delete()
