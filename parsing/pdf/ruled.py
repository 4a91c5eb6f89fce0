"""Ruled tables: what stands in the cells of a grid of lines, merged cells and headers included."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from parsing.grid import MAX_LABEL, Grid, header_levels, join_levels
from parsing.pdf.chars import Segment
from parsing.pdf.columns import names_columns
from parsing.pdf.rules import RuledGrid

_USUAL_CELL, _MAX_CELL = 150, 2_000

Cells = list[list[Segment]]
"""The lines of text in each cell of a row."""


@dataclass(slots=True)
class Band:
    """What stands between two horizontal lines: its cells, and which repeat a merged one.

    `across` are the columns that repeat the cell to their left, `down` the one above; `tall` are
    those whose cell goes on below.
    """

    cells: Cells
    across: set[int] = field(default_factory=set)
    down: set[int] = field(default_factory=set)
    tall: set[int] = field(default_factory=set)

    @property
    def filled(self) -> Cells:
        """Cells with a text, each merged one once."""
        return [cell for at, cell in enumerate(self.cells) if cell and at not in self.across]

    @property
    def has_own(self) -> bool:
        """Whether it holds more than what it repeats from above."""
        repeated = self.across | self.down
        return any(cell for at, cell in enumerate(self.cells) if at not in repeated)


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
    chosen = {id(segment) for band in bands for cell in band.cells for segment in cell}
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
    """What stands between each two horizontal lines, by columns; merged labels stand in each."""
    bands = [Band([[] for _ in grid.xs[1:]]) for _ in grid.ys[1:]]
    for segment in sorted(inside, key=lambda item: (item.y0, item.x0)):
        row = bisect.bisect_right(grid.ys, (segment.y0 + segment.y1) / 2) - 1
        # A text in merged cells begins in the first of them.
        column = bisect.bisect_right(grid.xs, min(segment.x0 + 2, segment.x1)) - 1
        row = min(max(row, 0), len(bands) - 1)
        bands[row].cells[min(max(column, 0), len(grid.xs) - 2)].append(segment)
    for row, band in enumerate(bands):
        _spread_across(band, grid, row)
    for column in range(len(grid.xs) - 1):
        _spread_down(bands, grid, column)
    return [band for band in bands if band.has_own]


def _spread_across(band: Band, grid: RuledGrid, row: int) -> None:
    """Repeat the label of a cell that no line parts from those beside it."""
    start, count = 0, len(band.cells)
    for end in range(1, count + 1):
        if end < count and not grid.parts_columns(row, end - 1):
            continue
        filled = [at for at in range(start, end) if band.cells[at]]
        # The text of a cell over the whole table is a title, and need not be said again.
        if len(filled) == 1 and end - start > 1:
            _repeat_across(band, start, end, filled[0])
        start = end


def _repeat_across(band: Band, start: int, end: int, at: int) -> None:
    cell = band.cells[at]
    is_label = sum(len(segment.text) for segment in cell) <= MAX_LABEL
    is_whole = end - start == len(band.cells)
    for column in range(start, end):
        band.cells[column] = cell if column == start or (is_label and not is_whole) else []
    band.across.update(range(start + 1, end))


def _spread_down(bands: list[Band], grid: RuledGrid, column: int) -> None:
    """Put together a cell that lines beside it part but none in it, and repeat its label below."""
    start = 0
    for end in range(1, len(bands) + 1):
        if end < len(bands) and not grid.parts_rows(end - 1, column):
            continue
        run, first = bands[start:end], start
        start = end
        if len(run) == 1 or any(column in band.across for band in run):
            continue
        cell = [segment for band in run for segment in band.cells[column]]
        parted = [
            at
            for at in range(len(grid.xs) - 1)
            if any(grid.parts_rows(y, at) for y in range(first, first + len(run) - 1))
        ]
        if not cell or (len(cell) > 1 and _are_rows(run, column, parted)):
            continue
        repeats = sum(len(segment.text) for segment in cell) <= MAX_LABEL
        for number, band in enumerate(run):
            band.cells[column] = cell if repeats or not number else []
            if number:
                band.down.add(column)
            else:
                band.tall.add(column)


def _are_rows(bands: list[Band], column: int, parted: list[int]) -> bool:
    """Whether each line of a column has one beside it in the columns that lines part.

    Then they are rows, and their lines are only drawn under some columns.
    """
    for band in bands:
        others = [item for at in parted for item in band.cells[at]]
        for line in band.cells[column]:
            near = 0.3 * (line.y1 - line.y0)
            if not any(abs(line.y0 - other.y0) < near for other in others):
                return False
    return True


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
    filled = band.filled
    if len(filled) == 1 and (
        len(band.cells) == 1 or len(filled[0]) > 1 or len(filled[0][0].text) > 80
    ):
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
    merged = band.across | band.down | band.tall
    own = [cell for at, cell in enumerate(band.cells) if at not in merged]
    counts = [len(cell) for cell in own if cell]
    most = max(counts, default=0)
    if most < 3 or counts.count(most) < 2:
        return [band]
    starts = sorted(segment.y0 for segment in max(own, key=len))
    rows = [Band([[] for _ in band.cells]) for _ in starts]
    for column, cell in enumerate(band.cells):
        if column in merged:
            for number, row in enumerate(rows):
                row.cells[column] = cell
                (row.across if column in band.across else row.down).add(column)
                if not number and column in band.tall:
                    row.down.discard(column)
            continue
        for segment in cell:
            nearest = min(range(len(starts)), key=lambda at: abs(starts[at] - segment.y0))
            rows[nearest].cells[column].append(segment)
    return rows


def _make_table(bands: list[Band], grid: RuledGrid) -> Segment | None:
    """The table; None where a frame holds something else, such as prose or a single column."""
    columns = range(len(grid.xs) - 1)
    used = [at for at in columns if any(b.cells[at] and at not in b.across for b in bands)]
    if len(bands) < 2 or len(used) < 2:
        return None
    filled = [cell for band in bands for cell in band.filled]
    lengths = sorted(sum(len(segment.text) for segment in cell) for cell in filled)
    if len(lengths) < 3 or lengths[len(lengths) // 2] > _USUAL_CELL or lengths[-1] > _MAX_CELL:
        return None
    rows, has_header = _with_header(bands, used)
    inside = [segment for cell in filled for segment in cell]
    size = max(inside, key=lambda segment: len(segment.text)).size
    return Segment(
        " ".join(segment.text for segment in inside),
        min(segment.x0 for segment in inside),
        min(segment.y0 for segment in inside),
        max(segment.x1 for segment in inside),
        max(segment.y1 for segment in inside),
        size,
        cells=rows,
        has_header=has_header,
    )


def _with_header(bands: list[Band], used: list[int]) -> tuple[list[Cells], bool]:
    """The rows of the used columns, those of a header in one, and whether there is a header.

    A label over several columns is repeated in the header only: below, it is a value.
    """
    rows = [[band.cells[at] for at in used] for band in bands]
    shown = [[[] if at in band.across else band.cells[at] for at in used] for band in bands]
    place = {at: number for number, at in enumerate(used)}
    grid = Grid(
        [[" ".join(segment.text for segment in cell) for cell in row] for row in rows],
        0,
        {(y, place[at]) for y, band in enumerate(bands) for at in band.across if at in place},
        {(y, place[at]) for y, band in enumerate(bands) for at in band.down if at in place},
    )
    if not names_columns(grid, is_bold=[_is_bold(band) for band in bands[:2]]):
        return shown, False
    levels = header_levels(grid, 0)
    if levels == 1:
        return shown, True
    names = join_levels(grid.rows[:levels])
    header = [_join_cells([row[x] for row in rows[:levels]]) for x in range(len(names))]
    return [header, *shown[levels:]], True


def _join_cells(levels: list[list[Segment]]) -> list[Segment]:
    """The cells of one column of a header, those that repeat the one above once."""
    joined: list[Segment] = []
    last: list[Segment] = []
    for cell in levels:
        if cell and cell is not last:
            if joined:
                x, y = joined[-1].x1, joined[-1].y1
                joined.append(Segment("/", x, y, x, y, joined[-1].size))
            joined += cell
            last = cell
    return joined


def _is_bold(band: Band) -> bool:
    return all(segment.bold for cell in band.filled for segment in cell)
