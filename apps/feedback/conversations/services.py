"""Writes: where the team stands with a conversation."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from apps.chat.models import Conversation
from apps.core.text import storable, use_plain_line_ends
from apps.feedback.models import ConversationReview, ReviewState
from apps.workspaces.services import Actor, record_audit

MAX_NOTE = 2_000


@transaction.atomic
def review_conversation(
    conversation: Conversation, *, state: ReviewState, note: str, actor: Actor
) -> ConversationReview:
    """Mark a conversation as to review or as resolved, with a note; the latest mark counts."""
    review, _ = ConversationReview.objects.update_or_create(
        conversation=conversation,
        defaults={
            "workspace_id": conversation.workspace_id,
            "state": state,
            "note": use_plain_line_ends(storable(note)).strip()[:MAX_NOTE],
            "changed_by": actor.user,
            "changed_at": timezone.now(),
        },
    )
    record_audit(
        conversation.workspace_id,
        actor=actor,
        action="conversation.reviewed",
        subject=conversation,
        detail={"state": state},
    )
    return review
