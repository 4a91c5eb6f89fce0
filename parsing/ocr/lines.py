"""Recognised lines, and how they become the text of a page."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass

from parsing.boxed import Box, BoxedBuilder, find_compounds, joins_hyphenated
from parsing.ocr.order import order_lines
from parsing.pdf.chars import Segment
from parsing.pdf.layout import write_layout
from parsing.pdf.ruled import gather_tables
from parsing.pdf.rules import Lines, RuledGrid, find_grids, join_lines

_MARGIN = 0.15
"""Share of a line's height by which its box is larger than its letters, on each side."""
_MAX_SLOPE = 0.01
_MAX_CROSSED = 0.1


@dataclass(frozen=True, slots=True)
class OcrLine:
    """One recognised line: its text and its place as fractions of the image, turned upright.

    `paragraph` is what the engine says; None where it leaves finding paragraphs to us.
    """

    text: str
    box: Box
    paragraph: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class OcrResult:
    """Lines, how sure the engine is of them (0 to 100), and how many it could not read.

    `confidence` counts what was not read, too. `turn` is by how many degrees clockwise the image
    was turned to stand upright, `slope` by how much its lines fall to the right then. `ruling` are
    the straight lines on it, as fractions of its sides.
    """

    lines: list[OcrLine]
    confidence: float
    unread: int = 0
    turn: int = 0
    slope: float = 0.0
    ruling: Lines | None = None

    @property
    def weight(self) -> float:
        """Confidence times characters: how much was read, for comparing two readings."""
        return self.confidence * sum(len(line.text) for line in self.lines)


def write_lines(builder: BoxedBuilder, result: OcrResult, *, width: float, height: float) -> None:
    """Recognised lines as blocks of a page of this size, each in its place on the page as it is."""
    if result.turn in (90, 270):
        width, height = height, width
    if any(line.paragraph is None for line in result.lines):
        _write_by_place(builder, result, width=width, height=height)
    else:
        _write_paragraphs(builder, result.lines)
    builder.move_boxes(lambda box: turn_back(box, result.turn))


def turn_back(box: Box, turn: int) -> Box:
    """A place on the turned image as a place on the image before."""
    x0, y0, x1, y1 = box
    if turn == 90:
        return y0, 1 - x1, y1, 1 - x0
    if turn == 180:
        return 1 - x1, 1 - y1, 1 - x0, 1 - y0
    return (1 - y1, x0, 1 - y0, x1) if turn == 270 else box


def _write_paragraphs(builder: BoxedBuilder, lines: list[OcrLine]) -> None:
    compounds = find_compounds([line.text for line in lines])
    before: OcrLine | None = None
    for line in lines:
        separator = "\n"
        if before is None or before.paragraph != line.paragraph:
            builder.start_block("paragraph")
        elif joins_hyphenated(before.text, line.text, compounds=compounds):
            builder.drop_hyphen()
            separator = ""
        builder.add_line(line.text, line.box, separator=separator)
        before = line
    builder.end_block()


def _write_by_place(
    builder: BoxedBuilder, result: OcrResult, *, width: float, height: float
) -> None:
    """The layout of a scan is found like that of a PDF, once its lines are level."""
    slope = result.slope * width / height

    def tilt(box: Box, sign: int) -> Box:
        x0, y0, x1, y1 = box
        drop = sign * slope * ((x0 + x1) / 2 - 0.5)
        return x0, y0 + drop, x1, y1 + drop

    boxes = [tilt(line.box, -1) for line in result.lines]
    usual = statistics.median(min(y1 - y0, (x1 - x0) * width / height) for x0, y0, x1, y1 in boxes)
    segments = []
    for line, (x0, y0, x1, y1) in zip(result.lines, boxes, strict=True):
        tall = (y1 - y0) * height
        vertical = tall > 2 * (x1 - x0) * width and len(line.text) > 3
        # The height of a box depends on its letters: only what is clearly larger is a heading.
        is_usual = vertical or 0.7 < tall / (usual * height) < 1.45
        margin = _MARGIN * min(tall, (x1 - x0) * width)
        segments.append(
            Segment(
                text=line.text,
                x0=x0 * width + margin,
                y0=y0 * height + margin,
                x1=x1 * width - margin,
                y1=y1 * height - margin,
                size=usual * height if is_usual else tall,
                vertical=vertical,
            )
        )
    flat = [segment for segment in segments if not segment.vertical]
    ordered = [*order_lines(flat), *(segment for segment in segments if segment.vertical)]
    grids = _find_grids(result, ordered, width=width, height=height)
    ordered = gather_tables(ordered, grids)
    write_layout(builder, ordered, width=width, height=height, sizes=Counter[int]())
    builder.move_boxes(lambda box: tilt(box, 1))


def _find_grids(
    result: OcrResult, segments: list[Segment], *, width: float, height: float
) -> list[RuledGrid]:
    """Ruled tables of the scan whose lines part what was recognised, in points of the page."""
    if result.ruling is None or abs(result.slope) > _MAX_SLOPE:
        return []
    drop = result.slope * width
    flat = [
        (y * height - drop * ((x0 + x1) / 2 - 0.5), x0 * width, x1 * width)
        for y, x0, x1 in result.ruling.horizontal
    ]
    upright = [(x * width, y0 * height, y1 * height) for x, y0, y1 in result.ruling.vertical]
    lines = Lines(sorted(join_lines(upright)), sorted(join_lines(flat)))
    return [grid for grid in find_grids(lines) if _parts_texts(grid, segments)]


def _parts_texts(grid: RuledGrid, segments: list[Segment]) -> bool:
    """Whether nearly all texts stand between the lines, and were not read across them."""
    left, top, right, bottom = grid.box
    inside = [
        item
        for item in segments
        if left <= (item.x0 + item.x1) / 2 <= right and top <= (item.y0 + item.y1) / 2 <= bottom
    ]
    crossing = sum(1 for item in inside if _is_crossed(item, grid.lines.vertical))
    return crossing <= _MAX_CROSSED * len(inside)


def _is_crossed(segment: Segment, upright: list[tuple[float, float, float]]) -> bool:
    """Whether a line goes through a text; what is no longer than the text is high is a letter."""
    tall, middle = segment.y1 - segment.y0, (segment.y0 + segment.y1) / 2
    return any(
        segment.x0 + tall / 2 < x < segment.x1 - tall / 2 and top <= middle <= bottom
        for x, top, bottom in upright
        if bottom - top > 1.5 * tall
    )
