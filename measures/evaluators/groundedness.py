"""Groundedness: which share of the answer's statements do the retrieved passages support?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

from apps.core.options import Option
from measures.detectors.support import (
    THRESHOLD,
    Outcome,
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


def describe(support: Support, bar: float) -> dict[str, Any]:
    """A statement for display: its outcome, the nearest passages, and the missing words.

    Texts of passages are left out: they have to go with their document, and this is kept.
    """
    return {
        "statement": support.statement,
        "outcome": support.outcome(bar),
        "support": round(support.probability, 3),
        "passages": sorted({sentence.source for sentence in support.best}),
        "missing": list(support.missing[:12]),
    }


def _score(observation: Observation, tools: Tools, *, outcome: Outcome) -> Score:
    """Statements with this outcome / statements, each weighing the same.

    As FActScore (Min et al., 2023). An answer that declines states nothing, and has no score.
    """
    if observation.declined:
        return not_applicable("The assistant declined.")
    statements = read_statements(observation.answer)
    if not statements:
        return not_applicable("The answer states nothing.")
    evidence = read_evidence([passage.text for passage in observation.retrieved])
    supports = estimate_support(statements, evidence, embedder=tools.embedder)
    bar = tools.settings["threshold"]
    counts = Counter(support.outcome(bar) for support in supports)
    details: dict[str, Any] = {
        "statements": [describe(support, bar) for support in supports],
    }
    details |= {name: counts[name] for name in OUTCOMES}
    return Score(
        counts[outcome] / len(supports),
        label=f"{counts[outcome]} of {len(supports)}",
        reason=_explain(supports, bar),
        details=details,
    )


def _score_recall(observation: Observation, tools: Tools) -> Score:
    """Statements of the expected answer that what was retrieved supports / all of its statements.

    With several expected answers the one that is supported best counts.
    """
    evidence = read_evidence([passage.text for passage in observation.retrieved])
    bar = tools.settings["threshold"]
    best: Score | None = None
    for answer in observation.expected_answers:
        supports = estimate_support(read_statements(answer), evidence, embedder=tools.embedder)
        if not supports:
            continue
        lost = [one.statement for one in supports if one.probability < bar]
        value = 1 - len(lost) / len(supports)
        if best is None or best.value is None or value > best.value:
            label = f"{len(supports) - len(lost)} of {len(supports)}"
            best = Score(value, label, f"Not found: {lost[0]}"[:300] if lost else "")
    return best or not_applicable("No expected answer that states something.")


def _explain(supports: Sequence[Support], bar: float) -> str:
    """The worst statement: one that the passages contradict, or else one that they do not tell."""
    for outcome in ("contradicted", "not_told"):
        for support in supports:
            if support.outcome(bar) == outcome:
                return f"{OUTCOMES[outcome]}: {support.statement}"[:300]
    return ""


OUTCOMES: dict[Outcome, str] = {
    "supported": "Supported",
    "contradicted": "Contradicted",
    "not_told": "Not supported",
}
_BAR = Option("threshold", "Probability from which it counts", "number", THRESHOLD)
_NEEDS = frozenset({Need.ANSWER, Need.RETRIEVED})
_SNLI = "Classes as SNLI (Bowman et al., 2015); support fitted on WiCE (Kamoi et al., 2023)"
EVALUATORS = (
    Evaluator(
        "groundedness", "Groundedness",
        "Which share of the answer's sentences the retrieved passages support. An estimate from "
        "words, numbers and meaning, without a model that judges.",
        "grounding", _NEEDS,
        "Shares as FActScore (Min et al., 2023); support fitted on WiCE (Kamoi et al., 2023)",
        partial(_score, outcome="supported"), settings=(_BAR,),
    ),
    Evaluator(
        "answer_recall", "Context recall by the expected answer",
        "Which share of the expected answer's sentences the retrieved passages support. Needs no "
        "labelled passages, so it also measures the retrieval of earlier turns.",
        "retrieval", frozenset({Need.RETRIEVED, Need.EXPECTED_ANSWER}),
        "Es et al., 2023 (Ragas); support fitted on WiCE (Kamoi et al., 2023)",
        _score_recall, settings=(_BAR,),
    ),
    Evaluator(
        "contradiction", "Contradicted by the passages",
        "Which share of the answer's sentences the retrieved passages contradict: nearly the same "
        "words, but negated or with another number. Worse than what they do not tell.",
        "grounding", _NEEDS, _SNLI, partial(_score, outcome="contradicted"), settings=(_BAR,),
        higher_is_better=False,
    ),
    Evaluator(
        "not_told", "Not told by the passages",
        "Which share of the answer's sentences the retrieved passages neither support nor "
        "contradict.",
        "grounding", _NEEDS, _SNLI, partial(_score, outcome="not_told"), settings=(_BAR,),
        higher_is_better=False,
    ),
)  # fmt: skip
