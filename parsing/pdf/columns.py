"""Columns of tables without lines, from how their cells stand below one another."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from parsing.pdf.chars import Segment

MAX_COLUMNS = 20
MAX_CELLS = 2_000


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
