"""Retrieval metrics over a ranked list of things: documents, passages, anything hashable.

Conventions are those of trec_eval, so that figures can be compared with published ones:

* ranks start at 1; a list shorter than k is not padded, yet precision@k still divides by k;
* a thing that is listed twice counts where it comes first (``unique`` drops the rest);
* the grade of a thing says how relevant it is; what is graded 0 or less is not relevant;
* a question without any relevant thing has no score: every function returns ``None``.

Manning, Raghavan, Schütze, Introduction to Information Retrieval (2008), chapter 8, has all of
the definitions but those of nDCG: Järvelin and Kekäläinen (2002) for linear gain, Burges et al.
(2005) for exponential gain.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import Literal, TypeAlias, TypeVar

Item = TypeVar("Item", bound=Hashable)
Grades: TypeAlias = Mapping[Item, float] | Collection[Item]
"""Relevant things with their grades, or as a set, where each has the grade 1."""
Gain = Literal["linear", "exp2"]


def unique(ranked: Iterable[Item]) -> list[Item]:
    """Keep the first of each: passages' documents in rank order make a ranking of documents."""
    return list(dict.fromkeys(ranked))


def as_grades(relevant: Grades[Item]) -> dict[Item, float]:
    """Return the relevant things with grades above 0."""
    if isinstance(relevant, Mapping):
        return {item: float(grade) for item, grade in relevant.items() if grade > 0}
    return dict.fromkeys(relevant, 1.0)


def precision_at(ranked: Sequence[Item], relevant: Grades[Item], k: int) -> float | None:
    """Context precision@k: relevant things among the first k, divided by k. 0 to 1."""
    grades = _check(relevant, k)
    return _hits(ranked, grades, k) / k if grades else None


def precision_of(ranked: Sequence[Item], relevant: Grades[Item], k: int) -> float | None:
    """Context precision: relevant things among the first k, divided by how many there are.

    Other than precision@k, a short list is not held against it; an empty one has 0.
    """
    grades = _check(relevant, k)
    return _hits(ranked, grades, k) / max(1, min(k, len(ranked))) if grades else None


def recall_at(ranked: Sequence[Item], relevant: Grades[Item], k: int) -> float | None:
    """Context recall@k: relevant things among the first k, divided by all relevant. 0 to 1."""
    grades = _check(relevant, k)
    return _hits(ranked, grades, k) / len(grades) if grades else None


def hit_at(ranked: Sequence[Item], relevant: Grades[Item], k: int) -> float | None:
    """Hit rate (success@k): 1 when a relevant thing is among the first k, else 0."""
    grades = _check(relevant, k)
    return float(_hits(ranked, grades, k) > 0) if grades else None


def all_found_at(ranked: Sequence[Item], relevant: Grades[Item], k: int) -> float | None:
    """1 when every relevant thing is among the first k, else 0: what two-hop questions need."""
    grades = _check(relevant, k)
    return float(_hits(ranked, grades, k) == len(grades)) if grades else None


def reciprocal_rank(
    ranked: Sequence[Item], relevant: Grades[Item], k: int | None = None
) -> float | None:
    """1 / rank of the first relevant thing, 0 when there is none in the first k.

    Its mean over questions is the MRR.
    """
    grades = _check(relevant, k)
    if not grades:
        return None
    for rank, item in enumerate(unique(ranked)[:k], 1):
        if item in grades:
            return 1 / rank
    return 0.0


def average_precision(
    ranked: Sequence[Item], relevant: Grades[Item], k: int | None = None
) -> float | None:
    """Sum of precision@rank over the ranks of relevant things, divided by all relevant ones.

    Its mean over questions is the MAP; with k it is trec_eval's map_cut_k.
    """
    grades = _check(relevant, k)
    if not grades:
        return None
    hits, total = 0, 0.0
    for rank, item in enumerate(unique(ranked)[:k], 1):
        if item in grades:
            hits += 1
            total += hits / rank
    return total / len(grades)


def ndcg_at(
    ranked: Sequence[Item], relevant: Grades[Item], k: int, *, gain: Gain = "linear"
) -> float | None:
    """Normalised discounted cumulative gain: DCG@k / the DCG@k of the best possible order.

    DCG = sum of gain / log2(rank + 1). ``linear`` gain is the grade itself (Järvelin and
    Kekäläinen; trec_eval, BEIR); ``exp2`` is 2^grade - 1 (Burges et al.; Kaggle, LETOR). They
    agree when all grades are 0 or 1.
    """
    grades = _check(relevant, k)
    if not grades:
        return None
    got = [grades.get(item, 0.0) for item in unique(ranked)[:k]]
    best = sorted(grades.values(), reverse=True)[:k]
    return _dcg(got, gain) / _dcg(best, gain)


def _dcg(grades: Sequence[float], gain: Gain) -> float:
    gains = grades if gain == "linear" else [2.0**grade - 1 for grade in grades]
    return math.fsum(value / math.log2(rank + 1) for rank, value in enumerate(gains, 1))


def _hits(ranked: Sequence[Item], grades: Mapping[Item, float], k: int) -> int:
    return sum(item in grades for item in unique(ranked)[:k])


def _check(relevant: Grades[Item], k: int | None) -> dict[Item, float]:
    if k is not None and k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    return as_grades(relevant)
