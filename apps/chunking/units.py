"""Reads pages into units: the sentences, rows and lines that chunks are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum

from apps.chunking.spans import (
    Span,
    cut_words,
    find_lines,
    find_paragraphs,
    find_sentences,
    strip_span,
)
from apps.chunking.table_rows import cut_cells, describe_row, name_cell
from apps.chunking.tables import Table, Tables, row_texts

CountTokens = Callable[[Sequence[str]], list[int]]
"""Tokens per text, without special ones. Counts of texts that blanks separate must add up."""

HEADING_CHARS = 80
PATH_CHARS = 300
TABLE_HEADER_CHARS = 120
LABEL_TOKENS = 60
"""The most that is kept free for the label of a row that is cut."""
CHARS_PER_TOKEN = 12
"""The most that one token is taken to cover: an unknown word is one token, however long."""


class Border(IntEnum):
    """How good a cut before a unit would be."""

    NEVER = 0
    INSIDE_WORD = 1
    WORD = 2
    SENTENCE = 3
    LINE = 4
    PARAGRAPH = 5
    PAGE = 6
    HEADING = 7


@dataclass(frozen=True, slots=True)
class PageText:
    """One page: where it starts in the full text, and its blocks [kind, level, start, end]."""

    number: int
    text: str
    start: int
    blocks: Sequence[Sequence[object]] = ()


@dataclass(slots=True)
class Unit:
    """`full_text[start:end]`, never cut. `size` is in tokens; `context` is its heading path.

    `kind` is that of its block: paragraph, heading, table, code or list. `words` is what is
    embedded of it, where that is not its text; `extra` are the tokens that a chunk which holds
    this unit needs besides, for the label of a row that is cut.
    """

    start: int
    end: int
    page: int
    border: Border
    context: int
    is_heading: bool = False
    level: int = 0
    is_prose: bool = False
    kind: str = "paragraph"
    size: int = 0
    tokens: int = 0
    words: str | None = None
    extra: int = 0


@dataclass(slots=True)
class UnitReader:
    """Reads the pages of one document. `contexts` are its heading paths, by number."""

    text: str
    cap: int
    count_tokens: CountTokens
    tables: Tables | None = None
    contexts: list[str] = field(default_factory=lambda: [""])
    _known: dict[str, int] = field(default_factory=lambda: {"": 0})
    _path: list[tuple[int, str]] = field(default_factory=list)

    def read(self, pages: Sequence[PageText]) -> list[Unit]:
        """All units in order, none larger than `cap`."""
        units: list[Unit] = []
        for page in pages:
            first = len(units)
            for kind, level, start, end in find_regions(page):
                units.extend(self._read_region(page, kind, level, start, end))
            if units and first < len(units) and units[first].border != Border.HEADING:
                units[first].border = Border.PAGE
        self._measure(units)
        return self._break_up(units)

    def _context(self, extra: str = "") -> int:
        path = join_path([title for _, title in self._path] + ([extra] if extra else []))
        if path not in self._known:
            self._known[path] = len(self.contexts)
            self.contexts.append(path)
        return self._known[path]

    def _read_region(
        self, page: PageText, kind: str, level: int, start: int, end: int
    ) -> Iterator[Unit]:
        if kind == "heading":
            yield from self._read_heading(page, level, start, end)
        elif kind == "table":
            yield from self._read_table(page, start, end)
        elif kind in ("code", "list"):
            yield from self._read_lines(page, start, end, is_prose=kind == "list")
        else:
            yield from self._read_prose(page, start, end)

    def _read_heading(self, page: PageText, level: int, start: int, end: int) -> Iterator[Unit]:
        start, end = strip_span(self.text, start, end)
        if start == end:
            return
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        title = " ".join(self.text[start:end].split())
        self._path.append((level, shorten(title, HEADING_CHARS)))
        yield Unit(
            start, end, page.number, Border.HEADING, self._context(), is_heading=True, level=level,
            kind="heading",
        )  # fmt: skip

    def _read_table(self, page: PageText, start: int, end: int) -> Iterator[Unit]:
        """The header, then rows, each measured by what it says in words.

        Where a block has no header over a line of dashes, its first row names the columns and
        becomes part of the context of the others.
        """
        first, _ = strip_span(self.text, start, end)
        if self.tables is not None and (table := self.tables.find(first)) is not None:
            yield from self._read_rows(page, table)
            return
        context, border = self._context(), Border.PARAGRAPH
        for index, (row_start, row_end) in enumerate(find_lines(self.text, start, end)):
            row_start, row_end = strip_span(self.text, row_start, row_end)
            if row_start == row_end:
                continue
            yield Unit(row_start, row_end, page.number, border, context, kind="table")
            border = Border.NEVER if index == 0 else Border.LINE
            if index == 0:
                header = " ".join(self.text[row_start:row_end].split())
                context = self._context(shorten(header, TABLE_HEADER_CHARS))

    def _read_rows(self, page: PageText, table: Table) -> Iterator[Unit]:
        context = self._context(shorten(table.caption, TABLE_HEADER_CHARS))
        # Its caption stands right above, and a table must not be cut off from it.
        border = Border.NEVER if table.caption and not table.is_continued else Border.PARAGRAPH
        header_end = table.start + len(table.head) - 1
        yield Unit(table.start, header_end, page.number, border, context, kind="table", words="")
        border = Border.NEVER
        for (start, end), cells, section in row_texts(table, self.text):
            words = describe_row(table.names, cells, section)
            yield Unit(start, end, page.number, border, context, kind="table", words=words)
            border = Border.LINE

    def _read_lines(
        self, page: PageText, start: int, end: int, *, is_prose: bool
    ) -> Iterator[Unit]:
        context = self._context()
        for part_start, part_end in find_paragraphs(self.text, start, end):
            border = Border.PARAGRAPH
            for line in find_lines(self.text, part_start, part_end):
                line_start, line_end = strip_span(self.text, *line)
                if line_start < line_end:
                    yield Unit(
                        line_start, line_end, page.number, border, context, is_prose=is_prose,
                        kind="list" if is_prose else "code",
                    )  # fmt: skip
                    border = Border.LINE

    def _read_prose(self, page: PageText, start: int, end: int) -> Iterator[Unit]:
        context = self._context()
        for part_start, part_end in find_paragraphs(self.text, start, end):
            border = Border.PARAGRAPH
            for sentence in find_sentences(self.text, part_start, part_end):
                unit_start, unit_end = strip_span(self.text, *sentence)
                if unit_start < unit_end:
                    yield Unit(unit_start, unit_end, page.number, border, context, is_prose=True)
                    border = Border.SENTENCE

    def _measure(self, units: Sequence[Unit]) -> None:
        counts = self.count_tokens(
            [
                self.text[unit.start : unit.end] if unit.words is None else unit.words
                for unit in units
            ]
        )
        for unit, tokens in zip(units, counts, strict=True):
            unit.tokens = tokens
            chars = 0 if unit.words == "" else unit.end - unit.start
            unit.size = max(tokens, -(-chars // CHARS_PER_TOKEN), 1)

    def _break_up(self, units: list[Unit]) -> list[Unit]:
        """Replace units that are too large for any chunk by their words."""
        if all(unit.size <= self.cap for unit in units):
            return units
        broken: list[Unit] = []
        pieces: list[Unit] = []
        for unit in units:
            if unit.size <= self.cap:
                broken.append(unit)
                continue
            words = list(self._cut(unit) if unit.words is None else self._cut_row(unit))
            pieces.extend(words)
            broken.extend(words)
        self._measure(pieces)
        return broken

    def _cut_row(self, unit: Unit) -> Iterator[Unit]:
        """The cells of a row; of one that is too large itself, the words.

        Each piece is embedded with the row's label, and a cell's words with the column's name.
        """
        table = self.tables.around(unit.start) if self.tables is not None else None
        if self.tables is None or table is None:
            yield from self._cut(unit)
            return
        line = self.text[unit.start : unit.end]
        cells = cut_cells(line)
        names = [name_cell(table.names, column) for column, _, _ in cells]
        words = [
            f"{name} {line[start:end]}".strip(" |")
            for name, (_, start, end) in zip(names, cells, strict=True)
        ]
        counts = self.count_tokens([*words, self.tables.label_of(unit.start), *names])
        above, over = counts[len(cells)], counts[len(cells) + 1 :]
        border = unit.border
        for number, (_, start, end) in enumerate(cells):
            cell = replace(unit, start=unit.start + start, end=unit.start + end, border=border)
            border = Border.LINE
            if above + counts[number] <= self.cap:
                yield replace(cell, words=words[number], extra=min(above, LABEL_TOKENS))
                continue
            for piece in self._cut(replace(cell, words=None)):
                yield replace(piece, extra=min(above + over[number], LABEL_TOKENS))

    def _cut(self, unit: Unit) -> Iterator[Unit]:
        border, previous = unit.border, -1
        for start, end in cut_words(self.text, unit.start, unit.end):
            if previous >= 0:
                border = Border.INSIDE_WORD if start == previous else Border.WORD
            yield Unit(
                start, end, unit.page, border, unit.context, is_prose=unit.is_prose, kind=unit.kind
            )
            previous = end


def find_regions(page: PageText) -> Iterator[tuple[str, int, int, int]]:
    """(kind, level, start, end) of the page's blocks and of the text between them, in full text."""
    position, length = 0, len(page.text)
    for block in sorted(page.blocks, key=lambda block: _offset(block, 2)):
        start = min(max(position, _offset(block, 2)), length)
        end = min(_offset(block, 3), length)
        if end <= start:
            continue
        if start > position:
            yield "paragraph", 0, page.start + position, page.start + start
        yield str(block[0]), _offset(block, 1), page.start + start, page.start + end
        position = end
    if position < length:
        yield "paragraph", 0, page.start + position, page.start + length


def _offset(block: Sequence[object], index: int) -> int:
    value = block[index]
    return value if isinstance(value, int) else 0


def shorten(text: str, chars: int) -> str:
    """At most `chars` characters, with an ellipsis where something is missing."""
    return text if len(text) <= chars else text[: chars - 1].rstrip() + "…"


def join_path(titles: Sequence[str]) -> str:
    """`Guide > Install > Linux`; a path that is too long loses its middle."""
    kept = list(titles)
    while len(kept) > 2 and sum(map(len, kept)) + 3 * len(kept) > PATH_CHARS:
        del kept[1]
    return " > ".join(kept)


def join_pages(texts: Sequence[str]) -> str:
    """The full text of a version: its pages with a blank line between them."""
    return "\n\n".join(texts)


__all__ = [
    "Border", "CountTokens", "PageText", "Span", "Unit", "UnitReader", "find_regions", "join_pages",
    "join_path", "shorten",
]  # fmt: skip
