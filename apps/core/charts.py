"""Geometry of the charts that the server draws. Pure: numbers in, coordinates out.

Coordinates are in the chart's own units; y grows downwards, as in SVG. Templates in
templates/components/charts/ turn the results into marks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tick:
    value: float
    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Sparkline:
    width: int
    height: int
    points: str
    last_x: float
    last_y: float


@dataclass(frozen=True, slots=True)
class Bar:
    label: str
    value: float
    y: float
    length: float
    url: str


@dataclass(frozen=True, slots=True)
class Bars:
    """Horizontal bars from a common zero. `label_width` is the space reserved for the labels."""

    width: int
    height: int
    label_width: int
    bar_height: int
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Dot:
    label: str
    value: float
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Line:
    """One series over equally spaced labels. Gaps (None) break the line into segments."""

    width: int
    height: int
    left: int
    bottom: float
    segments: tuple[str, ...]
    dots: tuple[Dot, ...]
    ticks: tuple[Tick, ...]
    first_label: str
    last_label: str


@dataclass(frozen=True, slots=True)
class SpanInput:
    """One timed step. Milliseconds from the start of the trace."""

    name: str
    offset_ms: float
    duration_ms: float
    ok: bool = True


@dataclass(frozen=True, slots=True)
class SpanBar:
    name: str
    x: float
    y: float
    width: float
    text_x: float
    duration_ms: float
    css_class: str


@dataclass(frozen=True, slots=True)
class Waterfall:
    width: int
    height: int
    left: int
    row_height: int
    bars: tuple[SpanBar, ...]
    ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A point of a scatter with the ends of its error bar, and whether it stands out.

    `label_y` is where its label goes so that no two labels overlap.
    """

    label: str
    x: float
    y: float
    top: float
    foot: float
    is_marked: bool
    url: str
    label_y: float


@dataclass(frozen=True, slots=True)
class Scatter:
    """Points over two axes from zero. `front` is the line through those that stand out."""

    width: int
    height: int
    left: int
    bottom: float
    places: tuple[Place, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    front: str


@dataclass(frozen=True, slots=True)
class PointInput:
    """A point in data units; `low` and `high` bound `y`."""

    label: str
    x: float
    y: float
    low: float
    high: float
    is_marked: bool = False
    url: str = ""


def nice_ticks(top: float, *, count: int = 4) -> list[float]:
    """Round values from 0 to at least `top` in about `count` steps of 1, 2 or 5 times 10 to the n.

    >>> nice_ticks(7)
    [0.0, 2.0, 4.0, 6.0, 8.0]
    """
    if not math.isfinite(top) or top <= 0:
        return [0.0, 1.0]
    raw = top / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * (1 - 1e-9))
    steps = math.ceil(top / step - 1e-9)
    return [round(step * index, 10) for index in range(steps + 1)]


def plot_sparkline(
    values: Sequence[float], *, width: int = 96, height: int = 24, margin: int = 3
) -> Sparkline:
    """A line with zero on the baseline, so that small changes do not look large."""
    top = max(values, default=0) or 1
    step = (width - 2 * margin) / max(len(values) - 1, 1)
    places = [
        (margin + index * step, height - margin - max(value, 0) / top * (height - 2 * margin))
        for index, value in enumerate(values)
    ]
    last_x, last_y = places[-1] if places else (float(margin), float(height - margin))
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return Sparkline(width, height, points, round(last_x, 1), round(last_y, 1))


def plot_bars(
    items: Sequence[tuple[str, float] | tuple[str, float, str]],
    *,
    width: int = 560,
    label_width: int = 160,
    value_width: int = 64,
    row_height: int = 28,
) -> Bars:
    """Horizontal bars of (label, value) or (label, value, url); each may be a link."""
    top = max((item[1] for item in items), default=0) or 1
    room = width - label_width - value_width
    bars = tuple(
        Bar(
            label=item[0],
            value=item[1],
            y=index * row_height,
            length=round(max(item[1], 0) / top * room, 1),
            url=item[2] if len(item) == 3 else "",
        )
        for index, item in enumerate(items)
    )
    return Bars(width, len(items) * row_height, label_width, row_height - 10, bars)


