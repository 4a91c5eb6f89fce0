"""Writes: verdicts on answers, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from apps.chat.models import Message
from apps.core.text import storable, use_plain_line_ends
from apps.feedback.models import Feedback, FeedbackState, Rating
from apps.workspaces.services import Actor

MAX_COMMENT = 2_000
MAX_CORRECTION = 8_000


@dataclass(frozen=True, slots=True)
class FeedbackFields:
    """What somebody says about an answer."""

    rating: str
    reason: str = ""
    comment: str = ""
    correction: str = ""


@transaction.atomic
def give_feedback(answer: Message, *, fields: FeedbackFields, actor: Actor) -> Feedback:
    """Store a verdict with the answer's release and trace; a second one replaces the first.

    A thumb up clears the reason of an earlier thumb down. Raises ValueError for a message
    that is not an answer.
    """
    if answer.author != Message.Author.ASSISTANT or answer.release_id is None:
        raise ValueError("Feedback is given on answers.")
    values = {
        "workspace_id": answer.workspace_id,
        "release_id": answer.release_id,
        "trace_id": answer.trace_id,
        "rating": fields.rating,
        "reason": fields.reason if fields.rating == Rating.DOWN else "",
        "comment": _clean(fields.comment)[:MAX_COMMENT],
        "correction": _clean(fields.correction)[:MAX_CORRECTION],
        "state": FeedbackState.OPEN,
        "updated_at": timezone.now(),
    }
    feedback, _ = Feedback.objects.update_or_create(
        message=answer, created_by=actor.user, api_key=actor.api_key, defaults=values
    )
    return feedback


def _clean(text: str) -> str:
    return use_plain_line_ends(storable(text))


def set_state(feedback: Feedback, *, state: FeedbackState) -> None:
    """Mark feedback as resolved, or as new again."""
    feedback.state = state
    feedback.updated_at = timezone.now()
    feedback.save(update_fields=["state", "updated_at"])
