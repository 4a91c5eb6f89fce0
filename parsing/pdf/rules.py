"""Ruled tables: lines drawn on a page, the grids they make, and the text in their cells."""

from __future__ import annotations

import bisect
import ctypes
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pypdfium2.raw as pdfium

from parsing.pdf.chars import Segment
from parsing.pdf.geometry import Affine, Box

MAX_PATHS = 4_000
MAX_LINES = 3_000
"""A page with more lines is a drawing."""

_THIN, _LEAST = 3.0, 6.0
_NEAR = 2.5
_USUAL_CELL, _MAX_CELL = 150, 2_000

Band = list[list[Segment]]
"""A row: the lines of text in each of its cells."""

Matrix = tuple[float, float, float, float, float, float]
_IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Lines:
    """Straight lines along the sides of the page: (place, start, end), sorted."""

    vertical: list[tuple[float, float, float]]
    horizontal: list[tuple[float, float, float]]


@dataclass(frozen=True, slots=True)
class RuledGrid:
    """Edges of the columns and rows of a ruled table."""

    xs: list[float]
    ys: list[float]

    @property
    def box(self) -> Box:
        """The place of the whole table."""
        return self.xs[0], self.ys[0], self.xs[-1], self.ys[-1]


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
    return Lines(sorted(_join_lines(vertical)), sorted(_join_lines(horizontal)))


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


def _join_lines(lines: list[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
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
        grid = RuledGrid(_distinct(xs), _distinct(ys))
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


def gather_tables(segments: list[Segment], grids: list[RuledGrid]) -> list[Segment]:
    """The segments, with those in ruled tables put together as one that holds their cells.

    It stands where the first of them stood in the order of the page.
    """
    for grid in grids:
        inside = [segment for segment in segments if _is_inside(segment, grid)]
        for bands in _split_bands(_make_bands(inside, grid)):
            table = _make_table(bands, grid)
            if table is not None:
                segments = _replace(segments, bands, table)
    return segments


def _replace(segments: list[Segment], bands: list[Band], table: Segment) -> list[Segment]:
    chosen = {id(segment) for band in bands for cell in band for segment in cell}
    result: list[Segment] = []
    is_placed = False
    for segment in segments:
        if id(segment) not in chosen:
            result.append(segment)
        elif not is_placed:
            result.append(table)
            is_placed = True
    return result


def _is_inside(segment: Segment, grid: RuledGrid) -> bool:
    if segment.turn or segment.vertical or segment.cells is not None:
        return False
    x, y = (segment.x0 + segment.x1) / 2, (segment.y0 + segment.y1) / 2
    left, top, right, bottom = grid.box
    return left <= x <= right and top <= y <= bottom


def _make_bands(inside: list[Segment], grid: RuledGrid) -> list[Band]:
    """What stands between each two horizontal lines, by columns."""
    bands: list[Band] = [[[] for _ in grid.xs[1:]] for _ in grid.ys[1:]]
    for segment in sorted(inside, key=lambda item: (item.y0, item.x0)):
        row = bisect.bisect_right(grid.ys, (segment.y0 + segment.y1) / 2) - 1
        # A text in merged cells begins in the first of them.
        column = bisect.bisect_right(grid.xs, min(segment.x0 + 2, segment.x1)) - 1
        row = min(max(row, 0), len(bands) - 1)
        bands[row][min(max(column, 0), len(grid.xs) - 2)].append(segment)
    return [band for band in bands if any(band)]


def _split_bands(bands: list[Band]) -> Iterator[list[Band]]:
    """Runs of bands that are rows of one table; titles and texts between them end it."""
    run: list[Band] = []
    for band in bands:
        if _is_row(band):
            run += _split_rows(band)
            continue
        yield run
        run = []
    yield run


def _is_row(band: Band) -> bool:
    """Whether each cell holds lines one below the other, and it is not one text alone."""
    filled = [cell for cell in band if cell]
    if len(filled) == 1 and (len(band) == 1 or len(filled[0]) > 1 or len(filled[0][0].text) > 80):
        return False
    for cell in filled:
        for above, below in itertools.pairwise(cell):
            if min(above.y1, below.y1) - max(above.y0, below.y0) > 0.5 * (above.y1 - above.y0):
                return False
    return True


def _split_rows(band: Band) -> list[Band]:
    """A band that holds several rows without lines between them, as those rows.

    Wrapped cells have different numbers of lines; rows have as many in several columns.
    """
    counts = [len(cell) for cell in band if cell]
    most = max(counts)
    if most < 3 or counts.count(most) < 2:
        return [band]
    starts = sorted(segment.y0 for segment in max(band, key=len))
    rows: list[Band] = [[[] for _ in band] for _ in starts]
    for column, cell in enumerate(band):
        for segment in cell:
            nearest = min(range(len(starts)), key=lambda at: abs(starts[at] - segment.y0))
            rows[nearest][column].append(segment)
    return rows


def _make_table(bands: list[Band], grid: RuledGrid) -> Segment | None:
    """The table; None where a frame holds something else, such as prose or a single column."""
    used = [at for at in range(len(grid.xs) - 1) if any(band[at] for band in bands)]
    rows = [[band[at] for at in used] for band in bands]
    if len(rows) < 2 or len(used) < 2:
        return None
    lengths = sorted(
        sum(len(segment.text) for segment in cell) for row in rows for cell in row if cell
    )
    if len(lengths) < 3 or lengths[len(lengths) // 2] > _USUAL_CELL or lengths[-1] > _MAX_CELL:
        return None
    inside = [segment for row in rows for cell in row for segment in cell]
    size = max(inside, key=lambda segment: len(segment.text)).size
    return Segment(
        " ".join(segment.text for segment in inside),
        min(segment.x0 for segment in inside),
        min(segment.y0 for segment in inside),
        max(segment.x1 for segment in inside),
        max(segment.y1 for segment in inside),
        size,
        cells=rows,
    )
