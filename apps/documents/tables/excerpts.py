"""A passage where there is little room: its words, and the rows that are meant. Pure."""

from __future__ import annotations

from apps.documents.source import Segment, lay_out_segments
from apps.documents.tables.finding import find_tables
from apps.documents.tables.layout import (
    Content,
    LaidCell,
    LaidRow,
    LaidTable,
    Prose,
    shorten,
)

MAX_ROWS = 4
MAX_CELL_CHARS = 160


def lay_out_excerpt(
    text: str,
    *,
    head: str | None = None,
    start: int = 0,
    end: int | None = None,
    max_chars: int,
    max_rows: int = MAX_ROWS,
) -> Content[Segment]:
    """The characters `start` to `end` of a passage in brief: prose, and of tables the header with
    the rows that are meant.

    `head` is the header of the table whose rows the passage begins with, where it was cut below it.
    Prose is on one line and at most `max_chars` characters long, a table has `max_rows` rows.
    Where only a part of the passage is meant, its cells are marked.
    """
    last = len(text) if end is None else end
    pieces = [
        (head or "", False),
        (text[:start], False),
        (text[start:last], True),
        (text[last:], False),
    ]
    whole = f"{head or ''}{text}"
    segments = [Segment(piece, is_marked=is_meant) for piece, is_meant in pieces if piece]
    is_part = start > 0 or last < len(text)
    room = max_chars
    content: list[Prose[Segment] | LaidTable[Segment]] = []
    for part in lay_out_segments(segments, find_tables(whole)):
        if isinstance(part, LaidTable):
            table = _abridge_table(part, max_rows=max_rows, keeps_marks=is_part)
            content += [table] if table else []
            continue
        words = " ".join("".join(run.text for run in part.runs if run.is_marked).split())
        if words and room > 0:
            content.append(Prose((Segment(shorten(words, room)),)))
            room -= len(words)
    return tuple(content)


def _abridge_table(
    table: LaidTable[Segment], *, max_rows: int, keeps_marks: bool
) -> LaidTable[Segment] | None:
    """The rows that hold a mark, below the header; None without one."""

    def has_mark(row: LaidRow[Segment]) -> bool:
        return any(run.is_marked for cell in row.cells for run in cell.runs)

    def abridge(row: LaidRow[Segment], *, keeps_marks: bool) -> LaidRow[Segment]:
        return LaidRow(tuple(_abridge_cell(cell, keeps_marks=keeps_marks) for cell in row.cells))

    rows = [row for row in table.rows if has_mark(row)]
    if not rows and not (table.header and has_mark(table.header)):
        return None
    return LaidTable(
        abridge(table.header, keeps_marks=keeps_marks and not rows) if table.header else None,
        tuple(abridge(row, keeps_marks=keeps_marks) for row in rows[:max_rows]),
        num_hidden=max(len(rows) - max_rows, 0),
    )


def _abridge_cell(cell: LaidCell[Segment], *, keeps_marks: bool) -> LaidCell[Segment]:
    room = MAX_CELL_CHARS
    runs = []
    for run in cell.runs:
        text = shorten(run.text, room)
        room = max(room - len(run.text), 0)
        if text:
            runs.append(Segment(text, is_marked=run.is_marked and keeps_marks))
    return LaidCell(tuple(runs), is_marked=cell.is_marked and keeps_marks)
