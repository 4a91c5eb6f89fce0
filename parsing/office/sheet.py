"""A sheet as all readers of workbooks hand it on, and what merged cells mean in it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from parsing.grid import MAX_GRID_CELLS, MAX_LABEL
from parsing.inline import count_noun
from parsing.office.sheet_tables import Merges
from parsing.types import ParseError

MAX_CELLS = 5_000_000

Rows = list[tuple[int, dict[int, str]]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a sheet shows. `rows` are (row number, texts by column), counted from 0, in order."""

    name: str
    rows: Rows
    merges: Merges = field(default_factory=Merges)
    texts: list[str] = field(default_factory=list)
    note: str = ""


def merge_labels(
    rows: dict[int, dict[int, str]],
    ranges: Sequence[tuple[int, int, int, int]],
    *,
    hidden_columns: set[int],
) -> Merges:
    """Put the label of each merged range (top, left, bottom, right) into all places it covers.

    Only rows and columns that hold something of their own are filled. Where the first cell is
    hidden, its label still stands for what is shown, as it does on the screen.
    """
    merges = Merges()
    if not ranges:
        return merges
    used = sorted({x for row in rows.values() for x in row} - hidden_columns)
    numbers = sorted(rows)
    originals = set(rows)
    left_over = MAX_GRID_CELLS
    for top, left, bottom, right in ranges:
        label = rows.get(top, {}).get(left, "")
        if not label or len(label) > MAX_LABEL:
            continue
        columns = between(used, left, right)
        for y in between(numbers, top, bottom):
            left_over -= len(columns) + 1
            if left_over < 0:
                return merges
            for x in columns:
                rows[y][x] = label
                if x != columns[0]:
                    merges.across.add((y, x))
                if y != top:
                    merges.down.add((y, x))
        if bottom - top < 10_000:
            merges.down |= {(y, left) for y in range(top + 1, bottom + 1) if y not in originals}
    return merges


def between(numbers: list[int], first: int, last: int) -> list[int]:
    """Those of sorted numbers from `first` to `last`, both included."""
    return numbers[bisect_left(numbers, first) : bisect_right(numbers, last)]


def covered(numbers: set[int], spans: Sequence[tuple[int, int]]) -> set[int]:
    """Those of the numbers that lie in a span."""
    ordered = sorted(numbers)
    return {number for first, last in spans for number in between(ordered, first, last)}


def visible_rows(
    rows: dict[int, dict[int, str]],
    hidden_rows: set[int],
    hidden_columns: set[int],
    merges: Merges,
) -> Rows:
    """Rows in order without what is hidden; `rows` is used up.

    Rows that are hidden or only covered by a merged cell come without texts: they part nothing.
    """
    bridges = hidden_rows | {y for y, _ in merges.down if y not in rows}
    visible: Rows = []
    for at in sorted(rows.keys() | bridges):
        row = rows.pop(at, {})
        if at in hidden_rows:
            row = {}
        elif hidden_columns:
            row = {x: text for x, text in row.items() if x not in hidden_columns}
        visible.append((at, row))
    return visible


def hidden_sheets_note(names: list[str]) -> str:
    """The note on hidden sheets; empty if there are none."""
    if not names:
        return ""
    listed = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
    verb = "was" if len(names) == 1 else "were"
    return f"{count_noun(len(names), 'hidden sheet')} {verb} left out: {listed}."


def hidden_note(rows: int, columns: int, *, filtered: bool = False) -> str:
    """The note on hidden rows and columns; empty if there are none."""
    parts = [count_noun(rows, "hidden row")] if rows else []
    parts += [count_noun(columns, "hidden column")] if columns else []
    if not parts:
        return ""
    verb = "was" if rows + columns == 1 else "were"
    why = " (a filter is on in this sheet)" if filtered and rows else ""
    return f"{' and '.join(parts)} {verb} left out{why}."


def too_large() -> ParseError:
    """The error for a sheet with more cells than are read."""
    return ParseError(
        "too_large",
        f"This workbook has more than {MAX_CELLS:,} cells in one sheet. "
        "Split it into smaller files.",
    )
