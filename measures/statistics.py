"""How certain numbers are: intervals, agreement, correlation, and Pareto fronts.

Pure functions of numpy arrays. Everything random takes a seed, so that a page shows the same
interval each time it is opened.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

RESAMPLES = 2_000
SEED = 20_241
# Draws per block: memory stays small however large the experiment is.
_BLOCK = 1_000_000
# Up to this many draws are cached for metrics over equally many examples: 8 MB at two bytes each.
_KEPT_DRAWS = 4_000_000


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate between ``low`` and ``high``, from ``count`` observations."""

    estimate: float
    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean of b - a over the same examples, with its interval.

    ``p_better`` is the share of resamples in which b was above a, ties counting half.
    """

    estimate: float
    low: float
    high: float
    count: int
    p_better: float

    @property
    def is_significant(self) -> bool:
        """Whether 0 lies outside of the interval."""
        return self.low > 0 or self.high < 0


def bootstrap_mean(
    values: Sequence[float] | Floats,
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Interval | None:
    """Percentile bootstrap of the mean (Efron and Tibshirani, 1993); ``None`` without values."""
    data = _finite(values)
    if not data.size:
        return None
    low, high = _percentiles(_resampled_means(data, resamples, seed), confidence)
    return Interval(float(data.mean()), low, high, int(data.size))


def paired_bootstrap(
    before: Sequence[float] | Floats,
    after: Sequence[float] | Floats,
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Difference | None:
    """Compare two systems on the same examples, which are drawn together (Koehn, 2004).

    ``before`` and ``after`` are in the same order; raises ``ValueError`` if their lengths differ.
    """
    first, second = _finite(before), _finite(after)
    if first.shape != second.shape:
        raise ValueError("paired values must be of the same length")
    if not first.size:
        return None
    change = second - first
    means = _resampled_means(change, resamples, seed)
    low, high = _percentiles(means, confidence)
    better = float(np.mean(means > 0) + np.mean(means == 0) / 2)
    return Difference(float(change.mean()), low, high, int(change.size), better)


def bootstrap_quantile(
    values: Sequence[float] | Floats,
    quantile: float,
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Interval | None:
    """Percentile bootstrap of a quantile, such as .95 of latencies; ``None`` without values."""
    data = _finite(values)
    if not data.size:
        return None
    quantiles = [
        np.quantile(data[index], quantile, axis=1) for index in _draw(data, resamples, seed)
    ]
    low, high = _percentiles(np.concatenate(quantiles), confidence)
    return Interval(float(np.quantile(data, quantile)), low, high, int(data.size))


def wilson_interval(successes: int, trials: int, *, confidence: float = 0.95) -> Interval | None:
    """Interval of a rate (Wilson, 1927); right also for 0 of 10, where the usual one is empty."""
    if not trials:
        return None
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} of {trials} is no rate")
    z = normal_quantile(0.5 + confidence / 2)
    rate = successes / trials
    centre = (rate + z * z / (2 * trials)) / (1 + z * z / trials)
    margin = math.sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials))
    margin *= z / (1 + z * z / trials)
    low = 0.0 if successes == 0 else centre - margin
    high = 1.0 if successes == trials else centre + margin
    return Interval(rate, low, high, trials)


def normal_quantile(probability: float) -> float:
    """The value below which a standard normal variable lies with this probability."""
    from statistics import NormalDist

    return NormalDist().inv_cdf(probability)


def cohen_kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    """Agreement of two annotators beyond chance: (po - pe) / (1 - pe) (Cohen, 1960). -1 to 1.

    ``None`` where it is not defined: no items, or both used one and the same label throughout.
    """
    if len(first) != len(second):
        raise ValueError("both annotators must have labelled the same items")
    count = len(first)
    if not count:
        return None
    labels = set(first) | set(second)
    observed = sum(a == b for a, b in zip(first, second, strict=True)) / count
    left, right = list(first), list(second)
    chance = sum(left.count(label) * right.count(label) for label in labels) / count**2
    return None if chance == 1 else (observed - chance) / (1 - chance)


def pearson(x: Sequence[float] | Floats, y: Sequence[float] | Floats) -> float | None:
    """Linear correlation, -1 to 1; ``None`` for fewer than two values or a constant side."""
    first, second = _finite(x), _finite(y)
    if first.shape != second.shape:
        raise ValueError("correlated values must be of the same length")
    if first.size < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    # Scaled first, so that squares of very small or large values stay representable.
    first, second = (a / np.abs(a).max() for a in (first - first.mean(), second - second.mean()))
    value = float(first @ second / math.sqrt(float(first @ first) * float(second @ second)))
    return max(-1.0, min(1.0, value))


def spearman(x: Sequence[float] | Floats, y: Sequence[float] | Floats) -> float | None:
    """Rank correlation: Pearson's of the ranks, equal values sharing their mean rank."""
    return pearson(mean_ranks(_finite(x)), mean_ranks(_finite(y)))


