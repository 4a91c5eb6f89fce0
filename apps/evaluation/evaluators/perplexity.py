"""How surprising a text is to the model, where its server gives log-probabilities of the prompt."""

from __future__ import annotations

import math
from collections.abc import Sequence

from apps.evaluation.evaluators.base import (
    Evaluator,
    Need,
    Observation,
    Score,
    Tools,
    failed,
    not_applicable,
)


def perplexity(logprobs: Sequence[float]) -> float | None:
    """exp(-mean of the natural log-probabilities), 1 or more (Jelinek et al., 1977).

    ``None`` without tokens, or when the number would be too large to be one. Depends on the
    tokenizer: compare only models that share it.
    """
    if not logprobs:
        return None
    mean = math.fsum(logprobs) / len(logprobs)
    return math.exp(-mean) if -700 < mean <= 0 else None


def _score(observation: Observation, tools: Tools) -> Score:
    if not observation.prompt_logprobs:
        return not_applicable("The endpoint gives no log-probabilities of the prompt.")
    value = perplexity(observation.prompt_logprobs)
    if value is None:
        return failed("The log-probabilities make no sense.")
    return Score(value, details={"tokens": len(observation.prompt_logprobs)})


EVALUATORS = (
    Evaluator(
        "perplexity", "Perplexity",
        "Between how many words, on average, the model would have hesitated; 1 is certainty.",
        "answer", frozenset({Need.LOGPROBS}), "Jelinek et al., 1977", _score,
        low=1.0, high=None, higher_is_better=False,
    ),
)  # fmt: skip
