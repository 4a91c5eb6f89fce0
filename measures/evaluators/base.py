"""What evaluators take and give: observations, scores, and how an evaluator describes itself."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol, TypeAlias

from apps.core.options import Option, OptionError, read_values
from inference.protocols import ChatModel, Vectors
from measures.spans import Span

Status = Literal["scored", "not_applicable", "failed"]


@dataclass(frozen=True, slots=True)
class Score:
    """The outcome of one evaluator on one observation.

    ``value`` is a finite number when ``status`` is "scored", else ``None``: "not_applicable" says
    that the evaluator has nothing to say here (no expected passages), "failed" that it should
    have had (a judge's answer could not be read). Neither counts as a zero; ``reason`` tells why.
    ``label`` is the value in words where it has one, ``details`` holds plain JSON values.
    """

    value: float | None
    label: str = ""
    reason: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    status: Status = "scored"

    def __post_init__(self) -> None:
        if (self.status == "scored") != (self.value is not None):
            raise ValueError(f"a score that is {self.status} cannot have the value {self.value}")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"a score must be a finite number, not {self.value}")


def not_applicable(reason: str) -> Score:
    """The evaluator has nothing to say about this observation."""
    return Score(None, reason=reason, status="not_applicable")


def failed(reason: str, **details: Any) -> Score:
    """The evaluator should have said something and could not."""
    return Score(None, reason=reason, details=details, status="failed")


def passed(ok: bool, *, reason: str = "", **details: Any) -> Score:
    """1 and "pass", or 0 and "fail"."""
    return Score(float(ok), label="pass" if ok else "fail", reason=reason, details=details)


def share(value: float | None, *, missing: str, **details: Any) -> Score:
    """A share from 0 to 1, or not applicable for the reason ``missing``."""
    return not_applicable(missing) if value is None else Score(value, details=details)


@dataclass(frozen=True, slots=True)
class EvidencePassage:
    """A passage that was retrieved, or that should have been.

    ``document`` names the document (its id where both sides know it, else its name); ``start`` and
    ``end`` are characters of its full text, or ``None`` when only the document is known.
    """

    text: str
    document: str = ""
    start: int | None = None
    end: int | None = None
    grade: float = 1.0

    @property
    def span(self) -> Span | None:
        """Its characters, where they are known."""
        if self.start is None or self.end is None or not self.document:
            return None
        return Span(self.document, self.start, self.end)


@dataclass(frozen=True, slots=True)
class CitationMark:
    """``answer[start:end]`` is said to be supported by ``retrieved[passage]``."""

    start: int
    end: int
    passage: int


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds from the question to the first token and to the end, and tokens written."""

    first_token_ms: float | None = None
    total_ms: float | None = None
    output_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """What an assistant did with one example, and what was expected of it.

    ``answer`` is without the marks of citations; ``raw_answer`` is as it was written, for checks
    of its form. ``expected_answers`` are alternatives: the best match counts. ``answerable`` is
    whether the documents hold an answer, ``declined`` whether the assistant said that they do
    not; ``None`` is unknown. ``retrieved`` is in rank order. ``cost`` is in the workspace's
    currency. ``prompt_logprobs`` are natural logarithms, one a token. ``earlier`` are the questions
    and answers before this one; ``answers_again`` what was answered when it was asked again, None
    where that declined. ``extra`` holds what single
    evaluators ask for: ``choices``, ``instructions``, ``tests``, ``setup``, ``samples``,
    ``schema``, ``pattern``, ``other_answer``.
    """

    question: str = ""
    answer: str = ""
    expected_answers: tuple[str, ...] = ()
    expected_passages: tuple[EvidencePassage, ...] = ()
    retrieved: tuple[EvidencePassage, ...] = ()
    citations: tuple[CitationMark, ...] = ()
    answerable: bool | None = None
    declined: bool | None = None
    timing: Timing = Timing()
    cost: float | None = None
    prompt_logprobs: tuple[float, ...] = ()
    earlier: tuple[tuple[str, str], ...] = ()
    answers_again: tuple[str | None, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    raw_answer: str = ""

    @property
    def verbatim(self) -> str:
        """The answer as it was written."""
        return self.raw_answer or self.answer


class Need(StrEnum):
    """What an evaluator reads of an observation, or needs beside it."""

    QUESTION = "question"
    ANSWER = "answer"
    EXPECTED_ANSWER = "expected answer"
    EXPECTED_PASSAGES = "expected passages"
    RETRIEVED = "retrieved passages"
    CITATIONS = "citations"
    ANSWERABLE = "whether the documents hold an answer"
    DECLINED = "whether the assistant declined"
    TIMING = "timing"
    COST = "cost"
    LOGPROBS = "log-probabilities of the prompt"
    ANSWERS_AGAIN = "answers to the question when it is asked again"
    CHOICES = "choices"
    INSTRUCTIONS = "instructions to check"
    TESTS = "tests to run"
    EMBEDDER = "an embedding model"
    MODEL = "a model that judges"
    SANDBOX = "a sandbox"


class TextEmbedder(Protocol):
    """The part of ``inference.protocols.Embedder`` that evaluators use."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32 vectors of shape (len(texts), d), L2-normalised, in order."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What an evaluator may use: settings (checked against its own list), and shared resources."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    embedder: TextEmbedder | None = None
    model: ChatModel | None = None


Evaluate: TypeAlias = Callable[[Observation, Tools], Score]
Judge: TypeAlias = Callable[[Observation, Tools], Awaitable[Score]]
Group = Literal["answer", "format", "retrieval", "grounding", "safety", "speed", "judge", "custom"]


@dataclass(frozen=True, slots=True)
class Evaluator:
    """An evaluator as people choose it.

    ``low`` and ``high`` are the ends of its scale (``None``: open); ``unit`` follows the number.
    ``version`` goes up whenever the same observation would get another score. Exactly one of
    ``evaluate`` and ``judge`` is given; the latter waits for a model. ``check`` says of settings
    that are each right whether they make sense: a sentence for each that does not.
    """

    name: str
    label: str
    explanation: str
    group: Group
    needs: frozenset[Need]
    source: str
    evaluate: Evaluate | None = None
    judge: Judge | None = None
    settings: tuple[Option, ...] = ()
    low: float | None = 0.0
    high: float | None = 1.0
    unit: str = ""
    higher_is_better: bool = True
    version: int = 1
    check: Callable[[Mapping[str, Any]], dict[str, str]] | None = None

    def __post_init__(self) -> None:
        if (self.evaluate is None) == (self.judge is None):
            raise ValueError(f"{self.name} needs either evaluate or judge")

    def fill(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings with defaults; raises ``OptionError`` for one that cannot be."""
        filled = read_values(self.settings, settings, owner=self.label, noun="setting")
        if self.check is not None and (errors := self.check(filled)):
            raise OptionError(errors)
        return filled
