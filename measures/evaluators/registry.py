"""All evaluators by name. Each file registers its own; importing them here fills the list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from types import MappingProxyType
from typing import Any

from apps.core.text import storable
from measures.evaluators.base import Evaluator, Observation, Score, Tools, failed

_FILES = (
    "matching", "overlap", "meaning", "choices", "functional", "perplexity", "self_agreement",
    "formats", "instructions", "retrieval", "groundedness", "citations", "abstention", "safety",
    "speed", "judges", "custom",
)  # fmt: skip
MAX_LABEL, MAX_REASON = 60, 2_000
_known: dict[str, Evaluator] = {}


def all_evaluators() -> Mapping[str, Evaluator]:
    """Every built-in evaluator by its name, in the order in which pages list them."""
    if not _known:
        for name in _FILES:
            for evaluator in import_module(f"measures.evaluators.{name}").EVALUATORS:
                if evaluator.name in _known:
                    raise ValueError(f"two evaluators are called {evaluator.name}")
                _known[evaluator.name] = evaluator
    return MappingProxyType(_known)


def get_evaluator(name: str) -> Evaluator:
    """Return one; raises ``KeyError``."""
    return all_evaluators()[name]


async def score(
    name: str, observation: Observation, *, tools: Tools, settings: Mapping[str, Any] | None = None
) -> Score:
    """Evaluate one observation; any failure becomes a failed score, never an exception.

    Raises ``KeyError`` for an unknown evaluator and ``OptionError`` for a setting that it cannot
    have: those are mistakes of the plan, not of the observation.
    """
    evaluator = get_evaluator(name)
    filled = evaluator.fill(settings or {})
    tools = Tools(settings=filled, embedder=tools.embedder, model=tools.model)
    try:
        if evaluator.judge is not None:
            outcome = await evaluator.judge(observation, tools)
        else:
            assert evaluator.evaluate is not None
            outcome = evaluator.evaluate(observation, tools)
    except Exception as error:  # an evaluator's fault must not end an experiment
        outcome = failed(f"{evaluator.label} failed: {type(error).__name__}: {error}")
    label, reason = storable(outcome.label)[:MAX_LABEL], storable(outcome.reason)[:MAX_REASON]
    return replace(outcome, label=label, reason=reason)
