"""Support, groundedness, citations and abstention."""

from __future__ import annotations

import math
from typing import Any

import pytest

from measures.detectors.support import (
    WEIGHTS_WITHOUT,
    estimate_support,
    read_evidence,
    read_statements,
)
from measures.evaluators.abstention import measure_abstention
from measures.evaluators.base import CitationMark, EvidencePassage, Observation, Tools
from measures.evaluators.citations import attach, judge_citations
from measures.evaluators.registry import score

FEES = "The late fee is 12 dollars per month. It was raised in 2019 by the board."
OFFICE = "The office in Oslo opens at nine. Visitors must register at the front desk."


def passages(*texts: str) -> tuple[EvidencePassage, ...]:
    return tuple(EvidencePassage(text) for text in texts)


def test_support_is_the_logistic_model_of_coverage_and_numbers() -> None:
    # Words: late, fee, 12, euros, per, month. The evidence has five of six, and the number.
    support = estimate_support(["The late fee is 12 euros per month."], read_evidence([FEES]))[0]
    assert support.missing == ("euro",)
    assert support.coverage == pytest.approx(5 / 6)
    assert support.numbers == 1
    score = WEIGHTS_WITHOUT["bias"] + WEIGHTS_WITHOUT["coverage"] * support.coverage
    expected = 1 / (1 + math.exp(-(score + WEIGHTS_WITHOUT["numbers"])))
    assert support.probability == pytest.approx(expected)


def test_what_is_said_is_supported_and_what_is_not_is_not() -> None:
    evidence = read_evidence([FEES, OFFICE])
    quoted, number, foreign, negated, joined = estimate_support(
        [
            "The late fee is 12 dollars per month.",
            "The late fee is 15 dollars per month.",
            "Penguins live near glaciers and eat fish.",
            "The late fee is not 12 dollars per month.",
            "The board raised the late fee in 2019; visitors register at the desk.",
        ],
        evidence,
    )
    assert quoted.is_supported
    assert quoted.coverage == 1
    assert quoted.best[0].source == 0
    assert number.probability < quoted.probability / 2
    assert "15" in number.missing
    assert foreign.probability < 0.02
    assert negated.probability < 0.5 < quoted.probability
    assert joined.is_supported
    assert {sentence.source for sentence in joined.best} == {0, 1}


@pytest.mark.parametrize(
    ("statement", "outcome"),
    [
        ("The late fee is 12 dollars per month.", "supported"),
        ("The late fee is not 12 dollars per month.", "contradicted"),
        ("The late fee is 15 dollars per month.", "contradicted"),
        ("The canteen charges 15 dollars for fish.", "not_told"),
        ("Penguins live near glaciers and eat fish.", "not_told"),
        ("The late fee is waived for members of the board.", "not_told"),
    ],
)
def test_a_statement_is_supported_contradicted_or_not_told(statement: str, outcome: str) -> None:
    [support] = estimate_support([statement], read_evidence([FEES, OFFICE]))
    assert support.outcome() == outcome


async def test_the_three_outcomes_are_counted_and_add_up() -> None:
    seen = Observation(
        answer="The late fee is 12 dollars per month. The late fee is 15 dollars per month. "
        "Penguins eat fish near glaciers. The office in Oslo opens at nine.",
        retrieved=passages(OFFICE, FEES),
    )
    shares = {}
    for name in ("groundedness", "contradiction", "not_told"):
        outcome = await score(name, seen, tools=Tools())
        shares[name] = outcome.value
        counts = [outcome.details[key] for key in ("supported", "contradicted", "not_told")]
        assert counts == [2, 1, 1]
        assert outcome.reason.startswith("Contradicted: The late fee is 15")
    assert shares == {"groundedness": 0.5, "contradiction": 0.25, "not_told": 0.25}


def test_nothing_supports_without_evidence() -> None:
    support = estimate_support(["The fee is 12 dollars."], [])[0]
    assert support.probability < 0.02
    assert support.best == ()


def test_statements_are_sentences_that_state_something() -> None:
    answer = "# Fees\n\nThe late fee is 12 dollars [1][2]. Anything else? Yes."
    assert read_statements(answer) == ["The late fee is 12 dollars."]


async def test_groundedness_is_the_share_of_supported_statements() -> None:
    seen = Observation(
        answer="The late fee is 12 dollars per month. The moon orbits distant galaxies yearly.",
        retrieved=passages(OFFICE, FEES),
    )
    found = await score("groundedness", seen, tools=Tools())
    assert (found.value, found.label) == (0.5, "1 of 2")
    assert "moon" in found.reason
    first = found.details["statements"][0]
    assert first["passages"] == [1]
    assert "dollars" in first["statement"]
    assert "raised" not in str(first), "the passage's own words must go with their document"
    declined = Observation(answer="The documents do not tell.", declined=True)
    assert (await score("groundedness", declined, tools=Tools())).status == "not_applicable"
    nothing = Observation(answer=seen.answer)
    assert (await score("groundedness", nothing, tools=Tools())).value == 0


