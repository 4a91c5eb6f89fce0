"""Groundedness: which share of the answer's statements do the retrieved passages support?"""

from __future__ import annotations

from typing import Any

from apps.core.options import Option
from measures.detectors.support import (
    THRESHOLD,
    Support,
    estimate_support,
    read_evidence,
    read_statements,
)
from measures.evaluators.base import (
    Evaluator,
    Need,
    Observation,
    Score,
    Tools,
    not_applicable,
)


def describe(support: Support) -> dict[str, Any]:
    """A statement for display: its probability, the supporting passages, and the missing words.

    Texts of passages are left out: they have to go with their document, and this is kept.
    """
    return {
        "statement": support.statement,
        "support": round(support.probability, 3),
        "passages": sorted({sentence.source for sentence in support.best}),
        "missing": list(support.missing[:12]),
    }


def _score(observation: Observation, tools: Tools) -> Score:
    """Supported statements / statements, each weighing the same (as FActScore, Min et al., 2023).

    An answer that declines states nothing, and has no score.
    """
    if observation.declined:
        return not_applicable("The assistant declined.")
    statements = read_statements(observation.answer)
    if not statements:
        return not_applicable("The answer states nothing.")
    evidence = read_evidence([passage.text for passage in observation.retrieved])
    supports = estimate_support(statements, evidence, embedder=tools.embedder)
    bar = tools.settings["threshold"]
    weak = [support for support in supports if support.probability < bar]
    value = 1 - len(weak) / len(supports)
    reason = f"Not supported: {weak[0].statement}"[:300] if weak else ""
    details = {"statements": [describe(support) for support in supports]}
    return Score(value, label=f"{len(supports) - len(weak)} of {len(supports)}", reason=reason,
                 details=details)  # fmt: skip


EVALUATORS = (
    Evaluator(
        "groundedness", "Groundedness",
        "Which share of the answer's sentences the retrieved passages support. An estimate from "
        "words, numbers and meaning, without a model that judges.",
        "grounding", frozenset({Need.ANSWER, Need.RETRIEVED}),
        "Shares as FActScore (Min et al., 2023); support fitted on WiCE (Kamoi et al., 2023)",
        _score,
        settings=(Option("threshold", "Probability from which it counts", "number", THRESHOLD),),
    ),
)  # fmt: skip
