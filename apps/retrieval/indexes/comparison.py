"""What two indexes find for the same questions, set side by side.

Indexes that cut differently have no chunks in common. Two hits count as the same place when they
share more than half of the shorter one's text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from apps.retrieval.models import Index
from apps.retrieval.search.first_stage import search
from apps.retrieval.search.hits import Hit, SearchResult, share_most_text
from apps.retrieval.search.query import SearchQuery

TOP = 5
"""Hits that are compared of each question."""


@dataclass(frozen=True, slots=True)
class RankedHit:
    """A hit at its rank, from 1, and the best rank of the same place in the other ranking."""

    rank: int
    hit: Hit
    other_rank: int | None

    @property
    def moved(self) -> int | None:
        """Places it stands higher than in the other ranking; None if it is not there."""
        return None if self.other_rank is None else self.other_rank - self.rank


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both rankings. `overlap` is the share of the second's places that the first has too."""

    before: tuple[RankedHit, ...]
    after: tuple[RankedHit, ...]
    overlap: float

    @property
    def num_moved(self) -> int:
        """Places of the second ranking at another rank than in the first."""
        return sum(1 for ranked in self.after if ranked.moved)

    @property
    def num_new(self) -> int:
        """Places of the second ranking that the first does not have."""
        return sum(1 for ranked in self.after if ranked.other_rank is None)


@dataclass(frozen=True, slots=True)
class ComparedQuestion:
    """A question and both rankings; `before_ms` and `after_ms` are what the searches took."""

    text: str
    comparison: Comparison
    before_ms: float
    after_ms: float


@dataclass(frozen=True, slots=True)
class ComparedIndexes:
    """All questions. `overlap` is the mean of theirs, `before_ms` and `after_ms` the medians."""

    questions: tuple[ComparedQuestion, ...]
    overlap: float
    before_ms: float
    after_ms: float
    num_same: int
    top: int = TOP


def compare_indexes(before: Index, after: Index, questions: Sequence[str]) -> ComparedIndexes:
    """Ask both indexes every question; the hits of each are compared by their place."""
    compared = tuple(_ask_both(before, after, text) for text in questions)
    if not compared:
        return ComparedIndexes((), 0.0, 0.0, 0.0, 0)
    return ComparedIndexes(
        questions=compared,
        overlap=fmean(item.comparison.overlap for item in compared),
        before_ms=median(item.before_ms for item in compared),
        after_ms=median(item.after_ms for item in compared),
        num_same=sum(1 for item in compared if item.comparison.overlap == 1.0),
    )


def _ask_both(before: Index, after: Index, text: str) -> ComparedQuestion:
    first, second = search_index(before, text), search_index(after, text)
    return ComparedQuestion(
        text=text,
        comparison=compare_hits(first.hits, second.hits),
        before_ms=sum(first.timings.values()),
        after_ms=sum(second.timings.values()),
    )


def search_index(index: Index, text: str, *, limit: int = TOP) -> SearchResult:
    """What an index finds, whether it is the live one or not."""
    query = SearchQuery(
        index.workspace_id, [index.collection_id], text, limit=limit, index_id=index.pk
    )
    return search(query)


def compare_hits(before: Sequence[Hit], after: Sequence[Hit]) -> Comparison:
    """Set two rankings beside each other. Two empty ones agree."""
    first, second = _rank(before, after), _rank(after, before)
    largest = max(len(before), len(after))
    shared = min(_count_shared(first), _count_shared(second))
    return Comparison(first, second, shared / largest if largest else 1.0)


def _rank(hits: Sequence[Hit], others: Sequence[Hit]) -> tuple[RankedHit, ...]:
    return tuple(RankedHit(rank, hit, _find(hit, others)) for rank, hit in enumerate(hits, 1))


def _find(hit: Hit, others: Sequence[Hit]) -> int | None:
    return next((n for n, other in enumerate(others, 1) if share_most_text(hit, other)), None)


def _count_shared(ranked: Sequence[RankedHit]) -> int:
    return sum(1 for item in ranked if item.other_rank is not None)