def spearman_interval(
    x: Sequence[float] | Floats, y: Sequence[float] | Floats, *, confidence: float = 0.95
) -> Interval | None:
    """Spearman's correlation with its interval; ``None`` for fewer than four values.

    Fisher's transform with the standard error of Bonett and Wright (2000), sqrt((1 + r²/2) /
    (n - 3)), which holds for ranks, also where the correlation is strong.
    """
    estimate, count = spearman(x, y), len(x)
    if estimate is None or count < 4:
        return None
    inside = max(-1 + 1e-12, min(1 - 1e-12, estimate))
    error = math.sqrt((1 + estimate**2 / 2) / (count - 3))
    margin = normal_quantile(0.5 + confidence / 2) * error
    low, high = (math.tanh(math.atanh(inside) + side * margin) for side in (-1, 1))
    return Interval(estimate, min(low, estimate), max(high, estimate), count)


def mean_ranks(values: Floats) -> Floats:
    """Ranks from 1; equal values get the mean of the ranks that they take up."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: Floats = ((2 * ends - counts + 1) / 2)[inverse]
    return ranks


def auroc(labels: Sequence[bool], scores: Sequence[float] | Floats) -> float | None:
    """Chance that a positive scores above a negative, ties counting half (Mann-Whitney).

    ``None`` when one of the classes is missing.
    """
    truth = np.asarray(labels, bool)
    data = _finite(scores)
    if truth.shape != data.shape:
        raise ValueError("labels and scores must be of the same length")
    positives = int(truth.sum())
    negatives = int(truth.size) - positives
    if not positives or not negatives:
        return None
    rank_sum = float(mean_ranks(data)[truth].sum())
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Indices of the (cost, quality) points that no other beats on one without losing on the other.

    In order of cost. Equal points are all kept.
    """
    order = sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1]))
    front: list[int] = []
    for index in order:
        best = points[front[-1]] if front else None
        if best is None or points[index] == best or points[index][1] > best[1]:
            front.append(index)
    return front


def _finite(values: Sequence[float] | Floats) -> Floats:
    data = np.asarray(values, np.float64)
    if data.ndim != 1:
        raise ValueError("values must be a flat list")
    if not np.isfinite(data).all():
        raise ValueError("values must be finite numbers")
    return data


def _draw(data: Floats, resamples: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Yield index arrays of shape (some, data.size), ``resamples`` rows in all."""
    generator = np.random.default_rng(seed)
    rows = max(1, _BLOCK // data.size)
    for start in range(0, resamples, rows):
        yield generator.integers(0, data.size, (min(rows, resamples - start), data.size))


def _resampled_means(data: Floats, resamples: int, seed: int) -> Floats:
    if data.size * resamples <= _KEPT_DRAWS:
        counts = _count_draws(int(data.size), resamples, seed)
        means: Floats = counts.astype(np.float64) @ data / data.size
        return means
    return np.concatenate([data[index].mean(axis=1) for index in _draw(data, resamples, seed)])


@lru_cache(maxsize=2)
def _count_draws(size: int, resamples: int, seed: int) -> NDArray[np.uint16]:
    """How often each of the values is drawn in each resample, of shape (resamples, size).

    A page compares many metrics over the same examples: the draws are the same for all of them.
    """
    counts = np.empty((resamples, size), np.uint16)
    row = 0
    for index in _draw(np.empty(size), resamples, seed):
        flat = (index + np.arange(len(index))[:, None] * size).ravel()
        drawn = np.bincount(flat, minlength=len(index) * size)
        counts[row : row + len(index)] = drawn.reshape(len(index), size)
        row += len(index)
    return counts


def _percentiles(values: Floats, confidence: float) -> tuple[float, float]:
    if not 0 < confidence < 1:
        raise ValueError("confidence must lie between 0 and 1")
    tail = (1 - confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)
