"""Two releases on the same examples: which wins where, by how much, and how certainly. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from measures.statistics import (
    RESAMPLES,
    Difference,
    mean_ranks,
    paired_bootstrap,
    pearson,
)

SAME = 1e-9
"""Differences up to this size count as none."""
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`better`, `worse` and `same` count examples from the second release's side.

    `difference` is second minus first in the metric's own unit; None where no example has both.
    `gain` is the difference with its sign adjusted so that more is better.
    """

    better: int
    worse: int
    same: int
    difference: Difference | None
    higher_is_better: bool = True

    @property
    def count(self) -> int:
        return self.better + self.worse + self.same

    @property
    def gain(self) -> float:
        if self.difference is None:
            return 0.0
        return self.difference.estimate * (1 if self.higher_is_better else -1)

    @property
    def verdict(self) -> str:
        """better | worse | same: the conclusion that the interval supports with 95 % confidence."""
        if self.difference is None or not self.difference.is_significant:
            return "same"
        return "better" if self.gain > 0 else "worse"

    @property
    def words(self) -> str:
        return describe_counts(self.better, self.worse, self.same)


def describe_counts(better: int | None, worse: int | None, same: int | None) -> str:
    """`better on 31, worse on 12, no difference on 157`; empty where nothing was compared."""
    if better is None or worse is None or same is None or not better + worse + same:
        return ""
    if not better and not worse:
        return f"no difference on any of {same:,}"
    return f"better on {better:,}, worse on {worse:,}, no difference on {same:,}"


def mean_by_example(
    values: Iterable[tuple[Key, float | None]],
) -> dict[Key, float]:
    """The mean over repetitions of each example that has a number."""
    sums: dict[Key, list[float]] = {}
    for key, value in values:
        if value is not None:
            sums.setdefault(key, []).append(value)
    return {key: sum(repeats) / len(repeats) for key, repeats in sums.items()}


def mean_spread(values: Iterable[tuple[Key, float | None]]) -> float | None:
    """How much repetitions of an example differ: their standard deviation, averaged over examples.

    Uses n - 1; None unless some example was repeated.
    """
    groups: dict[Key, list[float]] = {}
    for key, value in values:
        if value is not None:
            groups.setdefault(key, []).append(value)
    spreads = [float(np.std(repeats, ddof=1)) for repeats in groups.values() if len(repeats) > 1]
    return sum(spreads) / len(spreads) if spreads else None


def share_unstable(values: Iterable[tuple[Key, float | None]]) -> tuple[int, int]:
    """(examples whose repetitions differ, examples that were repeated)."""
    groups: dict[Key, list[float]] = {}
    for key, value in values:
        if value is not None:
            groups.setdefault(key, []).append(value)
    repeated = [repeats for repeats in groups.values() if len(repeats) > 1]
    return sum(max(repeats) - min(repeats) > SAME for repeats in repeated), len(repeated)


def compare(
    first: Mapping[Key, float],
    second: Mapping[Key, float],
    *,
    higher_is_better: bool = True,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
) -> Comparison:
    """Compare two releases on the examples that both have a number for."""
    shared = [key for key in first if key in second]
    before = np.array([first[key] for key in shared], dtype=np.float64)
    after = np.array([second[key] for key in shared], dtype=np.float64)
    gains = (after - before) * (1 if higher_is_better else -1)
    return Comparison(
        better=int(np.sum(gains > SAME)),
        worse=int(np.sum(gains < -SAME)),
        same=int(np.sum(np.abs(gains) <= SAME)),
        difference=paired_bootstrap(before, after, confidence=confidence, resamples=resamples),
        higher_is_better=higher_is_better,
    )


def rank_worst_first(
    first: Mapping[Key, float], second: Mapping[Key, float], *, higher_is_better: bool = True
) -> list[tuple[Key, float]]:
    """(example, gain of the second) for all that both have, the greatest loss first."""
    sign = 1 if higher_is_better else -1
    gains = [(key, (second[key] - first[key]) * sign) for key in first if key in second]
    return sorted(gains, key=lambda pair: pair[1])


def correlate(columns: Sequence[Mapping[Key, float]]) -> list[list[float | None]]:
    """Spearman's rank correlation of every pair of metrics, over the items that both have."""
    size = len(columns)
    table: list[list[float | None]] = [[None] * size for _ in range(size)]
    values = _as_matrix(columns)
    known = ~np.isnan(values)
    # Most metrics have values for the same items, so each is ranked once for all pairs.
    ranked: dict[tuple[int, bytes], NDArray[np.float64]] = {}

    def rank(column: int, shared: NDArray[np.bool_]) -> NDArray[np.float64]:
        key = (column, shared.tobytes())
        if key not in ranked:
            ranked[key] = mean_ranks(values[column, shared])
        return ranked[key]

    for row in range(size):
        for column in range(row, size):
            shared = known[row] & known[column]
            correlation = pearson(rank(row, shared), rank(column, shared))
            table[row][column] = table[column][row] = correlation
    return table


def _as_matrix(columns: Sequence[Mapping[Key, float]]) -> NDArray[np.float64]:
    """A matrix of metrics by items; NaN where a metric has no value for an item."""
    place: dict[Key, int] = {}
    for column in columns:
        for key in column:
            place.setdefault(key, len(place))
    values = np.full((len(columns), len(place)), np.nan)
    for row, column in zip(values, columns, strict=True):
        row[[place[key] for key in column]] = list(column.values())
    return values
