"""Turns an item's rows into the observation that evaluators read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from apps.assistants.answering.citations import split_claims
from apps.assistants.answering.snapshots import read_readable
from apps.core.citations import remove_citations
from apps.datasets.models import Example
from apps.evaluation.models import ExperimentItem, ItemPassage
from measures.evaluators.base import CitationMark, EvidencePassage, Observation, Timing

UNKNOWN = -1
BEFORE_STOP = re.compile(r"[ \t]+(?=[.,](?:\s|$))")
"""The space left before a full stop when a citation is removed."""


def observe(item: ExperimentItem, passages: Sequence[ItemPassage]) -> Observation:
    """The observation of an item's whole task. `passages` are the item's, ordered by number."""
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
        earlier=tuple((t["question"], t["answer"]) for t in item.turns or example.history),
        extra=example.checks,
    )


def observe_turns(
    item: ExperimentItem, passages: Mapping[int, Sequence[ItemPassage]]
) -> list[tuple[int, Observation]]:
    """The earlier turns that were asked, numbered from 1, with their expected answers.

    `passages` are the item's by turn, each ordered by number.
    """
    turns = []
    for number, (turn, expected) in enumerate(
        zip(item.turns, item.example.history, strict=False), start=1
    ):
        own = passages.get(number, ())
        text, marks = mark_citations(turn["answer"], [passage.number for passage in own])
        observation = Observation(
            question=turn["question"],
            answer=text,
            expected_answers=(expected["answer"],) if expected.get("answer") else (),
            retrieved=tuple(_retrieved(passage, ()) for passage in own),
            citations=marks,
            declined=turn.get("is_declined"),
        )
        turns.append((number, observation))
    return turns


def expected_answers(example: Example) -> tuple[str, ...]:
    """All accepted wordings; empty if nobody wrote one down."""
    return tuple(text for text in (example.expected_answer, *example.other_answers) if text)


def mark_citations(answer: str, numbers: Sequence[int]) -> tuple[str, tuple[CitationMark, ...]]:
    """The answer without its citation markers, and for each marker the words that it covers.

    `numbers` are the passages' numbers in order; a mark refers to a passage by its index there.
    """
    places = {number: place for place, number in enumerate(numbers)}
    plain = BEFORE_STOP.sub("", remove_citations(answer)).strip()
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
    """The document is identified by id, or by name if the example only has a name."""
    name = passage.document.name
    only_named = any(
        not one.get("document_id") and one.get("document_name") == name for one in expected
    )
    return EvidencePassage(
        text=read_readable(passage),
        document=name if only_named else str(passage.document_id),
        start=passage.start,
        end=passage.end,
    )
