"""A sheet as all readers of workbooks hand it on, and what merged cells mean in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from parsing.grid import MAX_GRID_CELLS, MAX_LABEL, Merges

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
    hidden_rows: set[int],
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
    left_over = MAX_GRID_CELLS
    originals = set(rows)
    for top, left, bottom, right in ranges:
        label = rows.get(top, {}).get(left, "")
        if not label or len(label) > MAX_LABEL:
            continue
        columns = [x for x in used if left <= x <= right]
        for y in _rows_between(originals, top, bottom):
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


def _rows_between(rows: set[int], top: int, bottom: int) -> Iterator[int]:
    if bottom - top > len(rows):
        return (y for y in sorted(rows) if top <= y <= bottom)
    return (y for y in range(top, bottom + 1) if y in rows)
