"""Where lines of text stand: connected areas of a probability map and the rectangles around them.

Done with NumPy alone: the wheels of OpenCV and Shapely carry FFmpeg and GEOS, which are LGPL.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from parsing.boxed import Box

Floats = npt.NDArray[np.float32]
_MAX_AREAS = 1_500
_MAX_RUNS = 400_000


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A rectangle in pixels. `angle` is by how much its upper edge falls to the right, in radians
    from -pi/4 to pi/4, so that `width` is always the extent from left to right."""

    x: float
    y: float
    width: float
    height: float
    angle: float

    @property
    def is_vertical(self) -> bool:
        """Whether a line of text in it runs up or down."""
        return self.height >= 1.5 * self.width

    def grow(self, by: float) -> Rectangle:
        """The rectangle with `by` pixels more on each side."""
        return replace(self, width=self.width + 2 * by, height=self.height + 2 * by)

    def scale(self, along_x: float, along_y: float) -> Rectangle:
        """The rectangle on an image resized by these factors, which are about equal."""
        return Rectangle(
            self.x * along_x,
            self.y * along_y,
            self.width * along_x,
            self.height * along_y,
            self.angle,
        )

    def turn(self, degrees: int, size: tuple[int, int]) -> Rectangle:
        """Its place after an image of this size was turned clockwise by 0, 90, 180 or 270."""
        if degrees == 0:
            return self
        width, height = size
        if degrees == 180:
            return replace(self, x=width - self.x, y=height - self.y)
        x, y = (height - self.y, self.x) if degrees == 90 else (self.y, width - self.x)
        return Rectangle(x, y, self.height, self.width, self.angle)

    def as_box(self, size: tuple[int, int]) -> Box:
        """The upright box around it as fractions of an image of this size."""
        cosine, sine = abs(math.cos(self.angle)), abs(math.sin(self.angle))
        half_x = (self.width * cosine + self.height * sine) / 2
        half_y = (self.width * sine + self.height * cosine) / 2
        width, height = size
        return (
            (self.x - half_x) / width, (self.y - half_y) / height,
            (self.x + half_x) / width, (self.y + half_y) / height,
        )  # fmt: skip


def find_rectangles(
    chances: Floats, *, threshold: float, least_score: float, growth: float
) -> list[Rectangle]:
    """Rectangles around the areas of `chances` [height, width] above `threshold`.

    Each grows by `growth` times its area over its outline, as a text detector of the DB kind wants
    it; left out are those whose mean chance is below `least_score`, and specks.
    """
    rows, starts, ends = _find_runs(_dilate(chances > threshold))
    if not len(rows) or len(rows) > _MAX_RUNS:
        return []
    labels = _label_runs(rows, starts, ends)
    before = np.concatenate(
        (np.zeros((chances.shape[0], 1)), np.cumsum(chances, axis=1, dtype=np.float64)), axis=1
    )
    sums = before[rows, ends] - before[rows, starts]
    order = np.argsort(labels, kind="stable")
    borders = np.flatnonzero(np.diff(labels[order])) + 1
    areas = np.split(order, borders)
    areas.sort(key=lambda runs: -float(sums[runs].sum()))
    rectangles = []
    for runs in areas[:_MAX_AREAS]:
        rectangle = _enclose(rows[runs], starts[runs], ends[runs])
        if min(rectangle.width, rectangle.height) < 3:
            continue
        size = rectangle.width * rectangle.height
        if float(sums[runs].sum()) / size < least_score:
            continue
        rectangles.append(rectangle.grow(growth * size / 2 / (rectangle.width + rectangle.height)))
    return rectangles


def _dilate(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Each point also takes the points right of it, below it and between."""
    wide = mask.copy()
    wide[:, 1:] |= mask[:, :-1]
    wide[1:] |= wide[:-1].copy()
    return wide


def _find_runs(mask: npt.NDArray[np.bool_]) -> tuple[Any, Any, Any]:
    """Row, first column and column after the last of each unbroken stretch, row by row."""
    padded = np.zeros((mask.shape[0], mask.shape[1] + 2), dtype=np.int8)
    padded[:, 1:-1] = mask
    steps = np.diff(padded, axis=1)
    rows, starts = np.nonzero(steps == 1)
    _, ends = np.nonzero(steps == -1)
    return rows, starts, ends


def _label_runs(rows: Any, starts: Any, ends: Any) -> npt.NDArray[np.int64]:
    """A number for each run, the same for runs that touch, also over a corner."""
    span = int(ends.max()) + 2
    # Runs of row r lie between r * span and (r + 1) * span on one long axis, in order.
    first = np.searchsorted(rows * span + ends, (rows - 1) * span + starts, side="left")
    last = np.searchsorted(rows * span + starts, (rows - 1) * span + ends, side="right")
    parents = list(range(len(rows)))

    def find_root(run: int) -> int:
        while parents[run] != run:
            parents[run] = parents[parents[run]]
            run = parents[run]
        return run

    for run, (low, high) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
        for above in range(low, min(high, run)):
            one, other = find_root(run), find_root(above)
            parents[max(one, other)] = min(one, other)
    return np.array([find_root(run) for run in range(len(rows))], dtype=np.int64)


def _enclose(rows: Any, starts: Any, ends: Any) -> Rectangle:
    """The smallest rectangle around the points of some runs."""
    points = np.concatenate(
        (np.stack((starts, rows), axis=1), np.stack((ends - 1, rows), axis=1))
    ).astype(np.float64)
    hull = _find_hull(points)
    edges = np.roll(hull, -1, axis=0) - hull
    angles = np.arctan2(edges[:, 1], edges[:, 0]) if len(hull) > 1 else np.zeros(1)
    # A right angle more makes the same rectangle: all fold into -pi/4 to pi/4.
    angles = np.unique(np.round(np.mod(angles + math.pi / 4, math.pi / 2) - math.pi / 4, 6))
    along = hull @ np.stack((np.cos(angles), np.sin(angles)))
    across = hull @ np.stack((-np.sin(angles), np.cos(angles)))
    widths, heights = np.ptp(along, axis=0), np.ptp(across, axis=0)
    best = int(np.argmin((widths + 1) * (heights + 1)))
    angle = float(angles[best])
    middle_along = float(along[:, best].max() + along[:, best].min()) / 2
    middle_across = float(across[:, best].max() + across[:, best].min()) / 2
    cosine, sine = math.cos(angle), math.sin(angle)
    return Rectangle(
        x=cosine * middle_along - sine * middle_across + 0.5,
        y=sine * middle_along + cosine * middle_across + 0.5,
        width=float(widths[best]) + 1,
        height=float(heights[best]) + 1,
        angle=angle,
    )


def _find_hull(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Corners of the convex hull in order (Andrew's monotone chain)."""
    ordered = sorted({(float(x), float(y)) for x, y in points})
    if len(ordered) < 3:
        return np.array(ordered)

    def half(places: list[tuple[float, float]]) -> list[tuple[float, float]]:
        chain: list[tuple[float, float]] = []
        for x, y in places:
            while len(chain) >= 2:
                (ax, ay), (bx, by) = chain[-2], chain[-1]
                if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                    break
                chain.pop()
            chain.append((x, y))
        return chain[:-1]

    return np.array(half(ordered) + half(ordered[::-1]))
