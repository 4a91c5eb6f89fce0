"""Tables as grids: merged cells spread out, title lines told from headers, headers put together."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from parsing.text import Piece, format_table, squeeze

MAX_LABEL = 200
"""A merged cell with more characters is a text, not a label, and is not repeated."""

_NOTHING = frozenset(("", "-", "\u2013", "\u2014", "..", "n/a", "N/A", "n.a.", "#N/A"))
MAX_GRID_CELLS = 2_000_000
_MAX_GAP_ROWS = 50_000
_MAX_PREAMBLE = 12
_MAX_HEADER_ROWS = 3
_NOTE_CHARS = 30
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
    `across` has the places that repeat the cell to their left, `down` the one above.
    """

    rows: list[list[str]]
    headers: int = 0
    across: set[tuple[int, int]] = field(default_factory=set)
    down: set[tuple[int, int]] = field(default_factory=set)

    def line(self, at: int) -> list[str]:
        """Texts of a row, each merged cell once."""
        row = self.rows[at]
        return [text for x, text in enumerate(row) if text and (at, x) not in self.across]


def spread(rows: Sequence[Sequence[Cell]], *, headers: int = 0, max_columns: int = 2_000) -> Grid:
    """A grid in which each place that a merged cell covers has its label.

    Cells of later rows keep to the right of what reaches down into their row. Places beyond
    `max_columns` or below the last row are not made.
    """
    grid = Grid([], headers)
    waiting: dict[int, tuple[int, str]] = {}
    used = 0
    for y, cells in enumerate(rows):
        line: list[str] = []
        for cell in [*cells, None]:
            while len(line) in waiting or (cell is None and waiting and len(line) <= max(waiting)):
                _take_waiting(grid, waiting, line, y)
            if cell is None or len(line) >= max_columns:
                continue
            width = max(1, min(cell.columns, max_columns - len(line)))
            below = min(max(cell.rows, 1), len(rows) - y) - 1
            used += width * (below + 1)
            repeats = len(cell.text) <= MAX_LABEL and used < MAX_GRID_CELLS
            for step in range(width):
                if step and len(line) in waiting:
                    break  # the file lets two cells cover one place; the earlier one keeps it
                if step:
                    grid.across.add((y, len(line)))
                if below and used < MAX_GRID_CELLS:
                    waiting[len(line)] = (below, cell.text if repeats else "")
                    if step:
                        waiting[len(line)] = (-below, cell.text if repeats else "")
                line.append(cell.text if step == 0 or repeats else "")
        grid.rows.append(line)
    return grid


def _take_waiting(grid: Grid, waiting: dict[int, tuple[int, str]], line: list[str], y: int) -> None:
    """Put what reaches down into the next place; a negative count says: also from the left."""
    x = len(line)
    count, text = waiting.pop(x, (0, ""))
    if count:
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
    rows = _collapse_sections(grid, start)
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


def _collapse_sections(grid: Grid, start: int) -> list[list[str]]:
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
    levels = max(1, min(grid.headers - start, _MAX_HEADER_ROWS))
    while levels < _MAX_HEADER_ROWS and start + levels < len(grid.rows) - 1:
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


@dataclass(slots=True)
class SheetTables:
    """Turns the rows of a sheet into titles, notes and tables.

    Tables are parted by empty rows. What follows an empty row without a header of its own, in the
    same columns, goes on under the header before it.
    """

    header: dict[int, str] = field(default_factory=dict)
    pending: list[Piece] = field(default_factory=list)

    def pieces(self, rows: Sequence[tuple[int, dict[int, str]]], merged: Merges) -> Iterator[Piece]:
        """Pieces of a sheet. `rows` are (row number, texts by column), in order.

        A row without any text is one that is hidden or covered: it parts nothing.
        """
        block: list[tuple[int, dict[int, str]]] = []
        last = -1
        for at, row in rows:
            if block and at != last + 1:
                yield from self._block(block, merged)
                block = []
            if row:
                block.append((at, row))
            last = at
        if block:
            yield from self._block(block, merged)
        yield from self._flush()

    def _flush(self) -> Iterator[Piece]:
        """A header for which no table came is a line of its own."""
        yield from self.pending
        self.pending = []

    def _block(self, block: list[tuple[int, dict[int, str]]], merged: Merges) -> Iterator[Piece]:
        left, right = part_sideways(block)
        if right:
            yield from self._block(left, merged)
            yield from self._block(right, merged)
            return
        columns = sorted({x for _, row in block for x in row})
        grid = Grid([[row.get(x, "") for x in columns] for _, row in block])
        for y, (at, _) in enumerate(block if merged.across or merged.down else ()):
            grid.across |= {(y, i) for i, x in enumerate(columns) if (at, x) in merged.across}
            grid.down |= {(y, i) for i, x in enumerate(columns) if (at, x) in merged.down}
        start = find_header(grid)
        end = _end_of_table(grid, start)
        group: list[str] = []
        if start:
            yield from self._flush()
        for y in range(start):
            line = grid.line(y)
            if y == start - 1 and end - start > 1:
                group = _group_labels(grid, y)
                if group:
                    continue
            if line:
                yield Piece("paragraph", join_line(line))
        yield from self._table(grid, columns, start, end, group)
        if end < len(grid.rows):
            yield from self._flush()
        for y in range(end, len(grid.rows)):
            yield Piece("paragraph", join_line(grid.line(y)))

    def _table(
        self, grid: Grid, columns: list[int], start: int, end: int, group: list[str]
    ) -> Iterator[Piece]:
        rows = _collapse_sections(Grid(grid.rows[:end], 0, grid.across, grid.down), start)
        if not rows:
            return
        if _is_body(grid, start, end):
            known = set(columns) <= set(self.header) and len(columns) > 1
            if known:
                self.pending = []
            yield from self._flush()
            if known or len(rows) > 2:
                header = [self.header[x] if known else column_letters(x) for x in columns]
                yield from format_table([header, *rows])
                return
        yield from self._flush()
        levels = header_levels(grid, start) if len(rows) > 2 else 1
        tops = [group] if group else []
        header = join_levels([*tops, *grid.rows[start : start + levels]])
        table = list(format_table([header, *rows[levels:]]))
        if _are_names(rows):
            self.header = dict(zip(columns, join_levels(rows), strict=True))
            self.pending = table
            return
        self.header = dict(zip(columns, header, strict=True)) if len(rows) > 1 else self.header
        yield from table


