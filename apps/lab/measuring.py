"""How well a list of passages answers a labelled case. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.retrieval.search.hits import Hit
from measures.evaluators.base import EvidencePassage, Observation
from measures.evaluators.names import name_evaluator
from measures.evaluators.retrieval import holds, measure, measure_characters

UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class LabMetric:
    """A column of the lab's tables; every value is a share from 0 to 1."""

    name: str
    label: str
    explanation: str

    @property
    def title(self) -> str:
        """Its name on pages: plain words with the term in brackets."""
        return name_evaluator(EVALUATORS.get(self.name, self.name), self.label)


EVALUATORS = {
    "recall": "context_recall",
    "precision": "context_precision",
    "char_recall": "span_recall",
    "char_precision": "span_precision",
}
"""The evaluator that measures the same, where its name differs."""


METRICS = (
    LabMetric("hit_rate", "Hit rate", "Questions with at least one expected passage found"),
    LabMetric("recall", "Context recall", "Expected passages that were found"),
    LabMetric("precision", "Context precision@k", "Passages that hold an expected one, of k"),
    LabMetric("mrr", "MRR", "1 / rank of the first expected passage"),
    LabMetric("map", "MAP", "Precision at the rank of each expected passage, averaged"),
    LabMetric("ndcg", "nDCG", "How near the order is to the best possible one"),
    LabMetric("char_recall", "Text recall", "Characters of the expected text that were found"),
    LabMetric("char_precision", "Text precision", "Characters found that were expected"),
)


def expected_evidence(passages: Sequence[Mapping[str, Any]]) -> tuple[EvidencePassage, ...]:
    """An example's `expected_passages` as evidence."""
    return tuple(
        EvidencePassage(
            text=passage.get("text", ""),
            document=passage.get("document_id") or passage.get("document_name") or "",
            start=passage["start"] if _is_placed(passage) else None,
            end=passage["end"] if _is_placed(passage) else None,
        )
        for passage in passages
    )


def _is_placed(passage: Mapping[str, Any]) -> bool:
    return int(passage.get("start", UNKNOWN)) > UNKNOWN and bool(passage.get("document_id"))


def hit_evidence(hit: Hit, passages: Sequence[Mapping[str, Any]]) -> EvidencePassage:
    """A hit as evidence, identified by document name if the example only has a name."""
    only_named = any(
        not passage.get("document_id") and passage.get("document_name") == hit.document_name
        for passage in passages
    )
    return EvidencePassage(
        text=hit.text,
        document=hit.document_name if only_named else str(hit.document_id),
        start=hit.start,
        end=hit.end,
    )


def settle_passages(
    passages: Sequence[Mapping[str, Any]], hits: Sequence[Hit]
) -> list[Mapping[str, Any]]:
    """Drop the offsets of passages whose words have moved since they were labelled.

    Offsets refer to the document version of that time. If a hit in the same document has other
    words at that place, or the same words elsewhere, the words decide.
    """
    return [
        {**passage, "start": UNKNOWN, "end": UNKNOWN} if _has_moved(passage, hits) else passage
        for passage in passages
    ]


def _has_moved(passage: Mapping[str, Any], hits: Sequence[Hit]) -> bool:
    text = passage.get("text", "")
    if not text or not _is_placed(passage):
        return False
    words = _plain(text)
    for hit in hits:
        if str(hit.document_id) != passage["document_id"]:
            continue
        start, end = max(hit.start, passage["start"]), min(hit.end, passage["end"])
        if start >= end:
            if words in _plain(hit.text):
                return True
            continue
        here = hit.text[start - hit.start : end - hit.start]
        there = text[start - passage["start"] : end - passage["start"]]
        if _plain(here) != _plain(there):
            return True
    return False


def _plain(text: str) -> str:
    return " ".join(text.split()).lower()


def measure_hits(
    hits: Sequence[Hit], passages: Sequence[Mapping[str, Any]], *, k: int
) -> dict[str, float]:
    """The value of each applicable metric, by name; empty if nothing is expected."""
    passages = settle_passages(passages, hits)
    observation = Observation(
        expected_passages=expected_evidence(passages),
        retrieved=tuple(hit_evidence(hit, passages) for hit in hits),
    )
    values = {
        metric.name: measure(observation, metric.name, unit="passage", k=k)
        for metric in METRICS
        if not metric.name.startswith("char_")
    }
    characters = measure_characters(observation)
    if characters is not None:
        values |= {"char_recall": characters.recall, "char_precision": characters.precision}
    return {name: value for name, value in values.items() if value is not None}


def find_expected(hits: Sequence[Hit], passages: Sequence[Mapping[str, Any]]) -> list[int]:
    """The ids of hits that contain an expected passage."""
    passages = settle_passages(passages, hits)
    expected = expected_evidence(passages)
    return [
        hit.chunk_id
        for hit in hits
        if any(holds(hit_evidence(hit, passages), passage) for passage in expected)
    ]
