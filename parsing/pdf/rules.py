"""Lines drawn on a page, and the grids of ruled tables that they make."""

from __future__ import annotations

import bisect
import ctypes
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pypdfium2.raw as pdfium

from parsing.pdf.geometry import Affine, Box

MAX_PATHS = 4_000
MAX_LINES = 3_000
"""A page with more lines is a drawing."""

_THIN, _LEAST = 3.0, 6.0
_NEAR = 2.5

Matrix = tuple[float, float, float, float, float, float]
_IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Lines:
    """Straight lines along the sides of the page: (place, start, end), sorted."""

    vertical: list[tuple[float, float, float]]
    horizontal: list[tuple[float, float, float]]


@dataclass(frozen=True, slots=True)
class RuledGrid:
    """Edges of the columns and rows of a ruled table, and the lines that they come from."""

    xs: list[float]
    ys: list[float]
    lines: Lines

    @property
    def box(self) -> Box:
        """The place of the whole table."""
        return self.xs[0], self.ys[0], self.xs[-1], self.ys[-1]

    def parts_columns(self, row: int, column: int) -> bool:
        """Whether a line stands between a cell and the one to its right."""
        middle = (self.ys[row] + self.ys[row + 1]) / 2
        return _has_line(self.lines.vertical, self.xs[column + 1], middle)

    def parts_rows(self, row: int, column: int) -> bool:
        """Whether a line lies between a cell and the one below it."""
        middle = (self.xs[column] + self.xs[column + 1]) / 2
        return _has_line(self.lines.horizontal, self.ys[row + 1], middle)


def _has_line(lines: list[tuple[float, float, float]], place: float, middle: float) -> bool:
    first = bisect.bisect_left(lines, (place - _NEAR, 0.0, 0.0))
    for other, start, end in itertools.islice(lines, first, None):
        if other > place + _NEAR + 1:
            return False
        if start <= middle <= end:
            return True
    return False


def read_lines(page: Any, affine: Affine) -> Lines:
    """The lines of a page; none where it holds too many to be tables."""
    vertical: list[tuple[float, float, float]] = []
    horizontal: list[tuple[float, float, float]] = []
    for seen, (item, matrix) in enumerate(_iter_paths(page)):
        if seen > MAX_PATHS or len(vertical) + len(horizontal) > MAX_LINES:
            return Lines([], [])
        for box in _straight_boxes(item, matrix, affine):
            wide, tall = box[2] - box[0], box[3] - box[1]
            if wide <= _THIN and tall >= _LEAST:
                vertical.append(((box[0] + box[2]) / 2, box[1], box[3]))
            elif tall <= _THIN and wide >= _LEAST:
                horizontal.append(((box[1] + box[3]) / 2, box[0], box[2]))
    return Lines(sorted(join_lines(vertical)), sorted(join_lines(horizontal)))


def _iter_paths(page: Any) -> Iterator[tuple[Any, Matrix]]:
    """Path objects of the page and of the forms it draws, with the matrix they stand in."""
    for at in range(pdfium.FPDFPage_CountObjects(page)):
        item = pdfium.FPDFPage_GetObject(page, at)
        kind = pdfium.FPDFPageObj_GetType(item)
        if kind == pdfium.FPDF_PAGEOBJ_PATH:
            yield item, _IDENTITY
        elif kind == pdfium.FPDF_PAGEOBJ_FORM:
            matrix = _matrix_of(item)
            for inner in range(min(pdfium.FPDFFormObj_CountObjects(item), MAX_PATHS)):
                child = pdfium.FPDFFormObj_GetObject(item, inner)
                if pdfium.FPDFPageObj_GetType(child) == pdfium.FPDF_PAGEOBJ_PATH:
                    yield child, matrix


def _matrix_of(item: Any) -> Matrix:
    matrix = pdfium.FS_MATRIX()
    if not pdfium.FPDFPageObj_GetMatrix(item, matrix):
        return _IDENTITY
    return matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f


