"""How surprising the expected answer is to the model, where its server gives log-probabilities.

The model reads what was retrieved and the question before it (the experiment measures that).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from measures.evaluators.base import (
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
        return not_applicable("No expected answer, or the endpoint gives no log-probabilities.")
    value = perplexity(observation.prompt_logprobs)
    if value is None:
        return failed("The log-probabilities make no sense.")
    return Score(value, details={"tokens": len(observation.prompt_logprobs)})


EVALUATORS = (
    Evaluator(
        "perplexity", "Perplexity",
        "Between how many tokens, on average, the release's model would have hesitated when "
        "writing the expected answer; 1 is certainty. Needs an endpoint that tells "
        "log-probabilities of a prompt, as vLLM does.",
        "answer", frozenset({Need.LOGPROBS, Need.EXPECTED_ANSWER}), "Jelinek et al., 1977", _score,
        low=1.0, high=None, higher_is_better=False,
    ),
)  # fmt: skip
