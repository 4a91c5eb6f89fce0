"""The events of an answer in the making, and its outcome."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from apps.assistants.answering.citations import Span
from apps.retrieval.search.hits import Hit
from inference.types import Usage


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier question of the conversation and its answer."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Status:
    """What is happening, in a quiet line."""

    text: str


@dataclass(frozen=True, slots=True)
class Delta:
    """More text of the answer, its citations already checked."""

    text: str


@dataclass(frozen=True, slots=True)
class Restart:
    """All text so far was the model's reasoning and no answer: forget it."""


Event = Status | Delta | Restart


@dataclass(frozen=True, slots=True)
class CitedPassage:
    """A passage under its number, and the sentences in it that are cited, if it is cited."""

    number: int
    hit: Hit
    cited: Span | None


@dataclass(slots=True)
class Outcome:
    """Everything that an answer leaves behind; complete once the iterator has ended.

    `finish_reason` is the model's: stop, length, content_filter. `reasoning` is what it thought
    aloud, and no part of the answer. An answer that `is_refused` is the model's own refusal.
    """

    content: str = ""
    passages: list[CitedPassage] = field(default_factory=list)
    is_declined: bool = False
    usage: Usage = field(default_factory=lambda: Usage(0, 0))
    cost: Decimal = Decimal(0)
    reasoning: str = ""
    finish_reason: str = "stop"
    is_refused: bool = False
