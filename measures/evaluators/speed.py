"""Latency and cost of an answer."""

from __future__ import annotations

from measures.evaluators.base import (
    Evaluate,
    Evaluator,
    Need,
    Observation,
    Score,
    Timing,
    Tools,
    not_applicable,
)


def time_per_output_token(timing: Timing) -> float | None:
    """TPOT in ms: (total - time to first token) / (tokens written - 1), as vLLM defines it.

    ``None`` when a part is unknown or fewer than two tokens were written.
    """
    if timing.total_ms is None or timing.first_token_ms is None:
        return None
    if timing.output_tokens is None or timing.output_tokens < 2:
        return None
    return max(0.0, timing.total_ms - timing.first_token_ms) / (timing.output_tokens - 1)


def _known(value: float | None, missing: str) -> Score:
    return not_applicable(missing) if value is None else Score(float(value))


def _ttft(observation: Observation, tools: Tools) -> Score:
    return _known(observation.timing.first_token_ms, "No time to the first token was noted.")


def _tpot(observation: Observation, tools: Tools) -> Score:
    missing = "It takes two tokens and both times to tell."
    return _known(time_per_output_token(observation.timing), missing)


def _total(observation: Observation, tools: Tools) -> Score:
    return _known(observation.timing.total_ms, "No total time was noted.")


def _cost(observation: Observation, tools: Tools) -> Score:
    return _known(observation.cost, "The endpoint has no prices.")


def _speed(name: str, label: str, explanation: str, evaluate: Evaluate) -> Evaluator:
    return Evaluator(
        name, label, explanation, "speed", frozenset({Need.TIMING}),
        "vLLM's and MLPerf's serving metrics", evaluate,
        high=None, unit="ms", higher_is_better=False,
    )  # fmt: skip


EVALUATORS = (
    _speed(
        "ttft", "Time to first token",
        "Milliseconds from the question to the first word on the screen, retrieval included.",
        _ttft,
    ),
    _speed(
        "tpot", "Time per output token",
        "Milliseconds between two tokens once the answer has begun.", _tpot,
    ),
    _speed("latency", "Total time", "Milliseconds from the question to the end of the answer.",
           _total),
    Evaluator(
        "cost", "Cost", "What the model's tokens cost, in the currency of the endpoint's prices.",
        "speed", frozenset({Need.COST}), "Input and output tokens times their prices", _cost,
        high=None, higher_is_better=False,
    ),
)  # fmt: skip
