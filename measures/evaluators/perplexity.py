"""How surprising the expected answer is to the model, where its server gives log-probabilities.

The model reads what was retrieved and the question before it (the experiment measures that).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

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


def cross_entropy(logprobs: Sequence[float]) -> float | None:
    """-mean of the natural log-probabilities, in nats a token; its exponential is the perplexity.

    ``None`` without tokens, or for what cannot be log-probabilities.
    """
    if not logprobs:
        return None
    mean = math.fsum(logprobs) / len(logprobs)
    return max(0.0, -mean) if -math.inf < mean <= 0 else None


def bits_per_byte(logprobs: Sequence[float], text: str) -> float | None:
    """-sum of the log-probabilities in bits, divided by the UTF-8 bytes of what they are about.

    Unlike perplexity it does not depend on how the text was cut into tokens, so that models with
    different tokenizers compare (Gao et al., 2020, The Pile).
    """
    entropy, size = cross_entropy(logprobs), len(text.encode())
    if entropy is None or not size:
        return None
    return entropy * len(logprobs) / math.log(2) / size


def _score_entropy(observation: Observation, tools: Tools, *, per_byte: bool) -> Score:
    logprobs = observation.prompt_logprobs
    if not logprobs or not observation.expected_answers:
        return not_applicable("No expected answer, or the endpoint gives no log-probabilities.")
    text = f" {observation.expected_answers[0]}"  # as the model read it, the space included
    value = bits_per_byte(logprobs, text) if per_byte else cross_entropy(logprobs)
    if value is None:
        return failed("The log-probabilities make no sense.")
    return Score(value, details={"tokens": len(logprobs), "bytes": len(text.encode())})


def _score(observation: Observation, tools: Tools) -> Score:
    if not observation.prompt_logprobs:
        return not_applicable("No expected answer, or the endpoint gives no log-probabilities.")
    value = perplexity(observation.prompt_logprobs)
    if value is None:
        return failed("The log-probabilities make no sense.")
    return Score(value, details={"tokens": len(observation.prompt_logprobs)})


_NEEDS = frozenset({Need.LOGPROBS, Need.EXPECTED_ANSWER})
EVALUATORS = (
    Evaluator(
        "perplexity", "Perplexity",
        "Between how many tokens, on average, the release's model would have hesitated when "
        "writing the expected answer; 1 is certainty. Needs an endpoint that tells "
        "log-probabilities of a prompt, as vLLM does.",
        "answer", _NEEDS, "Jelinek et al., 1977", _score,
        low=1.0, high=None, higher_is_better=False,
    ),
    Evaluator(
        "cross_entropy", "Cross entropy",
        "How surprised the release's model is by a token of the expected answer, in nats: the "
        "logarithm of the perplexity. Its means add up where those of perplexities do not.",
        "answer", _NEEDS, "Shannon, 1948; Jelinek et al., 1977",
        partial(_score_entropy, per_byte=False), high=None, unit="nats", higher_is_better=False,
    ),
    Evaluator(
        "bits_per_byte", "Bits per byte",
        "How many bits the release's model needs for a byte of the expected answer. Compares "
        "models that cut text into tokens differently.",
        "answer", _NEEDS, "Gao et al., 2020 (The Pile)",
        partial(_score_entropy, per_byte=True), high=None, unit="bits", higher_is_better=False,
    ),
)  # fmt: skip
