"""How the time of a search grows with the number of passages, drawn as an SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path

WIDTH, HEIGHT = 860, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 230, 30, 50
COLOURS = {
    "Plumbline": "#2f6f4f",
    "faiss": "#8a6d1d",
    "chroma": "#b0413e",
    "lancedb": "#3d5a9e",
    "llamaindex": "#7a4b94",
}
DASHES = {"lexical": "2 4", "vector": "8 4", "hybrid": ""}

Point = tuple[str, int, str, float]
"""System, passages, mode, p95 in milliseconds."""


def draw_growth(points: Sequence[Point], path: Path) -> None:
    """Write the picture: both axes logarithmic, a line for each system and mode."""
    sizes = sorted({size for _, size, _, _ in points})
    times = [ms for *_, ms in points]
    low, high = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times)))

    def x(size: int) -> float:
        span = math.log10(sizes[-1] / sizes[0])
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log10(size / sizes[0]) / span

    def y(ms: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - math.log10(ms)) / max(1, high - low)

    marks = [_text(WIDTH / 2 - 90, HEIGHT - 10, "passages", anchor="middle")]
    marks.append(_text(LEFT - 55, TOP - 12, "p95, ms"))
    for size in sizes:
        marks.append(_line(x(size), TOP, x(size), HEIGHT - BOTTOM))
        marks.append(_text(x(size), HEIGHT - BOTTOM + 18, f"{size:,}", anchor="middle"))
    for power in range(low, high + 1):
        marks.append(_line(LEFT, y(10**power), WIDTH - RIGHT, y(10**power)))
        marks.append(_text(LEFT - 8, y(10**power) + 4, f"{10**power:g}", anchor="end"))
    lines: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for system, size, mode, ms in points:
        lines.setdefault((system, mode), []).append((size, ms))
    ends: list[tuple[float, str, str]] = []
    for (system, mode), values in lines.items():
        values.sort()
        colour = COLOURS.get(system, "#555")
        place = " ".join(f"{x(size):.1f},{y(ms):.1f}" for size, ms in values)
        width = 3 if system == "Plumbline" else 1.5
        marks.append(
            f'<polyline points="{place}" fill="none" stroke="{colour}" stroke-width="{width}" '
            f'stroke-dasharray="{DASHES[mode]}"/>'
        )
        marks += [
            f'<circle cx="{x(size):.1f}" cy="{y(ms):.1f}" r="3" fill="{colour}"/>'
            for size, ms in values
        ]
        ends.append((y(values[-1][1]), f"{system}, {mode}: {values[-1][1]:.1f}", colour))
    marks += _labels(ends)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12" role="img" '
        'aria-label="p95 of a search by number of passages">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>{"".join(marks)}</svg>\n'
    )


def _labels(ends: list[tuple[float, str, str]]) -> list[str]:
    """The names of the lines at their right ends, pushed apart where they would overlap."""
    marks, last = [], -math.inf
    for at, text, colour in sorted(ends):
        last = max(at, last + 15)
        marks.append(_text(WIDTH - RIGHT + 12, last + 4, text, fill=colour))
    return marks


def _text(x: float, y: float, text: str, *, anchor: str = "start", fill: str = "#333") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}">{escape(text)}</text>'
    )


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>'