def _apply(matrix: Matrix, x: float, y: float) -> tuple[float, float]:
    a, b, c, d, e, f = matrix
    return a * x + c * y + e, b * x + d * y + f


def _straight_boxes(item: Any, outer: Matrix, affine: Affine) -> Iterator[Box]:
    """Boxes of the straight strokes of a path, and of the sides of a large rectangle."""
    count = pdfium.FPDFPath_CountSegments(item)
    if not 2 <= count <= MAX_LINES:
        return
    own = _matrix_of(item)
    x, y = ctypes.c_float(), ctypes.c_float()
    points: list[tuple[float, float]] = []
    strokes: list[tuple[tuple[float, float], tuple[float, float]]] = []
    start = (0.0, 0.0)
    for at in range(count):
        segment = pdfium.FPDFPath_GetPathSegment(item, at)
        kind = pdfium.FPDFPathSegment_GetType(segment)
        if kind == pdfium.FPDF_SEGMENT_BEZIERTO:
            return
        pdfium.FPDFPathSegment_GetPoint(segment, x, y)
        point = _apply(outer, *_apply(own, x.value, y.value))
        if kind == pdfium.FPDF_SEGMENT_MOVETO:
            start = point
        elif points:
            strokes.append((points[-1], point))
        points.append(point)
        if pdfium.FPDFPathSegment_GetClose(segment):
            strokes.append((point, start))
    whole = affine.box(
        min(p[0] for p in points), min(p[1] for p in points),
        max(p[0] for p in points), max(p[1] for p in points),
    )  # fmt: skip
    if min(whole[2] - whole[0], whole[3] - whole[1]) <= _THIN:
        yield whole
        return
    for (x0, y0), (x1, y1) in strokes:
        yield affine.box(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))


def join_lines(lines: list[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    """Lines on the same place that touch, as one."""
    joined: list[tuple[float, float, float]] = []
    for place, start, end in sorted(lines):
        for at in range(len(joined) - 1, max(-1, len(joined) - 60), -1):
            other, first, last = joined[at]
            if place - other > 1.0:
                continue
            if start <= last + _NEAR and end >= first - _NEAR:
                joined[at] = (other, min(first, start), max(last, end))
                break
        else:
            joined.append((place, start, end))
    return joined


def find_grids(lines: Lines) -> list[RuledGrid]:
    """Tables with at least two columns and two rows that lines part."""
    if len(lines.vertical) < 2 or len(lines.horizontal) < 2:
        return []
    groups: list[tuple[list[int], list[int]]] = []
    for number, upright in enumerate(lines.vertical):
        crossed = [at for at, flat in enumerate(lines.horizontal) if _touch(upright, flat)]
        if len(crossed) < 2:
            continue
        mine: tuple[list[int], list[int]] = ([number], crossed)
        for group in [group for group in groups if set(group[1]) & set(crossed)]:
            groups.remove(group)
            mine = (mine[0] + group[0], [*mine[1], *group[1]])
        groups.append(mine)
    grids = []
    for uprights, flats in groups:
        # Tables are often open at their sides: then their lines end where they do.
        xs = [lines.vertical[at][0] for at in uprights]
        ys = [lines.horizontal[at][0] for at in flats]
        xs += [
            min(lines.horizontal[at][1] for at in flats),
            max(lines.horizontal[at][2] for at in flats),
        ]
        ys += [
            min(lines.vertical[at][1] for at in uprights),
            max(lines.vertical[at][2] for at in uprights),
        ]
        grid = RuledGrid(_distinct(xs), _distinct(ys), lines)
        if len(grid.xs) >= 3 and len(grid.ys) >= 3:
            grids.append(grid)
    return grids


def _touch(upright: tuple[float, float, float], flat: tuple[float, float, float]) -> bool:
    x, top, bottom = upright
    y, left, right = flat
    return left - _NEAR <= x <= right + _NEAR and top - _NEAR <= y <= bottom + _NEAR


def _distinct(places: list[float]) -> list[float]:
    kept: list[float] = []
    for place in sorted(places):
        if not kept or place - kept[-1] > _NEAR:
            kept.append(place)
    return kept
