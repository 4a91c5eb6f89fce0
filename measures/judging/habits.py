"""What a judge does whatever it judges: it wavers, goes by the order, or likes long answers.

* Spread: the standard deviation of its grades when it is asked the same more than once.
* Position bias (Wang et al., 2023: "Large Language Models are not Fair Evaluators"; Zheng et al.,
  2023): shown a pair in both orders, it prefers the same place, not the same answer. That is told
  from a tie, which it calls one.
* Verbosity bias (Zheng et al., 2023; Saito et al., 2023): its grades follow the answers' length.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import Any

from measures.statistics import (
    Interval,
    bootstrap_mean,
    spearman_interval,
    wilson_interval,
)

MAX_BINS = 5
SMALLEST_BIN = 4


@dataclass(frozen=True, slots=True)
class Verdict:
    """One verdict: its value (None without one), the answer's length, and the stored details."""

    value: float | None
    length: int
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LengthBin:
    """Answers of similar length: their median length, and the mean of their scores."""

    shortest: int
    longest: int
    middle: float
    score: Interval


@dataclass(frozen=True, slots=True)
class Habits:
    """A judge's habits over its verdicts; None where nothing can be said.

    `spread` is the mean over the `repeated` answers that it graded more than once. `swapped` pairs
    were shown in both orders: of these it was `consistent` on a share, and went by the order alone
    (`position_bias`) on another; `ties` are those that it called equal in both. `took_first` is
    how often it preferred what was shown first, .5 for a judge that ignores the order. `length` is
    Spearman's correlation of score and answer length.
    """

    verdicts: int
    undecided: int
    spread: float | None = None
    repeated: int = 0
    swapped: int = 0
    consistent: Interval | None = None
    position_bias: Interval | None = None
    ties: int = 0
    took_first: float | None = None
    length: Interval | None = None
    bins: tuple[LengthBin, ...] = ()


def measure_habits(verdicts: Sequence[Verdict]) -> Habits:
    """Summarise verdicts as their evaluators stored them."""
    decided = [one for one in verdicts if one.value is not None]
    spreads = [one.details["spread"] for one in decided if len(one.details.get("grades", ())) > 1]
    pairs = [one for one in decided if one.details.get("consistent") is not None]
    biased = [one for one in pairs if goes_by_order(one.value, one.details["consistent"])]
    firsts = [one.details["took_first"] for one in pairs if one.details["took_first"] is not None]
    lengths = [float(one.length) for one in decided]
    values = [float(one.value) for one in decided if one.value is not None]
    return Habits(
        verdicts=len(verdicts),
        undecided=len(verdicts) - len(decided),
        spread=fmean(spreads) if spreads else None,
        repeated=len(spreads),
        swapped=len(pairs),
        consistent=wilson_interval(sum(p.details["consistent"] for p in pairs), len(pairs)),
        position_bias=wilson_interval(len(biased), len(pairs)),
        ties=sum(p.value == 0.5 and bool(p.details["consistent"]) for p in pairs),
        took_first=fmean(firsts) if firsts else None,
        length=spearman_interval(lengths, values),
        bins=tuple(bin_by_length(lengths, values)),
    )


def goes_by_order(value: float | None, consistent: bool | None) -> bool:
    """Whether an even outcome comes from the order: both times the same place was preferred.

    A tie is consistent; two verdicts that cancel each other out are not.
    """
    return value == 0.5 and consistent is False


def bin_by_length(lengths: Sequence[float], values: Sequence[float]) -> list[LengthBin]:
    """Up to five groups of equal size from the shortest answers to the longest.

    Empty for fewer than two groups of four. Equal lengths may be in two groups.
    """
    count = min(MAX_BINS, len(values) // SMALLEST_BIN)
    if count < 2:
        return []
    pairs = sorted(zip(lengths, values, strict=True))
    edges = [round(len(pairs) * place / count) for place in range(count + 1)]
    return [_bin(pairs[a:b]) for a, b in pairwise(edges)]


def _bin(pairs: Sequence[tuple[float, float]]) -> LengthBin:
    lengths = [length for length, _ in pairs]
    score = bootstrap_mean([value for _, value in pairs])
    assert score is not None
    middle = (lengths[(len(lengths) - 1) // 2] + lengths[len(lengths) // 2]) / 2
    return LengthBin(int(lengths[0]), int(lengths[-1]), middle, score)
