"""Geometry of a histogram of chunk sizes. Pure: sizes in, bars out; y grows downwards."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from apps.core.charts import Tick, nice_ticks

MAX_BINS = 14
HEAD, FOOT, LEFT, RIGHT = 12.0, 26.0, 34, 8.0


@dataclass(frozen=True, slots=True)
class Bin:
    """Chunks of `low` up to and including `high` tokens."""

    low: int
    high: int
    count: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """Upright bars over token counts; `limit_x` is where the embedding model stops reading."""

    width: int
    height: int
    left: int
    bottom: float
    bins: tuple[Bin, ...]
    ticks: tuple[Tick, ...]
    labels: tuple[Tick, ...]
    limit: int
    limit_x: float


def bin_width(largest: int) -> int:
    """A round number of tokens, so that MAX_BINS bins are enough.

    >>> bin_width(250)
    20
    """
    raw = max(math.ceil(largest / MAX_BINS), 1)
    power = int(10 ** math.floor(math.log10(raw)))
    return next(power * step for step in (1, 2, 5, 10) if power * step >= raw)


def plot_histogram(
    sizes: Sequence[int], *, limit: int, width: int = 520, height: int = 150
) -> Histogram:
    """How many chunks have how many tokens. `limit` is in tokens."""
    top_size = max([*sizes, limit, 1])
    step = bin_width(top_size)
    number = math.ceil(top_size / step)
    counts = [0] * number
    for size in sizes:
        counts[min(max(math.ceil(size / step) - 1, 0), number - 1)] += 1
    ticks = nice_ticks(max(max(counts, default=0), 1), count=3)
    bottom = height - FOOT
    scale = (width - LEFT - RIGHT) / (number * step)

    def place(value: float) -> float:
        return round(bottom - value / ticks[-1] * (bottom - HEAD), 1)

    bins = tuple(
        Bin(
            low=index * step + 1,
            high=(index + 1) * step,
            count=count,
            x=round(LEFT + index * step * scale + 1, 1),
            y=place(count),
            width=round(step * scale - 2, 1),
            height=round(bottom - place(count), 1),
        )
        for index, count in enumerate(counts)
    )
    every = max(1, math.ceil(number / 6))
    labels = tuple(
        Tick(index * step, round(LEFT + index * step * scale, 1), str(index * step))
        for index in range(0, number + 1, every)
    )
    whole = [value for value in ticks if value == int(value)]
    return Histogram(
        width=width,
        height=height,
        left=LEFT,
        bottom=bottom,
        bins=bins,
        ticks=tuple(Tick(value, place(value), f"{value:,.0f}") for value in whole),
        labels=labels,
        limit=limit,
        limit_x=round(LEFT + limit * scale, 1),
    )
