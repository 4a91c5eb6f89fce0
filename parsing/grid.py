"""Tables as grids: merged cells spread out, title lines told from headers, headers put together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from parsing.text import Piece, format_table, squeeze
from parsing.types import ParseError

MAX_LABEL = 200
"""A merged cell with more characters is a text, not a label, and is not repeated."""

NOTHING = frozenset(("", "-", "\u2013", "\u2014", "..", "n/a", "N/A", "n.a.", "#N/A"))
MAX_GRID_CELLS = 2_000_000
_MAX_PLACES = 3 * MAX_GRID_CELLS
MAX_HEADER_ROWS = 3
_NUMBER = re.compile(
    r"[(<>≤≥~+\-\u2212±]*\s*[$€£¥₹%]?\s*(?:[A-Z]{3}\s)?[-\u2212]?\d[\d.,'\u2019\u202f\s]*"
    r"(?:[eE][+-]?\d+)?\s*[%‰$€£¥₹)]*(?:\s?[A-Z]{3})?\)?$"
)
_YEAR = re.compile(r"(?:FY\s?)?(?:19|20)\d\d(?:\s?[-/\u2013]\s?\d{2,4})?[AEBF]?$")
_UNIT = re.compile(
    r"[\[(].{1,18}[\])]$|%$|[kMGm]?(?:EUR|USD|GBP|CHF|€|\$|£|W|Wh|Pa|g|m|l|L|t|V|A|Hz|bar|h|min|"
    r"s|mm|cm|km|kg|mg|°C|°F|pcs|units?|days?|years?)(?:[/·].{1,8}|[²³]|\^[23])?$"
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a file's own table, with the rows and columns that it covers."""

    text: str
    rows: int = 1
    columns: int = 1


@dataclass(slots=True)
class Grid:
    """Texts by row and column. `headers` rows at the top are headers because the file says so;
    `across` has the places that repeat the cell to their left, `down` the one above. `is_cut` says
    that some labels were not repeated, or columns not read, because the table is too large.
    """

    rows: list[list[str]]
    headers: int = 0
    across: set[tuple[int, int]] = field(default_factory=set)
    down: set[tuple[int, int]] = field(default_factory=set)
    is_cut: bool = False

    def line(self, at: int) -> list[str]:
        """Texts of a row, each merged cell once."""
        row = self.rows[at]
        return [text for x, text in enumerate(row) if text and (at, x) not in self.across]


def spread(rows: Sequence[Sequence[Cell]], *, headers: int = 0, max_columns: int = 2_000) -> Grid:
    """A grid in which each place that a merged cell covers has its label.

    Cells of later rows keep to the right of what reaches down into their row. Places beyond
    `max_columns` or below the last row are not made. Once labels would fill `MAX_GRID_CELLS`
    places, further places stay blank, so that no column slips. Tables several times as large
    are a ParseError.
    """
    grid = Grid([], headers)
    waiting: dict[int, tuple[int, str]] = {}
    used = places = 0
    for y, cells in enumerate(rows):
        line: list[str] = []
        for cell in [*cells, None]:
            while len(line) in waiting or (cell is None and waiting and len(line) <= max(waiting)):
                _take_waiting(grid, waiting, line, y)
            if cell is None or len(line) >= max_columns:
                grid.is_cut = grid.is_cut or (cell is not None and bool(cell.text))
                continue
            width = max(1, min(cell.columns, max_columns - len(line)))
            below = min(max(cell.rows, 1), len(rows) - y) - 1
            used += width * (below + 1)
            is_over = used >= MAX_GRID_CELLS
            grid.is_cut = grid.is_cut or (is_over and width + below > 1 and bool(cell.text))
            repeats = len(cell.text) <= MAX_LABEL and not is_over
            for step in range(width):
                if step and len(line) in waiting:
                    break  # the file lets two cells cover one place; the earlier one keeps it
                if step:
                    grid.across.add((y, len(line)))
                if below:
                    waiting[len(line)] = (below, cell.text if repeats else "")
                    if step:
                        waiting[len(line)] = (-below, cell.text if repeats else "")
                line.append(cell.text if step == 0 or repeats else "")
        grid.rows.append(line)
        places += len(line)
        _refuse_beyond(places)
    return grid


def _refuse_beyond(places: int) -> None:
    if places > _MAX_PLACES:
        raise ParseError(
            "too_large",
            f"A table has more than {_MAX_PLACES:,} places, most of them covered by merged "
            "cells. Split it into smaller tables.",
        )


def _take_waiting(grid: Grid, waiting: dict[int, tuple[int, str]], line: list[str], y: int) -> None:
    """Put what reaches down into the next place; a negative count says: also from the left."""
    x = len(line)
    count, text = waiting.pop(x, (0, ""))
    if count:
        if text or not grid.is_cut:
            grid.down.add((y, x))
        if count < 0:
            grid.across.add((y, x))
        left = abs(count) - 1
        if left:
            waiting[x] = (left if count > 0 else -left, text)
    line.append(text)


