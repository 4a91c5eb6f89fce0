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
from measures.evaluators.retrieval import holds_answer

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


_REFUSALS = {
    True: "declined, with the passage at hand",
    False: "declined, the passage was not found",
    None: "declined",
}


def _score_refusal(observation: Observation, tools: Tools) -> Score:
    """1 for an answer that was withheld although somebody has written down what it is."""
    is_known = bool(observation.expected_answers or observation.expected_passages)
    if observation.answerable is False or not is_known:
        return not_applicable("Nobody said that the documents hold an answer, and which.")
    if observation.declined is None:
        return not_applicable("It is not known whether the assistant declined.")
    if not observation.declined:
        return Score(0.0, "answered")
    at_hand = holds_answer(observation)
    return Score(1.0, _REFUSALS[at_hand], details={"passage_retrieved": at_hand})


EVALUATORS = (
    Evaluator(
        "abstention_accuracy", "Abstention accuracy",
        "It answers when the documents hold an answer, and says so when they do not.",
        "grounding", frozenset({Need.ANSWERABLE, Need.DECLINED}),
        "Rajpurkar et al., 2018 (SQuAD 2.0)", _score,
    ),
    Evaluator(
        "false_refusal", "False refusal",
        "It declines although an expected answer or passage is known. Says whether the passage "
        "with the answer had been retrieved: then the search did its part.",
        "grounding", frozenset({Need.ANSWERABLE, Need.DECLINED}),
        "Rajpurkar et al., 2018 (SQuAD 2.0); Röttger et al., 2024 (XSTest)", _score_refusal,
        higher_is_better=False,
    ),
)  # fmt: skip
