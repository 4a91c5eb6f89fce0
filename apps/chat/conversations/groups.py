"""Conversations by date, as the list shows them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

from apps.chat.models import Conversation

WEEK_DAYS = 7


@dataclass(frozen=True, slots=True)
class ConversationGroup:
    """Conversations under one heading; `key` is pinned, today, yesterday, week or older."""

    key: str
    heading: str
    conversations: list[Conversation] = field(default_factory=list)


def group_conversations(
    conversations: Iterable[Conversation], *, today: dt.date, zone: dt.tzinfo
) -> list[ConversationGroup]:
    """All groups in their order, in the order of the conversations within each.

    Empty groups are among them: a conversation that begins is put under today.
    """
    groups = {
        "pinned": ConversationGroup("pinned", "Pinned"),
        "today": ConversationGroup("today", "Today"),
        "yesterday": ConversationGroup("yesterday", "Yesterday"),
        "week": ConversationGroup("week", "Previous 7 days"),
        "older": ConversationGroup("older", "Older"),
    }
    for conversation in conversations:
        day = conversation.updated_at.astimezone(zone).date()
        key = "pinned" if conversation.is_pinned else _name_day((today - day).days)
        groups[key].conversations.append(conversation)
    return list(groups.values())


def _name_day(days_ago: int) -> str:
    if days_ago <= 0:
        return "today"
    if days_ago == 1:
        return "yesterday"
    return "week" if days_ago <= WEEK_DAYS else "older"
