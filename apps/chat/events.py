"""The events that watchers of an answer receive."""

from __future__ import annotations

from dataclasses import dataclass

from apps.assistants.answering.pipeline import Delta, Restart, Status
from apps.chat.models import MessageState


@dataclass(frozen=True, slots=True)
class Ended:
    """The last event: how the answer ended."""

    state: MessageState
    reason: str = ""


LiveEvent = Status | Delta | Restart | Ended
