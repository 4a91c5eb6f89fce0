"""Tables in a document's text: where their rows stand, and what a row says in words. Pure.

Readers write tables as lines of cells between pipes, the header above a line of dashes. Cut into
passages, a row would stand without its header, and embedded as it is it would be mostly
punctuation. So each passage with table rows has a *table head*: the lines of its table that
stand above it and that its rows need. The head in front of the passage's text is a table again,
which a model can read; `describe_rows` turns both into sentences to embed and to index.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from apps.chunking.spans import Span, find_lines, strip_span

NAME_CHARS = 60
"""Of a column's name in front of a value. It is repeated in every row."""
LABEL_CHARS = 80
CAPTION_CHARS = 200
CAPTION_LINES = 3
LOOK_BACK_CHARS = 1_000
MAX_HEADER_ROWS = 3
MAX_HEAD_CHARS = 2_000
"""A header longer than this is not repeated: it would be most of every passage."""

_SEPARATOR = re.compile(r"\|(?:\s*:?-{3,}:?\s*\|)+\s*$")
_PIPE = re.compile(r"(?<!\\)\|")
_DIGIT = re.compile(r"\d")
_PERIOD = re.compile(
    r"(?:(?:FY|CY|Q[1-4]|H[12]|fiscal|year)\b.{0,20})?(?:19|20)\d\d\b.{0,12}$|FY\s?\d\d\W*$"
    r"|\d{1,3}[- ](?:weeks?|months?|days?)\b.{0,20}$"
    r"|.*\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s+\d{1,2}\b.{0,12}$",
    re.IGNORECASE,
)
_UNIT = re.compile(
    r"\((?![\d.,\s%]+\)).{1,40}\)$|(?:US|A|C)?[$€£¥%‰][’'’]?(?:000s?|m|bn|million|thousand)?$|in\b.{1,30}$"
    r"|(?:thousand|million|billion|EUR|USD|CHF|GBP|k€)s?\b.{0,20}$",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"(?:table|tabelle|tableau|tabla|exhibit|schedule|figure)\b", re.IGNORECASE)
_SENTENCE_START = re.compile(r"(?<=[.!?])\s+(?=[^\s])")


@dataclass(frozen=True, slots=True)
class Table:
    """A table in the full text.

    `rows` are the spans of its body's lines, `names` what each column is called, `head` its
    header as it stands in the text, with the line of dashes and a line end. `caption` is its
    title and unit. `section` is a label row that was carried over from the table before, which
    this one continues if `is_continued`.
    """

    start: int
    end: int
    rows: tuple[Span, ...]
    names: tuple[str, ...]
    head: str
    caption: str = ""
    section: str = ""
    is_continued: bool = False


class Tables:
    """The tables of a document, in order."""

    def __init__(self, text: str, tables: Sequence[Table]) -> None:
        self._text = text
        self._tables = list(tables)
        self._starts = [table.start for table in tables]

    def __bool__(self) -> bool:
        return bool(self._tables)

    def find(self, start: int) -> Table | None:
        """The table that begins at this offset."""
        at = bisect_right(self._starts, start) - 1
        return self._tables[at] if at >= 0 and self._starts[at] == start else None

    def around(self, offset: int) -> Table | None:
        """The table that the character at this offset lies in."""
        at = bisect_right(self._starts, offset) - 1
        return self._tables[at] if at >= 0 and offset < self._tables[at].end else None

    def head_of(self, start: int, end: int) -> str | None:
        """The table head of `full_text[start:end]`; None where no row of a table lies in it."""
        if (table := self.around(start)) is not None:
            return self._head_at(table, start)
        following = bisect_right(self._starts, start)
        if following < len(self._tables) and self._starts[following] < end:
            return ""
        return None

    def _head_at(self, table: Table, offset: int) -> str:
        if offset <= table.start:
            return f"{table.head}{table.section}\n" if table.section else ""
        number = bisect_right(table.rows, (offset, offset)) - 1
        if number + 1 < len(table.rows) and table.rows[number + 1][0] == offset:
            number += 1
        if number < 0:
            return table.head  # inside a header that is too long for one passage
        start, end = table.rows[number]
        head = table.head
        if section := self._section_above(table, number):
            head += f"{section}\n"
        if start < offset < end:
            head += begin_row(self._text[start:offset])
        return head

    def _section_above(self, table: Table, number: int) -> str:
        columns = len(table.names)
        for at in range(number, -1, -1):
            line = self._text[slice(*table.rows[at])]
            if is_section(split_cells(line), columns):
                return "" if at == number else line
        return table.section

    def label_of(self, start: int) -> str:
        """What the row that begins at this offset is called, with the label above its section."""
        table = self.around(start)
        if table is None:
            return ""
        number = bisect_right(table.rows, (start, start))
        cells = split_cells(self._text[slice(*table.rows[min(number, len(table.rows) - 1)])])
        section = self._section_above(table, number) if number < len(table.rows) else ""
        label = _shorten(cells[0], LABEL_CHARS)
        return describe_row(table.names, [label], split_cells(section)[0] if section else "")

    def text_of(self, start: int, end: int) -> str:
        """What is embedded of `full_text[start:end]`: its table rows in words."""
        return embedded_text(self._text[start:end], self.head_of(start, end))


