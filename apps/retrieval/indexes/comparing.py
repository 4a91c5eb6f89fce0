"""Asking two indexes the same questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from apps.retrieval.indexes.comparison import Comparison, compare
from apps.retrieval.models import Index
from apps.retrieval.search.first_stage import search
from apps.retrieval.search.hits import SearchResult
from apps.retrieval.search.query import SearchQuery

TOP = 5
"""Hits that are compared of each question."""


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
        comparison=compare(first.hits, second.hits),
        before_ms=sum(first.timings.values()),
        after_ms=sum(second.timings.values()),
    )


def search_index(index: Index, text: str, *, limit: int = TOP) -> SearchResult:
    """What an index finds, whether it is the live one or not."""
    query = SearchQuery(
        index.workspace_id, [index.collection_id], text, limit=limit, index_id=index.pk
    )
    return search(query)
