"""Rows of a sheet as titles, notes and tables with their headers."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from parsing.grid import (
    MAX_HEADER_ROWS,
    NOTHING,
    Grid,
    collapse_sections,
    header_levels,
    is_number,
    join_levels,
)
from parsing.text import Piece, format_table

_MAX_GAP_ROWS = 50_000
_MAX_PREAMBLE = 12
_NOTE_CHARS = 30


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
        rows = collapse_sections(Grid(grid.rows[:end], 0, grid.across, grid.down), start)
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
            under = self._under_header(rows, columns)
            self.header = dict(zip(columns, join_levels(rows), strict=True))
            self.pending = under or table
            return
        self.header = dict(zip(columns, header, strict=True)) if len(rows) > 1 else self.header
        yield from table

    def _under_header(self, rows: list[list[str]], columns: list[int]) -> list[Piece]:
        """A lone row with gaps in the columns of the table before, under that table's header."""
        known = sorted(self.header)
        inner = [x for x in known if columns[0] <= x <= columns[-1]]
        if len(rows) != 1 or len(columns) < 2 or not set(columns) < set(inner):
            return []
        texts = dict(zip(columns, rows[0], strict=True))
        names = [self.header[x] for x in known]
        return list(format_table([names, [texts.get(x, "") for x in known]]))


def _are_names(rows: list[list[str]]) -> bool:
    """Whether rows may be a header whose table follows after an empty row."""
    if len(rows) > MAX_HEADER_ROWS or any(row[0] for row in rows[1:]):
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
        if all(is_number(value) for value in below if value not in NOTHING):
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
