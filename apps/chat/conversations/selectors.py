"""Reads: a person's own conversations with an assistant, and those that a key began."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Left
from django.utils import timezone

from apps.assistants.models import Assistant
from apps.chat.conversations.groups import ConversationGroup, group_conversations
from apps.chat.conversations.search import find_conversations, match_title, read_terms
from apps.chat.models import Conversation, Message
from apps.workspaces.models import ApiKey, User

LISTED = 50
MOST_LISTED = 1_000
OPENING = 300


@dataclass(frozen=True, slots=True)
class ConversationList:
    """The list beside a chat. `next_shown` is how many to show next, or None if these are all."""

    groups: Sequence[ConversationGroup]
    search: str
    shown: int
    next_shown: int | None

    @property
    def is_empty(self) -> bool:
        return not any(group.conversations for group in self.groups)


def list_own(
    assistant: Assistant, user: User, *, search: str = "", shown: int = LISTED
) -> ConversationList:
    """The person's own conversations: pinned ones first, then by day, the latest first."""
    rows = Conversation.objects.filter(
        workspace_id=assistant.workspace_id, assistant=assistant, user=user
    )
    rows = _narrow(rows, assistant.workspace_id, search).annotate(opening=_first_question())
    shown = max(LISTED, min(shown, MOST_LISTED))
    ordered = list(rows.order_by("-is_pinned", "-updated_at", "-pk")[: shown + 1])
    now = timezone.localtime()
    assert now.tzinfo is not None
    groups = group_conversations(ordered[:shown], today=now.date(), zone=now.tzinfo)
    has_more = len(ordered) > shown and shown < MOST_LISTED
    return ConversationList(groups, search.strip(), shown, shown + LISTED if has_more else None)


def _first_question() -> Subquery:
    """The beginning of what a conversation began with, which its title leaves out."""
    questions = Message.objects.filter(
        conversation=OuterRef("pk"), author=Message.Author.USER, replaced=False
    )
    return Subquery(
        questions.order_by("created_at", "pk").values(start=Left("content", OPENING))[:1]
    )


def list_of_key(
    key: ApiKey, *, slug: str = "", search: str = "", is_pinned: bool | None = None
) -> QuerySet[Conversation]:
    """The conversations that a key began, the most recent first; narrowed as given."""
    rows = Conversation.objects.filter(workspace_id=key.workspace_id, api_key=key)
    exact: dict[str, Any] = {"assistant__slug": slug or None, "is_pinned": is_pinned}
    rows = rows.filter(**{name: value for name, value in exact.items() if value is not None})
    rows = _narrow(rows, key.workspace_id, search)
    return rows.select_related("assistant").order_by("-updated_at", "-pk")


def _narrow(
    rows: QuerySet[Conversation], workspace_id: UUID, search: str
) -> QuerySet[Conversation]:
    """Those whose title or messages hold what is searched for; all if that is nothing."""
    if not search.strip():
        return rows
    terms = read_terms(search)
    if not terms:
        return rows.none()
    return rows.filter(match_title(terms) | Q(pk__in=find_conversations(workspace_id, terms)))