def find_tables(pages: Sequence[tuple[int, Sequence[Sequence[object]]]], text: str) -> Tables:
    """The tables among the (start, blocks) of a document's pages; `text` is its full text.

    A block that is not written as a header over a line of dashes, or whose header is longer than
    MAX_HEAD_CHARS, is not taken for one: its lines stay as they are.
    """
    tables: list[Table] = []
    for page_start, blocks in pages:
        border = page_start
        for block in sorted(blocks, key=lambda block: _number(block[2])):
            start, end = page_start + _number(block[2]), page_start + _number(block[3])
            if block[0] == "table" and (table := _read(text, start, min(end, len(text)), border)):
                tables.append(_continue(tables[-1], table, text) if tables else table)
            if block[0] != "paragraph":
                border = max(border, end)
    return Tables(text, tables)


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _read(text: str, start: int, end: int, border: int) -> Table | None:
    lines = list(find_lines(text, start, end))
    if len(lines) < 3 or not is_separator(text[slice(*lines[1])]):
        return None
    texts = [text[slice(*line)] for line in lines[: MAX_HEADER_ROWS + 2]]
    if not texts[0].startswith("|"):
        return None
    names, used = read_header(texts)
    head = text[lines[0][0] : lines[used - 1][1]] + "\n"
    if len(head) > MAX_HEAD_CHARS:
        return None
    caption = find_caption(text[max(border, start - LOOK_BACK_CHARS) : start])
    top = split_cells(texts[0])
    if used > 2 and is_title(top):
        caption = ", ".join(filter(None, (caption, top[0])))
    return Table(
        start=lines[0][0], end=lines[-1][1], rows=tuple(lines[used:]), names=tuple(names),
        head=head, caption=caption,
    )  # fmt: skip


def _continue(before: Table, table: Table, text: str) -> Table:
    """A long table comes in parts, each under the same header: they share caption and section."""
    if before.head != table.head or text[before.end : table.start].strip():
        return table
    section, columns = before.section, len(before.names)
    for start, end in reversed(before.rows):
        if is_section(split_cells(text[start:end]), columns):
            section = text[start:end]
            break
    return replace(table, caption=before.caption, section=section, is_continued=True)


def find_caption(above: str) -> str:
    """Title and unit of a table out of the text above it: `Sales by zone, in CHF million`.

    Short lines that are no sentences, a numbered caption, or a sentence that ends with a colon.
    """
    kept: list[str] = []
    for line in reversed(above.splitlines()):
        line = " ".join(line.split())
        if not line:
            continue
        if line.endswith(":"):
            line = _SENTENCE_START.split(line)[-1]
        is_title = _NUMBERED.match(line) or line[-1] not in ".!?;"
        if len(kept) == CAPTION_LINES or len(line) > CAPTION_CHARS or not is_title:
            break
        kept.append(line.rstrip(":."))
        if line.endswith(":"):
            break
    return ", ".join(reversed(kept))