def plot_line(
    labels: Sequence[str],
    values: Sequence[float | None],
    *,
    width: int = 640,
    height: int = 180,
    left: int = 44,
) -> Line:
    """A line over equally spaced labels; a None is a gap, not a zero."""
    if len(labels) != len(values):
        raise ValueError(f"{len(labels)} labels for {len(values)} values")
    ticks = nice_ticks(max((value for value in values if value is not None), default=0))
    bottom, head, right = height - 22.0, 10.0, 12.0
    step = (width - left - right) / max(len(values) - 1, 1)

    def place(value: float) -> float:
        return round(bottom - value / ticks[-1] * (bottom - head), 1)

    dots: list[Dot] = []
    segments: list[list[str]] = [[]]
    for index, (label, value) in enumerate(zip(labels, values, strict=True)):
        if value is None:
            segments.append([])
            continue
        dot = Dot(label, value, round(left + index * step, 1), place(value))
        dots.append(dot)
        segments[-1].append(f"{dot.x},{dot.y}")
    return Line(
        width=width,
        height=height,
        left=left,
        bottom=bottom,
        segments=tuple(" ".join(segment) for segment in segments if segment),
        dots=tuple(dots),
        ticks=tuple(Tick(value, place(value), _tick_label(value)) for value in ticks),
        first_label=labels[0] if labels else "",
        last_label=labels[-1] if len(labels) > 1 else "",
    )


def plot_scatter(
    points: Sequence[PointInput], *, width: int = 640, height: int = 280, left: int = 52
) -> Scatter:
    """Points with error bars; marked ones are joined from left to right."""
    x_ticks = nice_ticks(max((point.x for point in points), default=0))
    y_ticks = nice_ticks(max((point.high for point in points), default=0))
    bottom, head, right = height - 44.0, 28.0, 96.0

    def across(value: float) -> float:
        return round(left + value / x_ticks[-1] * (width - left - right), 1)

    def down(value: float) -> float:
        return round(bottom - max(value, 0) / y_ticks[-1] * (bottom - head), 1)

    label_lines = _part_labels([(across(p.x), down(p.y), p.label) for p in points])
    places = tuple(
        Place(
            label=point.label,
            x=across(point.x),
            y=down(point.y),
            top=down(point.high),
            foot=down(point.low),
            is_marked=point.is_marked,
            url=point.url,
            label_y=label_y,
        )
        for point, label_y in zip(points, label_lines, strict=True)
    )
    front = sorted((place for place in places if place.is_marked), key=lambda place: place.x)
    return Scatter(
        width=width,
        height=height,
        left=left,
        bottom=bottom,
        places=places,
        x_ticks=tuple(Tick(value, across(value), _tick_label(value)) for value in x_ticks),
        y_ticks=tuple(Tick(value, down(value), _tick_label(value)) for value in y_ticks),
        front=" ".join(f"{place.x},{place.y}" for place in front),
    )


def _part_labels(marks: Sequence[tuple[float, float, str]]) -> list[float]:
    """The y of the label to the right of each (x, y, label), so that no two overlap.

    A letter is taken to be 9 units wide and a line 20 high, which fits the larger text of phones.
    """
    occupied: list[tuple[float, float, float]] = [(x - 6, x + 6, y) for x, y, _ in marks]
    lines = [0.0] * len(marks)
    for index in sorted(range(len(marks)), key=lambda i: marks[i][0]):
        x, y, label = marks[index]
        start, end = x + 8, x + 9 + 9 * len(label)
        tries = [y + step * 20 for step in (0, -1, 1, -2, 2, -3, 3)]
        free = (
            line
            for line in tries
            if line > 0
            and not any(a < end and b > start and abs(line - at) < 20 for a, b, at in occupied)
        )
        lines[index] = round(next(free, y), 1)
        occupied.append((start, end, lines[index]))
    return lines


def plot_waterfall(
    spans: Sequence[SpanInput], *, width: int = 720, left: int = 168, row_height: int = 28
) -> Waterfall:
    """Timed steps, one per row, on one time axis. A bar is at least 2 units wide."""
    end = max((span.offset_ms + span.duration_ms for span in spans), default=0)
    ticks = nice_ticks(end)
    right = 72.0
    scale = (width - left - right) / ticks[-1]
    bars = []
    for index, span in enumerate(spans):
        x = left + span.offset_ms * scale
        length = max(span.duration_ms * scale, 2.0)
        bars.append(
            SpanBar(
                name=span.name,
                x=round(x, 1),
                y=float(index * row_height),
                width=round(length, 1),
                text_x=round(x + length + 6, 1),
                duration_ms=span.duration_ms,
                css_class="mark" if span.ok else "fault",
            )
        )
    marks = tuple(
        Tick(value, round(left + value * scale, 1), f"{_tick_label(value)} ms") for value in ticks
    )
    return Waterfall(width, len(spans) * row_height + 24, left, row_height, tuple(bars), marks)


def _tick_label(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:g}"
