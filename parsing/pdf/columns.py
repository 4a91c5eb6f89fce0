"""Columns of tables: where they stand without lines between them, and what names them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from parsing.grid import Grid, is_number
from parsing.pdf.chars import Segment

MAX_COLUMNS = 20
MAX_CELLS = 2_000
_NAME_CHARS = 120
_VALUE = re.compile(r"^\W*\d|\d{2}")
_LEAST_COLUMNS, _LEAST_ROWS = 3, 3


def place_cells(rows: Sequence[Sequence[Segment]]) -> list[list[int]] | None:
    """The column, from 0, of each cell of each row; None where they make no columns.

    Rows with blank cells have fewer than others, so that counting them would not do.
    """
    if sum(len(row) for row in rows) > MAX_CELLS:
        return None
    columns = _find_columns(rows)
    if not 2 <= len(columns) <= MAX_COLUMNS:
        return None
    places: list[list[int]] = []
    for row in rows:
        taken = [
            next(
                (at for at, (left, right) in enumerate(columns) if _overlap(cell, left, right)), -1
            )
            for cell in row
        ]
        if -1 in taken or any(a >= b for a, b in itertools.pairwise(taken)):
            return None
        places.append(taken)
    return places


def cells_under_header(
    rows: Sequence[Sequence[Segment]], places: Sequence[Sequence[int]]
) -> list[list[list[Segment]]] | None:
    """The cells of a table without lines by column; None where no row names its columns.

    Pairs side by side may be anything, and are no table with a header.
    """
    width = max(max(taken) for taken in places) + 1
    if width < _LEAST_COLUMNS or len(rows) < _LEAST_ROWS:
        return None
    cells: list[list[list[Segment]]] = [[[] for _ in range(width)] for _ in rows]
    for y, (row, taken) in enumerate(zip(rows, places, strict=True)):
        for segment, x in zip(row, taken, strict=True):
            cells[y][x].append(segment)
    texts = [[" ".join(item.text for item in cell) for cell in row] for row in cells]
    is_bold = [all(segment.bold for segment in row) for row in rows[:2]]
    if not all(texts[0][1:]) or not names_columns(Grid(texts), is_bold=is_bold, is_ruled=False):
        return None
    return cells


def names_columns(grid: Grid, *, is_bold: list[bool], is_ruled: bool = True) -> bool:
    """Whether the first row is a header: bold above what is not, or words above numbers.

    Without either, words over the whole width of three columns and more are one where lines make
    the table; pairs of words may as well be the first of many.
    """
    first, below = grid.rows[0], grid.rows[1:]
    filled = [text for x, text in enumerate(first) if text and (0, x) not in grid.across]
    if len(filled) < 2 or any(is_number(text) or len(text) > _NAME_CHARS for text in filled):
        return False
    if is_bold == [True, False]:
        return True
    for x, name in enumerate(first):
        values = [row[x] for row in below if row[x]]
        if name and x and values and 2 * sum(map(is_number, values)) > len(values):
            return True
    is_worded = all(first) and not any(map(_VALUE.search, first))
    return is_ruled and len(first) > 2 and len(below) > 1 and is_worded


def _find_columns(rows: Sequence[Sequence[Segment]]) -> list[tuple[float, float]]:
    """Stretches that cells cover, apart from cells that reach over several of another row."""
    cells = [
        (cell.x0, cell.x1)
        for row in rows
        for cell in row
        if not any(_reaches_over(cell, other) for other in rows if other is not row)
    ]
    columns: list[tuple[float, float]] = []
    for left, right in sorted(cells):
        if columns and left < columns[-1][1]:
            columns[-1] = (columns[-1][0], max(columns[-1][1], right))
        else:
            columns.append((left, right))
    return columns


def _reaches_over(cell: Segment, row: Sequence[Segment]) -> bool:
    return sum(1 for other in row if _overlap(cell, other.x0, other.x1)) > 1


def _overlap(cell: Segment, left: float, right: float) -> bool:
    return min(cell.x1, right) - max(cell.x0, left) > 0