def is_number(text: str) -> bool:
    """Whether a cell holds a number, an amount or a share; years are labels as well."""
    return bool(text and text[-1:] not in ":" and _NUMBER.match(text) and not _YEAR.match(text))


def grid_pieces(grid: Grid) -> Iterator[Piece]:
    """A table of a text document: its title lines, then the table under its header."""
    grid = without_empty(grid)
    start = 0
    while start < len(grid.rows) - 1 and len(grid.line(start)) == 1 and _width(grid) > 1:
        if not (grid.rows[start][0] and _is_title(grid, start)):
            break
        yield Piece("paragraph", grid.line(start)[0])
        start += 1
    rows = collapse_sections(grid, start)
    if not rows:
        return
    levels = header_levels(grid, start)
    header = join_levels([grid.rows[start + at] for at in range(levels)]) if levels > 1 else rows[0]
    yield from format_table([header, *rows[max(levels, 1) :]])


def _is_title(grid: Grid, at: int) -> bool:
    """A cell over the full width. A lone first cell is the header of the first column."""
    return all((at, x) in grid.across for x in range(1, len(grid.rows[at]))) and _width(
        grid
    ) == len(grid.rows[at])


def _width(grid: Grid) -> int:
    return max((len(row) for row in grid.rows), default=0)


def collapse_sections(grid: Grid, start: int) -> list[list[str]]:
    """Rows from `start` on; a label over a whole row stands in its first column only."""
    out = []
    for y in range(start, len(grid.rows)):
        row, line = grid.rows[y], grid.line(y)
        alone = (
            len(line) == 1
            and len(row) > 1
            and all((y, x) in grid.across for x in range(1, len(row)))
        )
        out.append([line[0], *([""] * (len(row) - 1))] if alone and y >= start + 1 else row)
    return out


def without_empty(grid: Grid) -> Grid:
    """The grid without rows and columns that have nothing of their own; rows all of one length."""
    width = _width(grid)
    rows = [y for y, row in enumerate(grid.rows) if any(row)]
    columns = [
        x
        for x in range(width)
        if any(
            x < len(row) and row[x] and (y, x) not in grid.across for y, row in enumerate(grid.rows)
        )
    ]
    row_at = {y: at for at, y in enumerate(rows)}
    column_at = {x: at for at, x in enumerate(columns)}
    return Grid(
        [[grid.rows[y][x] if x < len(grid.rows[y]) else "" for x in columns] for y in rows],
        sum(1 for y in rows if y < grid.headers),
        {(row_at[y], column_at[x]) for y, x in grid.across if y in row_at and x in column_at},
        {(row_at[y], column_at[x]) for y, x in grid.down if y in row_at and x in column_at},
    )


def header_levels(grid: Grid, start: int) -> int:
    """How many rows from `start` on are headers: those the file calls so, groups over names, units.

    A second row counts where a cell of the first spans columns and every other column has nothing
    of its own in the second.
    """
    levels = max(1, min(grid.headers - start, MAX_HEADER_ROWS))
    while levels < MAX_HEADER_ROWS and start + levels < len(grid.rows) - 1:
        if not (_is_sublevel(grid, start + levels) or _is_unit_line(grid, start + levels)):
            break
        levels += 1
    return levels


def _is_sublevel(grid: Grid, y: int) -> bool:
    above, row = grid.rows[y - 1], grid.rows[y]
    spans = {x for top, x in grid.across if top == y - 1 and (y, x) not in grid.down}
    if not spans:
        return False
    grouped = spans | {x - 1 for x in spans}
    for x, text in enumerate(row):
        if x in grouped:
            if not text or is_number(text):
                return False
        elif text and (y, x) not in grid.down and x < len(above) and above[x]:
            return False
    return len({row[x] for x in grouped}) > 1


def _is_unit_line(grid: Grid, y: int) -> bool:
    """Units under the names of columns: (kg), EUR, %; the rows below have numbers there."""
    row, below = grid.rows[y], grid.rows[y + 1]
    filled = [x for x, text in enumerate(row) if text and (y, x) not in grid.down]
    return (
        bool(filled)
        and all(
            _UNIT.match(row[x]) and x < len(below) and (is_number(below[x]) or not below[x])
            for x in filled
        )
        and any(is_number(below[x]) for x in filled)
    )


def join_levels(rows: Sequence[Sequence[str]]) -> list[str]:
    """One header out of several rows: `2024 / Q1`."""
    width = max(len(row) for row in rows)
    return [
        " / ".join(dict.fromkeys(squeeze(row[x]) for row in rows if x < len(row) and row[x]))
        for x in range(width)
    ]
