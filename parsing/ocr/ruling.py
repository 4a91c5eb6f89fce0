"""Straight lines on a scan, which rule its tables."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from parsing.pdf.rules import Lines

_PIXELS = 2_000_000
"""Lines are looked for on an image of this size, where each point is its darkest one."""
_LEAST = 0.02
"""Of the longer side of the page: shorter strokes are letters."""
_THICKEST, _GAP = 6, 3
_MAX_RUNS = 4_000
_CONTRAST = 60
_STEEPEST, _LOOK_BACK = 0.015, 80
_LONG, _ENOUGH = 0.25, 3

Bits = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Ruling:
    """The lines as fractions of the page's sides, and by how much they fall to the right.

    `slope` is None where there are too few long lines to tell.
    """

    lines: Lines
    slope: float | None = None


def find_ruling(image: Image.Image) -> Ruling:
    """The lines on an image; none on a page full of strokes."""
    grey = np.asarray(image.convert("L"))
    factor = max(1, math.ceil(math.sqrt(grey.size / _PIXELS)))
    tall, wide = (side // factor for side in grey.shape)
    if not tall or not wide:
        return Ruling(Lines([], []))
    blocks = grey[: tall * factor, : wide * factor].reshape(tall, factor, wide, factor)
    dark = blocks.min(axis=(1, 3))
    least = max(8, round(_LEAST * max(tall, wide)))
    flat = _find_flat(_are_thin(dark), least)
    upright = _find_flat(_are_thin(dark.T), least)
    slopes = [stroke.slope for stroke in flat if stroke.end - stroke.start > _LONG * wide]
    return Ruling(
        Lines(_as_fractions(upright, wide, tall), _as_fractions(flat, tall, wide)),
        statistics.median(slopes) if len(slopes) >= _ENOUGH else None,
    )


def _as_fractions(
    strokes: list[_Stroke], across: int, along: int
) -> list[tuple[float, float, float]]:
    return [
        ((stroke.top + stroke.bottom + 1) / 2 / across, stroke.start / along, stroke.end / along)
        for stroke in strokes
    ]


def _are_thin(dark: npt.NDArray[np.uint8]) -> Bits:
    """Points that are darker than what lies a few points above and below them."""
    levels = dark.astype(np.int16)
    padded = np.pad(levels, ((_THICKEST, _THICKEST), (0, 0)), mode="edge")
    above, below = padded[: -2 * _THICKEST], padded[2 * _THICKEST :]
    result: Bits = (above - levels > _CONTRAST) & (below - levels > _CONTRAST)
    return result


@dataclass(slots=True)
class _Stroke:
    """A line in the making. Where it slopes, it comes in runs, each a row lower and further on."""

    top: int
    bottom: int
    start: int
    end: int
    leftmost: int
    rightmost: int

    @property
    def slope(self) -> float:
        """By how much it falls to the right."""
        return (self.rightmost - self.leftmost) / (self.end - self.start)

    def takes(self, row: int, start: int, end: int) -> bool:
        """Add a run that goes on in the line; False if it does not."""
        highest = max(_THICKEST, _STEEPEST * (max(end, self.end) - min(start, self.start)))
        if row - self.bottom > 1 or row - self.top > highest:
            return False
        if start > self.end + _GAP or end < self.start - _GAP:
            return False
        self.bottom = row
        if start < self.start:
            self.start, self.leftmost = start, row
        if end > self.end:
            self.end, self.rightmost = end, row
        return True


def _find_flat(ink: Bits, least: int) -> list[_Stroke]:
    """The horizontal lines of at least `least` points, a thick one once."""
    padded = np.zeros((ink.shape[0], ink.shape[1] + 2), dtype=np.int8)
    padded[:, 1:-1] = ink
    steps = np.diff(padded, axis=1)
    rows, starts = np.nonzero(steps == 1)
    ends = np.nonzero(steps == -1)[1]
    long = ends - starts >= least
    if int(long.sum()) > _MAX_RUNS:
        return []
    strokes: list[_Stroke] = []
    for row, start, end in zip(
        rows[long].tolist(), starts[long].tolist(), ends[long].tolist(), strict=True
    ):
        if not any(stroke.takes(row, start, end) for stroke in strokes[: -_LOOK_BACK - 1 : -1]):
            strokes.append(_Stroke(row, row, start, end, row, row))
    return strokes
