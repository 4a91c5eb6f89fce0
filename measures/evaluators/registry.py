"""All evaluators by name. Each file registers its own; importing them here fills the list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from types import MappingProxyType
from typing import Any

from measures.evaluators.base import Evaluator, Observation, Score, Tools, failed

_FILES = (
    "matching", "overlap", "meaning", "choices", "functional", "perplexity", "formats",
    "instructions", "retrieval", "groundedness", "citations", "abstention", "safety", "speed",
    "judges", "custom",
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
    """Evaluate one observation; what goes wrong on the way is a failed score, never an error.

    Raises ``KeyError`` for an unknown evaluator and ``OptionError`` for a setting that it cannot
    have: those are mistakes of the plan, not of the observation.
    """
    evaluator = get_evaluator(name)
    filled = evaluator.fill(settings or {})
    tools = Tools(settings=filled, embedder=tools.embedder, model=tools.model)
    try:
        if evaluator.judge is not None:
            found = await evaluator.judge(observation, tools)
        else:
            assert evaluator.evaluate is not None
            found = evaluator.evaluate(observation, tools)
    except Exception as error:  # an evaluator's fault must not end an experiment
        found = failed(f"{evaluator.label} failed: {type(error).__name__}: {error}")
    label, reason = _clean(found.label)[:MAX_LABEL], _clean(found.reason)[:MAX_REASON]
    return replace(found, label=label, reason=reason)


def _clean(text: str) -> str:
    """Without what a database cannot keep: models and code write NUL and half characters too."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
