"""Reads: the feedback list with its filters."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from django.db.models import F, Q, QuerySet

from apps.assistants.models import Assistant, Release
from apps.feedback.models import Feedback
from apps.workspaces.models import ConversationAccess


@dataclass(frozen=True, slots=True)
class FeedbackFilter:
    """What the list is narrowed to. Empty strings and None do not narrow. Days are inclusive."""

    rating: str = ""
    reason: str = ""
    state: str = ""
    assistant: str = ""
    first_day: dt.date | None = None
    last_day: dt.date | None = None


@dataclass(frozen=True, slots=True)
class FeedbackRow:
    """A verdict with what it is about."""

    feedback: Feedback
    question: str
    answer: str
    assistant: Assistant
    release: Release
    trace_id: UUID | None


def filter_shown(rows: QuerySet[Feedback]) -> QuerySet[Feedback]:
    """What editors may see: all of it, or where conversations are off, what askers sent in."""
    is_own = Q(created_by=F("message__conversation__user"))
    is_own |= Q(api_key=F("message__conversation__api_key"))
    return rows.filter(is_own | ~Q(workspace__conversation_access=ConversationAccess.OFF))


def list_feedback(workspace_id: UUID, narrowed: FeedbackFilter) -> QuerySet[Feedback]:
    """The workspace's feedback, newest first."""
    rows = filter_shown(Feedback.objects.filter(workspace_id=workspace_id)).select_related(
        "message__question", "message__conversation__assistant", "release", "created_by"
    )
    exact = {
        "rating": narrowed.rating,
        "reason": narrowed.reason,
        "state": narrowed.state,
        "message__conversation__assistant__slug": narrowed.assistant,
    }
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    if narrowed.first_day:
        rows = rows.filter(created_at__date__gte=narrowed.first_day)
    if narrowed.last_day:
        rows = rows.filter(created_at__date__lte=narrowed.last_day)
    return rows.order_by("-created_at", "-pk")


def view_row(feedback: Feedback) -> FeedbackRow:
    """Build a row from feedback of `list_feedback`, without further queries."""
    message = feedback.message
    return FeedbackRow(
        feedback=feedback,
        question=message.question.content if message.question else "",
        answer=message.content,
        assistant=message.conversation.assistant,
        release=feedback.release,
        trace_id=feedback.trace_id or message.trace_id,
    )
