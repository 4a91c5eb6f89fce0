"""Tables inside of a document's text: where they stand, down to the cell. Pure.

Readers write a table as one line for each row, with bars around the cells (`| a | b |`) or, where
a PDF draws no lines, with tabs between them. All offsets count characters of the text that comes
in, so what is known about characters, such as what an answer cites, is known about cells as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

_BAR = re.compile(r"(?<!\\)\|")
_RULE_CELL = re.compile(r":?-+:?")
_LINE = re.compile(r"[^\n]+")
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Cell:
    """The characters `start` to `end`, without white space around them; equal if it is blank."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Table:
    """The characters `start` to `end`. Every row has as many cells as the header, if there is one.

    Only a line of dashes says that the row above it names the columns; without one there is no
    `header`. Of a table that was cut, the columns that are missing are blank cells.
    """

    start: int
    end: int
    header: tuple[Cell, ...] | None
    rows: tuple[tuple[Cell, ...], ...]

    def iter_cells(self) -> Iterator[Cell]:
        """All cells in the order of the text."""
        for row in (self.header or (), *self.rows):
            yield from row


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of the text. `bars` are the positions of the bars that no backslash precedes."""

    start: int
    end: int
    text: str
    bars: tuple[int, ...]

    @property
    def opens(self) -> bool:
        """Whether it begins with a bar."""
        return bool(self.bars) and not self.text[: self.bars[0] - self.start].strip()

    @property
    def closes(self) -> bool:
        """Whether a bar ends it."""
        return bool(self.bars) and not self.text[self.bars[-1] + 1 - self.start :].strip()

    @property
    def is_row(self) -> bool:
        return self.opens and self.closes and len(self.bars) > 1

    @property
    def has_columns(self) -> bool:
        """Whether a tab stands between two words of it."""
        return "\t" in self.text.strip()


def find_tables(
    text: str, *, known: Iterable[Span] = (), opaque: Iterable[Span] = ()
) -> list[Table]:
    """The tables of a text, in order.

    `known` are the places that a reader calls tables and `opaque` those that are none whatever
    they look like, such as code. Both may reach beyond the text, whose first and last line may
    therefore be parts of lines. Everywhere else, rows are told by their bars or tabs.
    """
    size = len(text)
    places = [(start, end, True) for start, end in known]
    places += [(start, end, False) for start, end in opaque]
    tables: list[Table] = []
    done = 0
    for start, end, is_table in sorted(places):
        if end <= done or start >= size:
            continue
        tables += _detect(text, done, max(start, done))
        done, first = min(end, size), max(start, done)
        table = _read_block(text, first, done) if is_table else None
        if table is not None:
            tables.append(table)
    return [*tables, *_detect(text, done, size)]


def show_cell(text: str, start: int, end: int) -> str:
    """The characters `start` to `end` as people read them: without the backslashes before bars."""
    if text[start:end].endswith("\\") and text[end : end + 1] == "|":
        end -= 1
    return text[start:end].replace("\\|", "|")


def _find_lines(text: str, start: int, end: int) -> list[_Line]:
    lines = []
    for match in _LINE.finditer(text, start, end):
        first, last = match.span()
        bars = tuple(bar.start() for bar in _BAR.finditer(text, first, last))
        lines.append(_Line(first, last, match.group(), bars))
    return lines


def _read_block(text: str, start: int, end: int) -> Table | None:
    """What a reader calls a table; None where it has a single column and no bars."""
    lines = [line for line in _find_lines(text, start, end) if line.text.strip()]
    if any(line.opens or line.closes for line in lines):
        return _read_bars(lines)
    return _read_tabs(lines) if any("\t" in line.text for line in lines) else None


def _detect(text: str, start: int, end: int) -> Iterator[Table]:
    """Tables that only their bars or tabs give away."""
    lines = _find_lines(text, start, end)
    at = 0
    while at < len(lines):
        count = _count_rows(lines, at, size=len(text))
        if count:
            yield _read_bars(lines[at : at + count])
        else:
            count = _count(lines, at, lambda line: line.has_columns)
            if count >= 2:
                yield _read_tabs(lines[at : at + count])
        at += count or 1


def _count_rows(lines: Sequence[_Line], at: int, *, size: int) -> int:
    """How many lines from `at` on are rows of one table with bars; 0 if there is none.

    The first and the last line of a text may be a part of a row, if whole rows stand beside them.
    """
    first = lines[at]
    is_cut = first.start == 0 and first.closes and not first.is_row
    count = _count(lines, at + is_cut, lambda line: line.is_row)
    if not count:
        return 0
    after = at + is_cut + count
    if after < len(lines) and _follows(lines, after):
        last = lines[after]
        if last.end == size and last.opens:
            return count + is_cut + 1
    # Mathematics has bars around single things; a row has several cells, with space inside.
    is_single = count + is_cut == 1
    return 0 if is_single and (len(first.bars) < 3 or "| " not in first.text) else count + is_cut


def _count(lines: Sequence[_Line], at: int, fits: Callable[[_Line], bool]) -> int:
    """How many lines that follow one another directly fit, from `at` on."""
    end = at
    while end < len(lines) and fits(lines[end]) and (end == at or _follows(lines, end)):
        end += 1
    return end - at


def _follows(lines: Sequence[_Line], at: int) -> bool:
    """Whether no blank line stands before this one."""
    return lines[at].start == lines[at - 1].end + 1


def _read_bars(lines: Sequence[_Line]) -> Table:
    rows = [_cells_between_bars(line) for line in lines]
    rules = [_is_rule(line, row) for line, row in zip(lines, rows, strict=True)]
    width = max(len(row) for row in rows)
    # The upper edge may cut a row, and what is left of it are its last columns.
    if len(rows) > 1 and len(rows[0]) < width and not lines[0].opens:
        rows[0] = [*_blanks(rows[0][0].start, width - len(rows[0])), *rows[0]]
    has_header = len(rows) > 1 and rules[1]
    body = rows[2:] if has_header else rows[1:] if rules[0] else rows
    return Table(
        lines[0].start,
        lines[-1].end,
        _fill(rows[0], width) if has_header else None,
        tuple(_fill(row, width) for row in body),
    )


def _is_rule(line: _Line, cells: Sequence[Cell]) -> bool:
    """Whether it is the line of dashes below a header. A row may hold single dashes for nothing."""
    texts = [line.text[cell.start - line.start : cell.end - line.start] for cell in cells]
    return "---" in line.text and all(_RULE_CELL.fullmatch(text) for text in texts if text)


def _cells_between_bars(line: _Line) -> list[Cell]:
    edges = [*line.bars]
    if not line.opens:
        edges.insert(0, line.start - 1)
    if not line.closes:
        edges.append(line.end)
    return [_trim(line, left + 1, right) for left, right in pairwise(edges)]


def _read_tabs(lines: Sequence[_Line]) -> Table:
    rows = []
    for line in lines:
        tabs = [match.start() for match in re.finditer("\t", line.text)]
        edges = [line.start - 1, *(line.start + tab for tab in tabs), line.end]
        rows.append([_trim(line, left + 1, right) for left, right in pairwise(edges)])
    width = max(len(row) for row in rows)
    filled = tuple(_fill(row, width) for row in rows)
    return Table(lines[0].start, lines[-1].end, None, filled)


def _trim(line: _Line, start: int, end: int) -> Cell:
    raw = line.text[start - line.start : end - line.start]
    text = raw.strip()
    if not text:
        return Cell(start, start)
    first = start + raw.index(text)
    return Cell(first, first + len(text))


def _fill(row: Sequence[Cell], width: int) -> tuple[Cell, ...]:
    return (*row, *_blanks(row[-1].end, width - len(row)))


def _blanks(at: int, count: int) -> list[Cell]:
    return [Cell(at, at)] * count
