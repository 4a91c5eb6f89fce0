"""From an item's rows to what evaluators look at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from apps.assistants.answering.citations import CITATION, split_claims
from apps.datasets.models import Example
from apps.evaluation.models import ExperimentItem, ItemPassage
from measures.evaluators.base import CitationMark, EvidencePassage, Observation, Timing

UNKNOWN = -1
BEFORE_STOP = re.compile(r"[ \t]+(?=[.,](?:\s|$))")
"""What a citation before a full stop leaves behind."""


def observe(item: ExperimentItem, passages: Sequence[ItemPassage]) -> Observation:
    """The whole task of an item. `passages` are its own, in order of their numbers."""
    example = item.example
    text, marks = mark_citations(item.answer, [passage.number for passage in passages])
    expected = list(example.expected_passages)
    return Observation(
        question=example.question,
        answer=text,
        raw_answer=item.answer,
        expected_answers=expected_answers(example),
        expected_passages=tuple(_expected(passage) for passage in expected),
        retrieved=tuple(_retrieved(passage, expected) for passage in passages),
        citations=marks,
        answerable=example.is_answerable,
        declined=item.is_declined,
        timing=Timing(item.first_token_ms, item.duration_ms, item.output_tokens or None),
        cost=float(item.cost),
        extra=example.checks,
    )


def observe_turns(item: ExperimentItem) -> list[tuple[int, Observation]]:
    """The earlier turns that were asked, numbered from 1, each with the answer it should have."""
    turns = []
    for number, (turn, expected) in enumerate(
        zip(item.turns, item.example.history, strict=False), start=1
    ):
        text, _ = mark_citations(turn["answer"], [])
        answers = (expected["answer"],) if expected.get("answer") else ()
        turns.append(
            (number, Observation(question=turn["question"], answer=text, expected_answers=answers))
        )
    return turns


def expected_answers(example: Example) -> tuple[str, ...]:
    """All wordings that are right; none where nobody wrote one down."""
    return tuple(text for text in (example.expected_answer, *example.other_answers) if text)


def mark_citations(answer: str, numbers: Sequence[int]) -> tuple[str, tuple[CitationMark, ...]]:
    """The answer without its markers, and for each marker which words it stands for.

    `numbers` are the passages' numbers in order; a mark points at a passage by its place there.
    """
    places = {number: place for place, number in enumerate(numbers)}
    plain = BEFORE_STOP.sub("", CITATION.sub("", answer)).strip()
    marks, position = [], 0
    for claim in split_claims(answer):
        words = r"\s+".join(map(re.escape, BEFORE_STOP.sub("", claim.text).split()))
        match = re.compile(words).search(plain, position)
        if match is None:
            continue
        start, position = match.span()
        marks += [
            CitationMark(start, position, places[number])
            for number in claim.numbers
            if number in places
        ]
    return plain, tuple(marks)


def _expected(passage: Mapping[str, Any]) -> EvidencePassage:
    known = passage.get("start", UNKNOWN) >= 0
    return EvidencePassage(
        text=passage.get("text", ""),
        document=passage.get("document_id") or passage.get("document_name") or "",
        start=passage["start"] if known else None,
        end=passage["end"] if known else None,
    )


def _retrieved(passage: ItemPassage, expected: Iterable[Mapping[str, Any]]) -> EvidencePassage:
    """Documents are known by their ids, or by name where the example only has a name."""
    name = passage.document.name
    only_named = any(
        not one.get("document_id") and one.get("document_name") == name for one in expected
    )
    return EvidencePassage(
        text=passage.text,
        document=name if only_named else str(passage.document_id),
        start=passage.start,
        end=passage.end,
    )