def _are_names(rows: list[list[str]]) -> bool:
    """Whether rows may be a header whose table follows after an empty row."""
    if len(rows) > _MAX_HEADER_ROWS or any(row[0] for row in rows[1:]):
        return False
    return not any(is_number(text) for row in rows for text in row)


@dataclass(slots=True)
class Merges:
    """Places of a sheet that repeat the cell to their left or above them."""

    across: set[tuple[int, int]] = field(default_factory=set)
    down: set[tuple[int, int]] = field(default_factory=set)


Block = list[tuple[int, dict[int, str]]]


def part_sideways(block: Block) -> tuple[Block, Block]:
    """Two tables side by side, parted by empty columns, where the right one begins further down.

    The right part is empty where there is only one table: an empty column may also be mere space.
    """
    columns = sorted({x for _, row in block for x in row})
    gaps = [(a, b) for a, b in itertools.pairwise(columns) if b > a + 1]
    if len(gaps) * len(block) > _MAX_GAP_ROWS:
        return block, []
    for before, after in gaps:
        right = [(at, {x: row[x] for x in row if x >= after}) for at, row in block]
        right = [(at, row) for at, row in right if row]
        left = [(at, {x: row[x] for x in row if x <= before}) for at, row in block]
        left = [(at, row) for at, row in left if row]
        first = next((at for at, row in left if len(row) > 1), left[0][0])
        names = list(right[0][1].values())
        apart = right[0][0] >= first + 2 and len(right) > 2
        if apart and len(names) > 1 and not any(is_number(name) for name in names):
            return left, right
    return block, []


def find_header(grid: Grid) -> int:
    """The row with which the table itself begins; title, unit and note lines stand above it."""
    counts = [len(grid.line(y)) for y in range(min(len(grid.rows), 200))]
    filled = [sum(1 for text in row if text) for row in grid.rows[:200]]
    typical = sorted(filled)[(len(filled) * 3) // 4]
    needed = max(2, -(-typical * 3 // 5))
    for y in range(min(len(counts), _MAX_PREAMBLE)):
        is_wide = filled[y] >= needed or (counts[y] > 2 and not _may_be_group(grid, y))
        if is_wide and counts[y] > 1:
            return y
        if filled[y] > 1 and counts[y] > 1 and y + 1 == len(counts):
            return y
    return (
        0 if counts and counts[0] > 1 else min(1, len(counts)) if max(counts) > 1 else len(counts)
    )


def _end_of_table(grid: Grid, start: int) -> int:
    """Where the table ends: long lines of a single cell at the bottom are notes about it."""
    end = len(grid.rows)
    while end > start + 1:
        line = grid.line(end - 1)
        if len(line) != 1 or (len(line[0]) < _NOTE_CHARS and not line[0].startswith("*")):
            break
        end -= 1
    return end


def _may_be_group(grid: Grid, y: int) -> bool:
    """A row with gaps, also in its first column, over a fuller one."""
    row = grid.rows[y]
    if y + 1 == len(grid.rows) or row[0]:
        return False
    return sum(1 for text in grid.rows[y + 1] if text) > sum(1 for text in row if text)


def _group_labels(grid: Grid, y: int) -> list[str]:
    """Labels over groups of columns that stand in the first column of each group, without merging.

    Taken for groups where the names below repeat (Q1, Q2, Q1, Q2); else no labels are returned.
    """
    row, names = grid.rows[y], grid.rows[y + 1]
    if len(grid.line(y)) < 2 or row[0] or any(is_number(name) for name in names):
        return []
    first = next(x for x, text in enumerate(row) if text)
    if len(set(names[first:])) == len(names[first:]):
        return []
    labels, label = [""] * len(row), ""
    for x in range(first, len(row)):
        label = row[x] or label
        labels[x] = label
    return labels


def _is_body(grid: Grid, start: int, end: int) -> bool:
    """Whether the first row is data already: a number in a column of numbers.

    Numbers beside an empty corner, or counted up in even steps, are names of columns.
    """
    row = grid.rows[start]
    if not row[0] or _counts_up(row[1:]):
        return False
    for x, text in enumerate(row):
        if not is_number(text):
            continue
        below = [grid.rows[y][x] for y in range(start + 1, min(end, start + 50))]
        if all(is_number(value) for value in below if value not in _NOTHING):
            return True
    return False


def _counts_up(texts: list[str]) -> bool:
    if len(texts) < 3 or not all(re.fullmatch(r"\d{1,6}", text) for text in texts):
        return False
    steps = {int(after) - int(before) for before, after in itertools.pairwise(texts)}
    return len(steps) == 1 and steps.pop() > 0


def column_letters(index: int) -> str:
    """The name of a column, counted from 0: A, B, ... AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def join_line(cells: Sequence[str]) -> str:
    """Cells of a line that is no table row: `Unit: kEUR`."""
    if len(cells) == 2:
        first = cells[0].rstrip()
        return f"{first} {cells[1]}" if first.endswith((":", "=")) else f"{first}: {cells[1]}"
    return " | ".join(cells)
