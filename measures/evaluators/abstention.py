"""Does the assistant decline when the documents hold no answer, and only then?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from measures.evaluators.base import (
    Evaluator,
    Need,
    Observation,
    Score,
    Tools,
    not_applicable,
)

_LABELS = {
    (True, False): "answered, rightly",
    (True, True): "declined, wrongly",
    (False, True): "declined, rightly",
    (False, False): "answered, wrongly",
}


@dataclass(frozen=True, slots=True)
class Abstention:
    """Rates over many questions; ``None`` if there is no question to count.

    ``precision``: of those declined, how many had no answer. ``recall``: of those without an
    answer, how many were declined. ``accuracy`` is over all of them.
    """

    accuracy: float | None
    precision: float | None
    recall: float | None
    false_refusals: float | None


def measure_abstention(outcomes: Iterable[tuple[bool, bool]]) -> Abstention:
    """Summarise (answerable, declined) pairs, as for the unanswerable questions of SQuAD 2.0."""
    pairs = list(outcomes)
    declined = [answerable for answerable, gave_up in pairs if gave_up]
    hopeless = [gave_up for answerable, gave_up in pairs if not answerable]
    answerable = [gave_up for can, gave_up in pairs if can]
    return Abstention(
        accuracy=_rate(can != gave_up for can, gave_up in pairs),
        precision=_rate(not can for can in declined),
        recall=_rate(hopeless),
        false_refusals=_rate(answerable),
    )


def _rate(values: Iterable[bool]) -> float | None:
    known = list(values)
    return sum(known) / len(known) if known else None


def _score(observation: Observation, tools: Tools) -> Score:
    if observation.answerable is None:
        return not_applicable("Nobody said whether the documents hold an answer.")
    if observation.declined is None:
        return not_applicable("It is not known whether the assistant declined.")
    right = observation.answerable != observation.declined
    label = _LABELS[observation.answerable, observation.declined]
    return Score(float(right), label=label)


EVALUATORS = (
    Evaluator(
        "abstention_accuracy", "Abstention accuracy",
        "It answers when the documents hold an answer, and says so when they do not.",
        "grounding", frozenset({Need.ANSWERABLE, Need.DECLINED}),
        "Rajpurkar et al., 2018 (SQuAD 2.0)", _score,
    ),
)  # fmt: skip