ANSWER = "The late fee is 12 dollars per month [1]. The office in Oslo opens at nine [1][2]."
MARKS = (CitationMark(37, 40, 0), CitationMark(75, 78, 0), CitationMark(78, 81, 1))


def test_marks_belong_to_their_sentence() -> None:
    assert [ANSWER[mark.start : mark.end] for mark in MARKS] == ["[1]", "[1]", "[2]"]
    assert [cites for _, cites in attach(ANSWER, MARKS)] == [(0,), (0, 1)]


async def test_citation_recall_and_precision() -> None:
    seen = Observation(answer=ANSWER, retrieved=passages(FEES, OFFICE), citations=MARKS)
    first, second = judge_citations(seen)
    assert (first.is_supported, first.right) == (True, (0,))
    assert (second.is_supported, second.right) == (True, (1,)), "the first is of no use there"
    assert (await score("citation_recall", seen, tools=Tools())).value == 1
    assert (await score("citation_precision", seen, tools=Tools())).value == pytest.approx(2 / 3)


async def test_citations_that_are_wrong_or_missing() -> None:
    swapped = Observation(answer=ANSWER, retrieved=passages(OFFICE, FEES), citations=MARKS[:1])
    assert (await score("citation_recall", swapped, tools=Tools())).value == 0
    assert (await score("citation_precision", swapped, tools=Tools())).value == 0
    bare = Observation(answer=ANSWER, retrieved=passages(FEES, OFFICE))
    assert (await score("citation_recall", bare, tools=Tools())).value == 0
    assert (await score("citation_precision", bare, tools=Tools())).status == "not_applicable"
    lost = Observation(answer=ANSWER, citations=(CitationMark(37, 40, 7),))
    assert (await score("citation_precision", lost, tools=Tools())).value == 0


@pytest.mark.parametrize(
    ("answerable", "declined", "value", "label"),
    [
        (True, False, 1, "answered, rightly"),
        (True, True, 0, "declined, wrongly"),
        (False, True, 1, "declined, rightly"),
        (False, False, 0, "answered, wrongly"),
    ],
)
async def test_abstention(answerable: bool, declined: bool, value: float, label: str) -> None:
    seen = Observation(answerable=answerable, declined=declined)
    found = await score("abstention_accuracy", seen, tools=Tools())
    assert (found.value, found.label) == (value, label)


async def test_abstention_over_many() -> None:
    outcomes = [(True, False)] * 6 + [(True, True)] * 2 + [(False, True)] * 3 + [(False, False)]
    found = measure_abstention(outcomes)
    assert found.accuracy == pytest.approx(9 / 12)
    assert found.precision == pytest.approx(3 / 5)
    assert found.recall == pytest.approx(3 / 4)
    assert found.false_refusals == pytest.approx(2 / 8)
    assert measure_abstention([]).accuracy is None
    unknown = await score("abstention_accuracy", Observation(answerable=True), tools=Tools())
    assert unknown.status == "not_applicable"


@pytest.mark.parametrize(
    ("expected", "declined", "value", "label"),
    [
        ({"expected_passages": passages("opens at nine")}, True, 1, "with the passage at hand"),
        ({"expected_passages": passages("12 dollars")}, True, 1, "the passage was not found"),
        ({"expected_answers": ("The office in  Oslo",)}, True, 1, "with the passage at hand"),
        ({"expected_answers": ("It costs nothing",)}, True, 1, "the passage was not found"),
        ({"expected_answers": ("The office in Oslo",)}, False, 0, "answered"),
        ({}, True, None, ""),
        ({"expected_answers": ("Oslo",), "answerable": False}, True, None, ""),
    ],
)
async def test_a_false_refusal_says_whether_the_passage_was_there(
    expected: dict[str, Any], declined: bool, value: float | None, label: str
) -> None:
    seen = Observation(declined=declined, retrieved=passages(OFFICE), **expected)
    outcome = await score("false_refusal", seen, tools=Tools())
    assert outcome.value == value
    assert outcome.label.endswith(label)


async def test_recall_by_the_expected_answer_needs_no_labelled_passages() -> None:
    seen = Observation(
        expected_answers=(
            "Penguins eat fish near glaciers.",
            "The office in Oslo opens at nine. Penguins eat fish near glaciers.",
        ),
        retrieved=passages(OFFICE),
    )
    outcome = await score("answer_recall", seen, tools=Tools())
    assert (outcome.value, outcome.label) == (0.5, "1 of 2")
    assert outcome.reason == "Not found: Penguins eat fish near glaciers."
    bare = await score("answer_recall", Observation(retrieved=passages(OFFICE)), tools=Tools())
    assert bare.status == "not_applicable"