def is_separator(line: str) -> bool:
    """Whether a line parts a header from its rows."""
    return line.startswith("|") and _SEPARATOR.match(line) is not None


def split_cells(line: str) -> list[str]:
    """The texts of a row's cells, without the backslash before a pipe of their own."""
    parts = _PIPE.split(line)
    if parts and not parts[0].strip():
        del parts[0]
    if len(parts) > 1 and not parts[-1].strip():
        del parts[-1]
    return [part.strip().replace("\\|", "|") for part in parts]


def cut_cells(line: str) -> list[tuple[int, int, int]]:
    """(column, start, end) of each cell of a row that holds something.

    A cell reaches up to the next one, so that nothing of the row is left out; the first also has
    the pipe before it.
    """
    borders = [*(match.end() for match in _PIPE.finditer(line)), len(line)]
    filled = [
        (column, strip_span(line, start, end)[0])
        for column, (start, end) in enumerate(pairwise(borders))
        if line[start:end].strip(" |")
    ]
    starts = [0, *(start for _, start in filled[1:]), len(line)]
    return [
        (column, *strip_span(line, starts[number], starts[number + 1]))
        for number, (column, _) in enumerate(filled)
    ]


def begin_row(before: str) -> str:
    """The beginning of a row of which `before` has been cut off: its label, then empty cells."""
    pipes = len(_PIPE.findall(before))
    if pipes < 2:
        return "| "
    label = _PIPE.split(before)[1].strip()
    return f"| {_shorten(label, LABEL_CHARS)} |{'  |' * (pipes - 2)} "


def read_header(lines: Sequence[str]) -> tuple[list[str], int]:
    """The columns' names, and how many lines they take. The second line is one of dashes.

    Rows below it with only years, periods, units or words are header rows too, if they have no
    label. A title over the whole table is no name of a column.
    """
    levels = [split_cells(lines[0])]
    used = 2
    for line in lines[2:-1]:
        cells = split_cells(line)
        if len(levels) == MAX_HEADER_ROWS or not _is_sublevel(cells, levels):
            break
        levels.append(cells)
        used += 1
    return _join(levels[is_title(levels[0]) and len(levels) > 1 :]), used


def _is_sublevel(cells: Sequence[str], levels: Sequence[Sequence[str]]) -> bool:
    label, filled = cells[0], [cell for cell in cells[1:] if cell]
    if not filled or any(len(cell) > NAME_CHARS for cell in filled):
        return False
    if all(_UNIT.match(cell) for cell in filled):
        return True
    is_open = not levels[0][0] or is_title(levels[0])
    may_name = not label or _UNIT.match(label) or (label.endswith(":") and len(filled) > 1)
    return bool(is_open and may_name) and all(
        _PERIOD.match(cell) or _UNIT.match(cell) or not _DIGIT.search(cell) for cell in filled
    )


def is_title(cells: Sequence[str]) -> bool:
    """Whether the first line of a header is a title over the whole table."""
    return len(cells) > 2 and bool(cells[0]) and not any(cells[1:])


def _join(levels: Sequence[Sequence[str]]) -> list[str]:
    width = max(map(len, levels))
    rows = [[*level, *[""] * (width - len(level))] for level in levels]
    if len(rows) > 1:
        rows = [_spread(row, rows) for row in rows]
    columns = (dict.fromkeys(row[x] for row in rows if row[x]) for x in range(width))
    return [" ".join(" ".join(column).split()) for column in columns]


