"""Named choices of evaluators, so that nobody has to know all of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from measures.evaluators.registry import all_evaluators


@dataclass(frozen=True, slots=True)
class Preset:
    """`evaluators` by name; the first is the headline."""

    name: str
    label: str
    purpose: str
    evaluators: tuple[str, ...]

    @property
    def available(self) -> tuple[str, ...]:
        """Those of its evaluators that this installation has."""
        known = all_evaluators()
        return tuple(name for name in self.evaluators if name in known)


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            "rag",
            "RAG basics",
            "Right, backed by its sources, and honest where the documents do not tell.",
            ("token_f1", "exact_match", "groundedness", "citation_precision", "context_recall",
             "abstention_accuracy"),
        ),
        Preset(
            "retrieval",
            "Retrieval",
            "Whether the search finds the passages that hold the answer, and how early.",
            ("context_recall", "hit_rate", "all_found", "context_precision", "mrr", "ndcg"),
        ),
        Preset(
            "style",
            "Style and safety",
            "Right length and form, to the point, no insults, nobody's personal data.",
            ("answer_relevance", "length", "instructions", "pii_rate", "toxicity_rate"),
        ),
        Preset(
            "code",
            "Code and SQL",
            "Code that passes its tests and queries that give the right rows.",
            ("python_tests", "sql_execution", "json_valid"),
        ),
    )
}  # fmt: skip
DEFAULT = "rag"


def expand_preset(name: str, chosen: Iterable[Mapping[str, Any]] = ()) -> list[dict[str, Any]]:
    """The preset's evaluators, then the chosen ones; a chosen one brings its own settings.

    The form is what `freeze_evaluators` takes. Raises KeyError for an unknown preset.
    """
    picked = [dict(one) for one in chosen]
    named = {one.get("evaluator") for one in picked}
    return [
        {"evaluator": evaluator} for evaluator in PRESETS[name].available if evaluator not in named
    ] + picked


def match_preset(names: Iterable[str]) -> str:
    """The preset that holds exactly these evaluators; empty if none does."""
    wanted = set(names)
    found = (preset.name for preset in PRESETS.values() if set(preset.available) == wanted)
    return next(found, "")
