"""Self-verification: asked again with some chance in it, does the assistant say the same?

What a model knows it repeats in other words; what it makes up comes out differently each time
(Manakul et al., 2023, SelfCheckGPT; Wang et al., 2023, self-consistency). The experiment asks the
release again; here the answers are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from statistics import fmean

from apps.core.options import Option
from measures.evaluators.base import (
    Evaluator,
    Need,
    Observation,
    Score,
    Tools,
    not_applicable,
)
from measures.evaluators.matching import token_f1

MAX_ANSWERS = 10
SAME = 0.5


def compare_pair(first: str | None, second: str | None) -> float:
    """Token F1 of two answers, 0 to 1; None is one that declined, which only equals another."""
    if first is None or second is None:
        return float(first is second)
    return token_f1(first, second)


def measure_agreement(answers: Sequence[str | None]) -> float | None:
    """The mean over all pairs of answers; ``None`` for fewer than two."""
    pairs = list(combinations(answers, 2))
    return fmean(compare_pair(*pair) for pair in pairs) if pairs else None


def _score(observation: Observation, tools: Tools) -> Score:
    again: Sequence[str | None] = observation.answers_again[: tools.settings["k"]]
    if not again:
        return not_applicable("It was not asked again: the built-in reader leaves nothing to it.")
    own = None if observation.declined else observation.answer
    value = measure_agreement([own, *again])
    assert value is not None
    likeness = [round(compare_pair(own, other), 3) for other in again]
    same = sum(one >= SAME for one in likeness)
    details = {"likeness": likeness, "declined": sum(other is None for other in again)}
    return Score(value, f"{same} of {len(again)} say the same", details=details)


EVALUATORS = (
    Evaluator(
        "self_agreement", "Agreement with itself (self-verification)",
        "Asks the release the same question again with a raised temperature and compares the "
        "answers word by word (mean token F1 of all pairs). Each answer costs as much as the "
        "first.",
        "answer", frozenset({Need.ANSWER, Need.ANSWERS_AGAIN}),
        "Manakul et al., 2023 (SelfCheckGPT); Wang et al., 2023", _score,
        settings=(
            Option("k", "Times to ask again", "whole", 4, minimum=1, maximum=MAX_ANSWERS),
            Option("temperature", "Temperature", "number", 0.7, minimum=0, maximum=2),
        ),
    ),
)  # fmt: skip
