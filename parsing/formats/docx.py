"""Word documents: body, tables, text boxes, headers, footers, notes and comments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from parsing.formats.common import emit
from parsing.grid import MAX_LABEL, Grid, grid_pieces
from parsing.inline import count_noun, join_notes
from parsing.markup import find_child, get_attribute, local_name
from parsing.office.charts import chart_pieces, diagram_pieces
from parsing.office.numbering import Numbering, read_numbering, unknown_kinds_note
from parsing.office.symbol_fonts import unknown_note
from parsing.office.word_styles import WordStyles, is_on, read_styles, value_of
from parsing.office.word_text import PAGE_BREAK, SKIPPED, WordText
from parsing.ooxml import Package
from parsing.source import Source
from parsing.text import Piece, squeeze
from parsing.types import Opened, ParsedPage

MAX_NESTING = 20
_MAX_SPAN = 200


def read(source: Source) -> Iterator[Opened | ParsedPage]:
    """Pages of a Word document, cut where Word last laid them out."""
    package = Package(source)
    main = package.main_part("word/document.xml")
    root = package.parse(main)
    reader = _open_reader(package, main)
    body = find_child(root, "body")
    pieces: list[Piece] = []
    pieces += _read_parts(package, main, "header", reader)
    if body is not None:
        reader.text.addresses = package.addresses(main)
        pieces += reader.walk(body)
    for part in package.related(main, "chart"):
        pieces += chart_pieces(package, part)
    for part in package.related(main, "diagramData"):
        pieces += diagram_pieces(package, part)
    pieces += _read_notes(package, main, reader)
    pieces += _read_parts(package, main, "footer", reader)
    metadata = package.properties()
    metadata["note"] = reader.note()
    yield from emit(source, pieces, title=metadata.get("title", ""), metadata=metadata)


def _open_reader(package: Package, main: str) -> _Reader:
    styles, numbering = WordStyles(), Numbering()
    for part in package.related(main, "styles"):
        styles = read_styles(package.parse_optional(part))
    for part in package.related(main, "numbering"):
        root = package.parse_optional(part)
        numbering = read_numbering(root) if root is not None else numbering
    return _Reader(styles, numbering, WordText(styles))


def _read_parts(package: Package, main: str, kind: str, reader: _Reader) -> list[Piece]:
    """Headers or footers; one that repeats another is taken once."""
    seen: set[str] = set()
    pieces: list[Piece] = []
    for part in package.related(main, kind):
        root = package.parse_optional(part)
        reader.text.addresses = package.addresses(part)
        for piece in reader.walk(root) if root is not None else ():
            if piece.text.strip() and piece.text not in seen:
                seen.add(piece.text)
                pieces.append(Piece("paragraph", piece.text))
    return pieces


def _read_notes(package: Package, main: str, reader: _Reader) -> list[Piece]:
    """Footnotes, endnotes and comments, each on its own after the body."""
    pieces: list[Piece] = []
    for kind, name in (("footnotes", "Footnote"), ("endnotes", "Endnote"), ("comments", "Comment")):
        for part in package.related(main, kind):
            root = package.parse_optional(part)
            reader.text.addresses = package.addresses(part)
            for note in root if root is not None else ():
                if get_attribute(note, "type") in {"separator", "continuationSeparator"}:
                    continue
                text = squeeze(" ".join(piece.text for piece in reader.walk(note)))
                key = get_attribute(note, "id")
                author = get_attribute(note, "author")
                by = f" by {author}" if author else ""
                by = by or f" {reader.text.notes.get((name.lower(), key), key)}"
                if text:
                    pieces.append(Piece("paragraph", f"{name}{by}: {text}"))
    return pieces


@dataclass(slots=True)
class _Reader:
    """Goes through the blocks of a document. Lists go on counting from part to part."""

    styles: WordStyles
    numbering: Numbering
    text: WordText
    hidden_rows: int = 0
    _nested: list[etree._Element] = field(default_factory=list)

    def note(self) -> str:
        """What a reader should know of what was left out."""
        rows = count_noun(self.hidden_rows, "hidden table row")
        return join_notes(
            "Hidden text was left out." if self.text.hidden else "",
            f"{rows} left out." if self.hidden_rows else "",
            "Text that is white on white, or too small to be seen, was left out."
            if self.text.unseen
            else "",
            unknown_kinds_note(self.numbering.unknown),
            unknown_note(self.text.unknown),
            "Tracked changes were read as if all were accepted: deleted text was left out."
            if self.text.deleted
            else "",
        )

    def walk(self, container: etree._Element, *, depth: int = 0) -> Iterator[Piece]:
        """Blocks of a body, cell, header or note. Nested boxes follow the paragraph they are in."""
        breaks, carried = False, ""
        for child in self._iter_blocks(container):
            if local_name(child) == "tbl":
                yield from self._read_table(child, depth=depth)
                continue
            boxes: list[etree._Element] = []
            text = carried + self.text.read(child, boxes)
            carried = ""
            if _goes_on(child) and not boxes:
                carried = text
                continue
            # A paragraph belongs to the page it begins on; the break in it is for the next one.
            starts_page = breaks or text.lstrip(" \t\n").startswith(PAGE_BREAK)
            breaks_after = PAGE_BREAK in text.strip(" \t\n").lstrip(PAGE_BREAK)
            text = text.replace(PAGE_BREAK, "")
            if text.strip():
                yield self._make_piece(child, text, page_break=starts_page)
                breaks = breaks_after
            else:
                self._count_empty(child)
                breaks = starts_page or breaks_after
            for box in boxes if depth < MAX_NESTING else ():
                yield from self.walk(box, depth=depth + 1)
        if carried.strip():
            yield Piece("paragraph", carried.replace(PAGE_BREAK, ""))

    def _iter_blocks(self, container: etree._Element) -> Iterator[etree._Element]:
        """Paragraphs and tables, also those inside content controls and tracked insertions."""
        stack = list(reversed(container))
        while stack:
            child = stack.pop()
            name = local_name(child)
            if name in {"p", "tbl"}:
                yield child
            elif name in {"del", "moveFrom"}:
                self.text.deleted += 1
            elif name not in SKIPPED:
                stack.extend(reversed(child))

    def _make_piece(self, paragraph: etree._Element, text: str, *, page_break: bool) -> Piece:
        properties = find_child(paragraph, "pPr")
        style = value_of(properties, "pStyle") or self.styles.default
        value = value_of(properties, "outlineLvl")
        outline = int(value) + 1 if value.isdigit() and int(value) < 9 else 0
        outline = self.styles.outline(style) or outline
        number, level = self._place(properties, style)
        is_bullet = self.numbering.is_bullet(number, level)
        label = self.numbering.advance(number, level) if number and not is_bullet else ""
        if outline and len(text) < 400:
            heading = squeeze(f"{label} {text}")
            return Piece("heading", heading, level=outline, page_break=page_break)
        if self.styles.is_code(style):
            return Piece("code", text, page_break=page_break)
        indent = "  " * min(level, 8)
        if label:
            return Piece("list", f"{indent}{label} {text.strip()}", page_break=page_break)
        if (number and is_bullet) or (not number and self.styles.is_list(style)):
            return Piece("list", f"{indent}- {text.strip()}", page_break=page_break)
        return Piece("paragraph", text, page_break=page_break)

    def _count_empty(self, paragraph: etree._Element) -> None:
        """An empty item of a list has a number all the same, unless it is hidden."""
        properties = find_child(paragraph, "pPr")
        if properties is None or is_on(find_child(properties, "rPr"), "vanish"):
            return
        number, level = self._place(properties, value_of(properties, "pStyle"))
        if number and not self.numbering.is_bullet(number, level):
            self.numbering.advance(number, level)

    def _place(self, properties: etree._Element | None, style: str) -> tuple[str, int]:
        """List and level of a paragraph: its own, or those of its style. "" is no list."""
        own = find_child(properties, "numPr") if properties is not None else None
        number, level = value_of(own, "numId"), value_of(own, "ilvl")
        if not number:
            number, styled = self.styles.numbering(style)
            lineage = self.styles.lineage(style)
            levels = (self.numbering.level_of_style(number, key) for key in lineage)
            linked = next((at for at in levels if at is not None), None)
            level = level or ("" if linked is None else str(linked)) or styled
        if not number or number == "0":
            return "", 0
        return number, int(level) if level.isdigit() else 0

    def _read_table(self, table: etree._Element, *, depth: int) -> Iterator[Piece]:
        """A table; tables nested in its cells follow it as tables of their own."""
        if depth >= MAX_NESTING:
            return
        nested: list[etree._Element] = []
        grid = self._read_grid(table, nested)
        if all(len(grid.line(y)) <= 1 for y in range(len(grid.rows))):
            lines = [grid.line(y)[0] for y in range(len(grid.rows)) if grid.line(y)]
            yield Piece("paragraph", "\n".join(lines))
        else:
            yield from grid_pieces(grid)
        for element in nested:
            if local_name(element) == "tbl":
                yield from self._read_table(element, depth=depth + 1)
            else:
                yield from self.walk(element, depth=depth + 1)

    def _read_grid(self, table: etree._Element, nested: list[etree._Element]) -> Grid:
        grid = Grid([])
        above: dict[int, str] = {}
        for row in _iter_named_blocks(table, "tr"):
            properties = find_child(row, "trPr")
            if find_child(properties, "del") is not None if properties is not None else False:
                self.text.deleted += 1
                continue
            if is_on(properties, "hidden"):
                self.hidden_rows += 1
                continue
            if is_on(properties, "tblHeader") and grid.headers == len(grid.rows):
                grid.headers += 1
            before = value_of(properties, "gridBefore")
            line = [""] * (min(int(before), _MAX_SPAN) if before.isdigit() else 0)
            for cell in _iter_named_blocks(row, "tc"):
                self._read_cell(cell, line, grid, above, nested)
            grid.rows.append(line)
        return grid

    def _read_cell(
        self,
        cell: etree._Element,
        line: list[str],
        grid: Grid,
        above: dict[int, str],
        nested: list[etree._Element],
    ) -> None:
        """Put one cell into all columns that it covers; one that goes on from above repeats it."""
        properties = find_child(cell, "tcPr")
        span = value_of(properties, "gridSpan")
        merge = find_child(properties, "vMerge") if properties is not None else None
        y, x = len(grid.rows), len(line)
        width = max(1, min(int(span), _MAX_SPAN)) if span.isdigit() else 1
        goes_on = merge is not None and get_attribute(merge, "val") != "restart" and x in above
        text = above[x] if goes_on else self._cell_text(cell, nested)
        if goes_on:
            grid.down |= {(y, x + step) for step in range(width)}
        else:
            above.pop(x, None)
            if merge is not None:
                above[x] = text if len(text) <= MAX_LABEL else ""
        repeated = text if len(text) <= MAX_LABEL else ""
        grid.across |= {(y, x + step) for step in range(1, width)}
        line += [text, *([repeated] * (width - 1))]

    def _cell_text(self, cell: etree._Element, nested: list[etree._Element]) -> str:
        texts = []
        for block in self._iter_blocks(cell):
            if local_name(block) == "tbl":
                nested.append(block)
                continue
            boxes: list[etree._Element] = []
            text = self.text.read(block, boxes).replace(PAGE_BREAK, " ")
            if text.strip():
                piece = self._make_piece(block, text, page_break=False)
                texts.append(piece.text if piece.kind != "list" else _in_line(piece.text))
            nested += boxes
        return squeeze(" ".join(texts))


def _goes_on(paragraph: etree._Element) -> bool:
    """Whether the end of a paragraph was deleted, so that the next one goes on with it."""
    properties = find_child(paragraph, "pPr")
    mark = find_child(properties, "rPr") if properties is not None else None
    return mark is not None and find_child(mark, "del") is not None


def _in_line(item: str) -> str:
    """A list item in a cell keeps its number; a bullet would read as a minus sign."""
    return item.strip().removeprefix("- ")


def _iter_named_blocks(container: etree._Element, name: str) -> Iterator[etree._Element]:
    """Rows or cells, also those inside content controls."""
    stack = list(reversed(container))
    while stack:
        child = stack.pop()
        child_name = local_name(child)
        if child_name == name:
            yield child
        elif child_name in {"sdt", "sdtContent", "ins", "customXml"}:
            stack.extend(reversed(child))
