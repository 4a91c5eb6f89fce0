"""Reads: what the team sees of conversations. Names leave this module only where they may."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import models
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from apps.chat.access import shows_conversations, shows_names
from apps.chat.conversations.search import find_conversations, match_title, read_terms
from apps.chat.models import Conversation, Message, MessageState
from apps.feedback.models import ConversationReview, Feedback, Rating
from apps.workspaces.models import Workspace

BROKEN = (
    MessageState.FAILED,
    MessageState.INTERRUPTED,
    MessageState.REFUSED,
    MessageState.WITHDRAWN,
)


class OutcomeFilter(models.TextChoices):
    """What became of the questions of a conversation."""

    UNANSWERED = "unanswered", "with a question that was not answered"
    DECLINED = "declined", "with a declined answer (not in the documents)"
    FAILED = "failed", "with an answer that failed or was refused"
    ANSWERED = "answered", "with every question answered"


class ReviewFilter(models.TextChoices):
    """Where the team stands with a conversation."""

    OPEN = "open", "to review"
    RESOLVED = "resolved", "resolved"
    NONE = "none", "not marked yet"


@dataclass(frozen=True, slots=True)
class ConversationFilter:
    """What the list is narrowed to. Empty strings and None do not narrow.

    Days are inclusive, in UTC, and look at the last activity.
    """

    assistant: str = ""
    since: dt.date | None = None
    until: dt.date | None = None
    outcome: str = ""
    rating: str = ""
    state: str = ""
    search: str = ""


@dataclass(frozen=True, slots=True)
class TeamConversation:
    """A conversation as the team sees it. `asker` is empty where names are not shown."""

    id: UUID
    title: str
    assistant_name: str
    assistant_slug: str
    asker: str
    created_at: dt.datetime
    updated_at: dt.datetime
    num_questions: int
    num_unanswered: int
    num_helpful: int
    num_not_helpful: int
    state: str
    note: str
    changed_by: str
    changed_at: dt.datetime | None


def list_team_conversations(
    workspace: Workspace, narrowed: ConversationFilter
) -> QuerySet[Conversation]:
    """The workspace's conversations, the last active first; none where they are kept private.

    A program may open one long before it asks: without a question there is nothing to read.
    """
    if not shows_conversations(workspace):
        return Conversation.objects.none()
    rows = Conversation.objects.filter(Exists(_questions()), workspace=workspace)
    if narrowed.assistant:
        rows = rows.filter(assistant__slug=narrowed.assistant)
    if narrowed.since:
        rows = rows.filter(updated_at__date__gte=narrowed.since)
    if narrowed.until:
        rows = rows.filter(updated_at__date__lte=narrowed.until)
    rows = _narrow_outcome(rows, narrowed.outcome)
    if narrowed.rating:
        rows = rows.filter(Exists(_ratings().filter(rating=narrowed.rating)))
    if narrowed.state == ReviewFilter.NONE:
        rows = rows.filter(review=None)
    elif narrowed.state:
        rows = rows.filter(review__state=narrowed.state)
    if narrowed.search.strip():
        rows = _search(rows, workspace.pk, narrowed.search)
    return with_counts(rows).order_by("-updated_at", "-pk")


def _search(rows: QuerySet[Conversation], workspace_id: UUID, text: str) -> QuerySet[Conversation]:
    terms = read_terms(text)
    if not terms:
        return rows.none()
    return rows.filter(match_title(terms) | Q(pk__in=find_conversations(workspace_id, terms)))


def _questions() -> QuerySet[Message]:
    return Message.objects.filter(
        conversation=OuterRef("pk"), author=Message.Author.USER, replaced=False
    )


def _answers() -> QuerySet[Message]:
    """The current answers of the conversation around."""
    return Message.objects.filter(
        conversation=OuterRef("pk"), author=Message.Author.ASSISTANT, replaced=False
    )


def _ratings() -> QuerySet[Feedback]:
    return Feedback.objects.filter(message__conversation=OuterRef("pk"), message__replaced=False)


_DECLINED = Q(state=MessageState.DONE, is_declined=True)
_FAILED = Q(state__in=BROKEN)


def _narrow_outcome(rows: QuerySet[Conversation], outcome: str) -> QuerySet[Conversation]:
    if outcome == OutcomeFilter.DECLINED:
        return rows.filter(Exists(_answers().filter(_DECLINED)))
    if outcome == OutcomeFilter.FAILED:
        return rows.filter(Exists(_answers().filter(_FAILED)))
    if outcome == OutcomeFilter.UNANSWERED:
        return rows.filter(Exists(_answers().filter(_DECLINED | _FAILED)))
    if outcome == OutcomeFilter.ANSWERED:
        return rows.filter(~Exists(_answers().filter(_DECLINED | _FAILED)))
    return rows


def with_counts(rows: QuerySet[Conversation]) -> QuerySet[Conversation]:
    """Conversations with all that `view_conversation` reads, counted in the same query."""
    return rows.select_related(
        "assistant", "user", "api_key", "review__changed_by", "workspace"
    ).annotate(
        num_questions=_count(_questions(), "conversation"),
        num_unanswered=_count(_answers().filter(_DECLINED | _FAILED), "conversation"),
        num_helpful=_count(_ratings().filter(rating=Rating.UP), "message__conversation"),
        num_not_helpful=_count(_ratings().filter(rating=Rating.DOWN), "message__conversation"),
    )


def _count(rows: QuerySet[Message] | QuerySet[Feedback], key: str) -> Coalesce:
    counted = rows.order_by().values(key).annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted), 0)


def view_conversation(conversation: Conversation) -> TeamConversation:
    """A conversation of `with_counts`, without further queries."""
    names = shows_names(conversation.workspace)
    review: ConversationReview | None = getattr(conversation, "review", None)
    counts = vars(conversation)
    changed_by = review.changed_by if review and names else None
    return TeamConversation(
        id=conversation.pk,
        title=conversation.title,
        assistant_name=conversation.assistant.name,
        assistant_slug=conversation.assistant.slug,
        asker=_name_asker(conversation) if names else "",
        created_at=conversation.created_at,
        updated_at=conversation.updated_at,
        num_questions=counts["num_questions"],
        num_unanswered=counts["num_unanswered"],
        num_helpful=counts["num_helpful"],
        num_not_helpful=counts["num_not_helpful"],
        state=review.state if review else "",
        note=review.note if review else "",
        changed_by=str(changed_by) if changed_by else "",
        changed_at=review.changed_at if review else None,
    )


def view_conversations(conversations: Iterable[Conversation]) -> list[TeamConversation]:
    return [view_conversation(conversation) for conversation in conversations]


def _name_asker(conversation: Conversation) -> str:
    if conversation.user is not None:
        return str(conversation.user)
    return f"API key {conversation.api_key.name}" if conversation.api_key else ""
