"""Retrieval metrics of an observation: by document, and by passage and character.

A document is relevant when an expected passage is in it. A passage that was retrieved finds an
expected one when it holds at least half of its characters, or, where offsets are unknown, when one
text contains the other. By passage, each expected one counts once, at the rank where it was found
first; only the two precisions count every passage that holds one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, TypeAlias

from apps.core.options import Option
from measures import ranking
from measures.evaluators.base import (
    Evaluator,
    EvidencePassage,
    Need,
    Observation,
    Score,
    Tools,
    not_applicable,
    share,
)
from measures.spans import SpanScores, measure_overlap

NEEDS = frozenset({Need.RETRIEVED, Need.EXPECTED_PASSAGES})
HELD = 0.5
Unit = Literal["document", "passage"]
Ranked: TypeAlias = tuple[list[Hashable], dict[Hashable, float]]
_MISSING = "No expected passages."


def rank_documents(observation: Observation) -> Ranked:
    """Documents in the order of their first passage, and the grades of those expected."""
    grades: dict[Hashable, float] = {}
    for passage in observation.expected_passages:
        if passage.document:
            grades[passage.document] = max(passage.grade, grades.get(passage.document, 0.0))
    return ranking.unique(p.document for p in observation.retrieved), grades


def rank_passages(observation: Observation, k: int) -> Ranked:
    """The first k passages, each replaced by the expected ones that it is the first to find.

    A passage that finds several takes as many ranks, so that none is lost; one that finds nothing
    new stands for itself, as irrelevant.
    """
    expected = observation.expected_passages
    grades: dict[Hashable, float] = {index: p.grade for index, p in enumerate(expected)}
    ranked: list[Hashable] = []
    for rank, passage in enumerate(observation.retrieved[:k]):
        new = [i for i, p in enumerate(expected) if i not in ranked and holds(passage, p)]
        ranked += new or [("other", rank)]
    return ranked, grades


def holds(passage: EvidencePassage, expected: EvidencePassage) -> bool:
    """Whether a retrieved passage contains an expected one."""
    have, want = passage.span, expected.span
    if have is not None and want is not None and want.length:
        return have.overlap(want) >= HELD * want.length
    if passage.document and expected.document and passage.document != expected.document:
        return False
    if not expected.text:
        return bool(expected.document) and passage.document == expected.document
    texts = [" ".join(p.text.split()).lower() for p in (passage, expected)]
    return bool(texts[0]) and (texts[1] in texts[0] or texts[0] in texts[1])


def holds_answer(observation: Observation) -> bool | None:
    """Whether what was retrieved holds the answer; ``None`` where nobody said what it is.

    With expected passages, one of them was found; without, a passage has an expected answer word
    for word.
    """
    wanted = [passage for passage in observation.expected_passages if passage.grade > 0]
    if wanted:
        return any(holds(have, want) for have in observation.retrieved for want in wanted)
    answers = [" ".join(text.split()).lower() for text in observation.expected_answers]
    if not any(answers):
        return None
    texts = [" ".join(passage.text.split()).lower() for passage in observation.retrieved]
    return any(answer in text for answer in answers if answer for text in texts)


def measure_characters(observation: Observation) -> SpanScores | None:
    """Recall, precision and IoU over characters; ``None`` without expected offsets."""
    expected = [p.span for p in observation.expected_passages if p.span is not None]
    retrieved = [p.span for p in observation.retrieved if p.span is not None]
    return measure_overlap(retrieved, expected)


RankMetric: TypeAlias = Callable[[Sequence[Hashable], Mapping[Hashable, float], int], float | None]


def _ndcg(ranked: Sequence[Hashable], grades: Mapping[Hashable, float], k: int) -> float | None:
    return ranking.ndcg_at(ranked, grades, k)


def _ndcg_exp2(
    ranked: Sequence[Hashable], grades: Mapping[Hashable, float], k: int
) -> float | None:
    return ranking.ndcg_at(ranked, grades, k, gain="exp2")


METRICS: dict[str, RankMetric] = {
    "precision": ranking.precision_at,
    "precision_of": ranking.precision_of,
    "recall": ranking.recall_at,
    "hit_rate": ranking.hit_at,
    "all_found": ranking.all_found_at,
    "mrr": ranking.reciprocal_rank,
    "map": ranking.average_precision,
    "ndcg": _ndcg,
    "ndcg_exp2": _ndcg_exp2,
}


def measure(observation: Observation, metric: str, *, unit: Unit, k: int) -> float | None:
    """One of ``METRICS``; ``None`` where nothing is expected."""
    if unit == "document":
        ranked, grades = rank_documents(observation)
        return METRICS[metric](ranked, grades, k)
    ranked, grades = rank_passages(observation, k)
    if metric in ("precision", "precision_of") and grades:
        counted = k if metric == "precision" else max(1, min(k, len(observation.retrieved)))
        return len(_useful(observation, k)) / counted
    return METRICS[metric](ranked, grades, max(k, len(ranked)))


def _useful(observation: Observation, k: int) -> list[int]:
    """The ranks up to k of passages that contain an expected one."""
    relevant = [passage for passage in observation.expected_passages if passage.grade > 0]
    return [
        rank
        for rank, passage in enumerate(observation.retrieved[:k], 1)
        if any(holds(passage, one) for one in relevant)
    ]


def _score(observation: Observation, tools: Tools, *, metric: str) -> Score:
    k = tools.settings["k"]
    value = measure(observation, metric, unit=tools.settings["unit"], k=k)
    ranks = _useful(observation, k) if value is not None else []
    return share(value, missing=_MISSING, passages_found_at=ranks)


def _score_characters(observation: Observation, tools: Tools, *, part: str) -> Score:
    scores = measure_characters(observation)
    if scores is None:
        return not_applicable("No expected passages with their place in the document.")
    details: dict[str, Any] = {
        "expected": scores.expected, "retrieved": scores.retrieved, "common": scores.common,
    }  # fmt: skip
    return Score(float(getattr(scores, part)), details=details)


_SETTINGS = (
    Option("k", "Passages counted (k)", "whole", 10, minimum=1),
    Option(
        "unit",
        "Counted by",
        "choice",
        "document",
        choices=(("document", "document"), ("passage", "passage")),
    ),
)


def _evaluator(
    name: str, label: str, explanation: str, metric: str, source: str, *, version: int = 1
) -> Evaluator:
    evaluate = partial(_score, metric=metric)
    return Evaluator(
        name, label, explanation, "retrieval", NEEDS, source, evaluate, settings=_SETTINGS,
        version=version,
    )  # fmt: skip


_IR = "Manning, Raghavan, Schütze, 2008, chapter 8"
_CHROMA = "Smith and Troynikov, 2024 (Chroma)"
EVALUATORS = (
    # Version 1 divided by k.
    _evaluator(
        "context_precision", "Context precision",
        "Which share of what was retrieved is wanted, among the first k results. Divided by what "
        "was retrieved, so that three results of three wanted are 100 %.", "precision_of", _IR,
        version=2,
    ),
    _evaluator(
        "context_precision_at_k", "Context precision@k",
        "Wanted results among the first k, divided by k, also where fewer were retrieved.",
        "precision", _IR,
    ),
    _evaluator(
        "context_recall", "Context recall@k",
        "Which share of what is wanted is among the first k results.", "recall", _IR,
    ),
    _evaluator(
        "hit_rate", "Hit rate@k", "Whether anything wanted is among the first k results.",
        "hit_rate", _IR,
    ),
    _evaluator(
        "all_found", "All found@k",
        "Whether everything wanted is among the first k results: questions that need two "
        "documents are not answered by one.", "all_found", "Yang et al., 2018 (HotpotQA)",
    ),
    _evaluator(
        "mrr", "Reciprocal rank",
        "1 divided by the rank of the first wanted result; its mean is the MRR.", "mrr", _IR,
    ),
    _evaluator(
        "map", "Average precision",
        "Precision at each wanted result, averaged over all that are wanted; its mean is the MAP.",
        "map", _IR,
    ),
    _evaluator(
        "ndcg", "nDCG@k",
        "How near the order is to the best possible one; early results weigh more. Linear gain.",
        "ndcg", "Järvelin and Kekäläinen, 2002",
    ),
    _evaluator(
        "ndcg_exp2", "nDCG@k, exponential gain",
        "nDCG@k with gain 2^grade - 1, in which high grades weigh much more.",
        "ndcg_exp2", "Burges et al., 2005",
    ),
    Evaluator(
        "span_recall", "Character recall",
        "Which share of the wanted text is in the retrieved passages.",
        "retrieval", NEEDS, _CHROMA, partial(_score_characters, part="recall"),
    ),
    Evaluator(
        "span_precision", "Character precision",
        "Which share of the retrieved text is wanted.",
        "retrieval", NEEDS, _CHROMA, partial(_score_characters, part="precision"),
    ),
    Evaluator(
        "span_iou", "Character IoU",
        "Wanted and retrieved text in common, divided by all of it.",
        "retrieval", NEEDS, _CHROMA, partial(_score_characters, part="iou"),
    ),
)  # fmt: skip
