"""The tables of a document's text, and what stands above each of their rows. Pure.

Cut into passages, a row would stand without its header, and embedded as it is it would be mostly
punctuation. So each passage with table rows has a *table head*: the lines of its table that
stand above it and that its rows need. The head in front of the passage's text is a table again,
which a model can read; `table_rows` makes sentences of both, to embed.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from apps.chunking.spans import Span, find_lines
from apps.chunking.table_rows import (
    LABEL_CHARS,
    MAX_HEADER_ROWS,
    begin_row,
    describe_row,
    embedded_text,
    is_section,
    is_separator,
    is_title,
    read_header,
    shorten_label,
    split_cells,
)

CAPTION_CHARS = 200
CAPTION_LINES = 3
LOOK_BACK_CHARS = 1_000
MAX_HEAD_CHARS = 2_000
"""A header longer than this is not repeated: it would be most of every passage."""

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
        label = shorten_label(cells[0], LABEL_CHARS)
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


def row_texts(table: Table, text: str) -> Iterator[tuple[Span, list[str], str]]:
    """(span, cells, section label above) of each row of a table in the full text."""
    columns = len(table.names)
    section = split_cells(table.section)[0] if table.section else ""
    for start, end in table.rows:
        cells = split_cells(text[start:end])
        is_label = is_section(cells, columns)
        yield (start, end), cells, "" if is_label else section
        section = cells[0] if is_label else section


__all__ = ["Table", "Tables", "find_caption", "find_tables", "row_texts"]
