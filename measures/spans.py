"""Retrieval metrics over character spans: how much of the expected text the passages contain.

Passages that were cut differently can be compared by their characters, but not by id. These are
the measures of Chroma's report "Evaluating Chunking Strategies for Retrieval" (Smith and
Troynikov, 2024), which counts tokens; like its code, we count characters:

    recall    = |expected ∩ retrieved| / |expected|
    precision = |expected ∩ retrieved| / |retrieved|
    IoU       = |expected ∩ retrieved| / (|expected| + |retrieved| - |expected ∩ retrieved|)

where characters that were retrieved twice count twice in |retrieved|: overlapping passages cost
something, because the reader has to read them twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """Characters ``start`` up to ``end`` (not included) of a document's full text."""

    document: Hashable
    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"a span cannot go from {self.start} to {self.end}")

    @property
    def length(self) -> int:
        """Characters."""
        return self.end - self.start

    def overlap(self, other: Span) -> int:
        """Characters that both have."""
        if self.document != other.document:
            return 0
        return max(0, min(self.end, other.end) - max(self.start, other.start))


@dataclass(frozen=True, slots=True)
class SpanScores:
    """Shares from 0 to 1, and the counts of characters that they come from."""

    recall: float
    precision: float
    iou: float
    expected: int
    retrieved: int
    common: int


def merge(spans: Iterable[Span]) -> list[Span]:
    """Return the same characters as spans that neither overlap nor touch, in order."""
    by_document: dict[Hashable, list[Span]] = defaultdict(list)
    for span in spans:
        if span.length:
            by_document[span.document].append(span)
    merged: list[Span] = []
    for document, group in by_document.items():
        start = end = -1
        for span in sorted(group, key=lambda span: span.start):
            if span.start > end:
                if end >= 0:
                    merged.append(Span(document, start, end))
                start, end = span.start, span.end
            else:
                end = max(end, span.end)
        merged.append(Span(document, start, end))
    return merged


def measure_overlap(retrieved: Sequence[Span], expected: Sequence[Span]) -> SpanScores | None:
    """Compare retrieved with expected spans; ``None`` if nothing is expected."""
    targets = merge(expected)
    total = sum(span.length for span in targets)
    if not total:
        return None
    read = sum(span.length for span in retrieved)
    common = count_common(merge(retrieved), targets)
    return SpanScores(
        recall=common / total,
        precision=common / read if read else 0.0,
        iou=common / (total + read - common),
        expected=total,
        retrieved=read,
        common=common,
    )


def count_common(left: Sequence[Span], right: Sequence[Span]) -> int:
    """Characters that are in both; each list must be free of overlaps, as ``merge`` makes it."""
    by_document: dict[Hashable, list[Span]] = defaultdict(list)
    for span in right:
        by_document[span.document].append(span)
    return sum(a.overlap(b) for a in left for b in by_document[a.document])