def _spread(row: list[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A label that stands once belongs to all columns; of several, each to those on its right."""
    filled = [x for x, text in enumerate(row) if text]
    others = [other for other in rows if other is not row]
    named = [any(other[x] for other in others) for x in range(len(row))]
    if len(filled) == 1 and filled[0] > 0 and len(row) > 2:
        label = row[filled[0]]
        return [label if x and (row[x] or named[x]) else "" for x in range(len(row))]
    if row is rows[-1]:
        return row
    spread, label = [], ""
    for x, text in enumerate(row):
        label = text or (label if x and named[x] else "")
        spread.append(label)
    return spread


def is_section(cells: Sequence[str], columns: int) -> bool:
    """Whether a row is a label for the rows below it: it has a first cell and nothing else."""
    if not cells or not cells[0] or any(cells[1:]):
        return False
    return columns > 2 or (columns == 2 and cells[0].endswith(":"))


def name_cell(names: Sequence[str], column: int) -> str:
    """The name of a column in front of its values; empty if it has none."""
    return _shorten(names[column], NAME_CHARS) if column < len(names) else ""


def describe_row(names: Sequence[str], cells: Sequence[str], section: str = "") -> str:
    """A row in words: `Zone NA: Sales 12,553; Growth 3.1%`."""
    label = f"{name_cell(names, 0)} {cells[0]}".strip() if cells[0] else ""
    pairs = [
        f"{name_cell(names, x)} {cell}".lstrip()
        for x, cell in enumerate(cells[1:], start=1)
        if cell
    ]
    above = section.rstrip(": ")
    lead = ", ".join(part for part in (above, label.rstrip(": ")) if part)
    if not pairs:
        return lead
    return f"{lead}: {'; '.join(pairs)}" if lead else "; ".join(pairs)


def describe_rows(text: str, head: str) -> str:
    """Table rows in words, a line each, under the header in `head` or in the text itself.

    Lines of other text stay as they are. Nothing of `head` becomes a line of its own.
    """
    lines = f"{head}{text}".split("\n")
    told = head.count("\n")
    out: list[str] = []
    names: list[str] = []
    unused: list[str] = []
    section = ""
    at = 0
    while at < len(lines):
        line = lines[at]
        if not line.startswith("|"):
            if line.strip() and at > told:
                names, section = [], ""
            out += [line] if at >= told else []
        elif at + 1 < len(lines) and is_separator(lines[at + 1]):
            out += _list_names(unused)
            # The head ends where the header does; a row of the text must not be taken for more.
            header = [*lines[at:told], ""] if at < told else lines[at : at + MAX_HEADER_ROWS + 2]
            before, (names, used) = names, read_header(header)
            unused = names if at >= told else []
            section = section if names == before else ""
            at += used
            continue
        elif not is_separator(line):
            cells = split_cells(line)
            is_label = is_section(cells, len(names))
            if at >= told and cells:
                out.append(describe_row(names, cells, "" if is_label else section))
                unused = []
            section = cells[0] if is_label else section
        at += 1
    return "\n".join([*out, *_list_names(unused)])


def _list_names(names: Sequence[str]) -> list[str]:
    """A header under which no row follows still says what the table is about."""
    return ["; ".join(filter(None, names))] if any(names) else []


def quote_rows(text: str, head: str | None, start: int, end: int) -> str:
    """`text[start:end]` with table rows in words; `head` is the text's table head, if any."""
    if head is None:
        return text[start:end]
    return describe_rows(text[start:end], head + text[:start])


def embedded_text(text: str, head: str | None) -> str:
    """What is embedded and indexed of a passage's text; `head` is its table head, if any."""
    return text if head is None else describe_rows(text, head)


def readable_text(text: str, head: str | None) -> str:
    """What a model reads of a passage: its rows under the header of their table."""
    return f"{head}{text}" if head else text


def _shorten(text: str, chars: int) -> str:
    return text if len(text) <= chars else text[: chars - 1].rstrip() + "…"


def row_texts(table: Table, text: str) -> Iterator[tuple[Span, list[str], str]]:
    """(span, cells, section label above) of each row of a table in the full text."""
    columns = len(table.names)
    section = split_cells(table.section)[0] if table.section else ""
    for start, end in table.rows:
        cells = split_cells(text[start:end])
        is_label = is_section(cells, columns)
        yield (start, end), cells, "" if is_label else section
        section = cells[0] if is_label else section


__all__ = [
    "Table", "Tables", "cut_cells", "describe_row", "describe_rows", "embedded_text",
    "find_caption", "find_tables", "is_section", "name_cell", "quote_rows", "readable_text",
    "row_texts", "split_cells",
]  # fmt: skip
