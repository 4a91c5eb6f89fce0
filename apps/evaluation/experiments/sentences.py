"""An answer sentence by sentence: what supports each one, and whether its citations hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apps.core.embedder import get_embedder
from apps.evaluation.experiments.observing import observe
from apps.evaluation.models import ExperimentItem, ItemPassage
from inference.errors import ModelFilesError
from measures.detectors.support import Outcome, estimate_support, read_evidence
from measures.evaluators.base import TextEmbedder
from measures.evaluators.citations import judge_citations

MISSING = 12
"""The largest number of unsupported words that are listed."""


@dataclass(frozen=True, slots=True)
class SentenceView:
    """A statement of an answer.

    `outcome` is supported, contradicted or not_told; `probability` is that of being supported by
    the passages. `passages` are the numbers of those that support it, `best` is the closest
    sentence in them, `missing` are stems that they lack. `right` are the cited passages that
    support it, alone or together, `wrong` the other cited ones.
    """

    text: str
    probability: float
    is_supported: bool
    outcome: Outcome
    passages: tuple[int, ...]
    best: str
    missing: tuple[str, ...]
    right: tuple[int, ...]
    wrong: tuple[int, ...]

    @property
    def shown(self) -> str:
        return f"{self.probability * 100:.0f} %"


def view_sentences(item: ExperimentItem, passages: Sequence[ItemPassage]) -> list[SentenceView]:
    """The answer's statements; empty if it declines. `passages` are in order. Blocking.

    Judged like the evaluators of groundedness and citations, with the current embedding model.
    """
    if item.is_declined or not item.answer:
        return []
    observation, embedder = observe(item, passages), _find_embedder()
    cited = judge_citations(observation, embedder=embedder)
    evidence = read_evidence([passage.text for passage in observation.retrieved])
    supports = estimate_support([one.text for one in cited], evidence, embedder=embedder)
    numbers = [passage.number for passage in passages]
    return [
        SentenceView(
            text=one.text,
            probability=support.probability,
            is_supported=support.is_supported,
            outcome=support.outcome(),
            passages=tuple(sorted({numbers[sentence.source] for sentence in support.best})),
            best=support.best[0].text if support.best else "",
            missing=support.missing[:MISSING],
            right=tuple(numbers[place] for place in one.right),
            wrong=tuple(numbers[place] for place in one.cites if place not in one.right),
        )
        for one, support in zip(cited, supports, strict=True)
    ]


def _find_embedder() -> TextEmbedder | None:
    """The embedding model, or None without its files: words and numbers then decide alone."""
    try:
        return get_embedder()
    except ModelFilesError:
        return None
