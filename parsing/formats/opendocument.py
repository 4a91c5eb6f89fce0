"""OpenDocument text (ODT) and presentations (ODP)."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from parsing.archive import SafeArchive, resolve_member
from parsing.formats.common import emit, emit_pages
from parsing.formulas import mathml_text
from parsing.grid import Cell, grid_pieces, spread
from parsing.inline import join_notes
from parsing.markup import (
    get_attribute,
    iter_named,
    local_name,
    parse_xml,
    parse_xml_leniently,
)
from parsing.office.odf_lists import read_lists
from parsing.office.odf_text import MAX_REPEAT, OdfText, read_styles
from parsing.office.symbol_fonts import unknown_note
from parsing.source import Source
from parsing.text import PageBuilder, Piece, squeeze
from parsing.types import Opened, ParsedPage, ParseError

_SKIPPED = frozenset(
    ("tracked-changes", "forms", "sequence-decls", "variable-decls", "annotation-end", "bookmark")
)
MAX_NESTING = 30


def read(source: Source) -> Iterator[Opened | ParsedPage]:
    """Pages of an ODT, slides of an ODP."""
    archive = SafeArchive(source.file, limits=source.limits)
    if b"encryption-data" in (archive.read_optional("META-INF/manifest.xml") or b""):
        raise ParseError(
            "encrypted",
            "This file is protected by a password. Remove the password and upload it again.",
        )
    if "content.xml" not in archive:
        raise ParseError("corrupt", "This OpenDocument file has no content. Save it again.")
    root = parse_xml(archive.read("content.xml"))
    body = next(iter_named(root, "body"), None)
    metadata = _read_metadata(archive)
    title = metadata.get("title", "")
    content = body[0] if body is not None and len(body) else None
    if content is None:
        yield from emit(source, [], title=title, metadata=metadata)
        return
    data = archive.read_optional("styles.xml")
    shared = parse_xml_leniently(data) if data else None
    reader = _Reader(archive, shared, root)
    if local_name(content) == "presentation":
        pages = list(reader.slides(content))
        metadata["note"] = reader.note()
        yield from emit_pages(source, pages, title=title, metadata=metadata)
    else:
        pieces = [*_header_pieces(reader, shared), *reader.walk(content)]
        metadata["note"] = reader.note()
        yield from emit(source, pieces, title=title, metadata=metadata)


def _read_metadata(archive: SafeArchive) -> dict[str, str]:
    data = archive.read_optional("meta.xml")
    root = parse_xml_leniently(data) if data else None
    names = {"title": "title", "creator": "author", "subject": "subject", "date": "modified"}
    metadata: dict[str, str] = {}
    for name, key in names.items() if root is not None else ():
        element = next(iter_named(root, name), None) if root is not None else None
        if element is not None and element.text:
            metadata[key] = element.text
    return metadata


def _header_pieces(reader: _Reader, styles: etree._Element | None) -> Iterator[Piece]:
    """Page headers live in styles.xml; each text is taken once."""
    seen: set[str] = set()
    for element in iter_named(styles, "header") if styles is not None else ():
        for piece in reader.walk(element):
            if piece.text not in seen:
                seen.add(piece.text)
                yield piece


class _Reader:
    """Goes through the blocks of a text or of the slides of a presentation."""

    def __init__(
        self, archive: SafeArchive, shared: etree._Element | None, root: etree._Element
    ) -> None:
        self.archive = archive
        self.styles = read_styles(shared, root)
        self.text = OdfText(self.styles, self._formula)
        self.lists = read_lists(shared, root)
        self._has_deleted = next(iter_named(root, "deletion"), None) is not None
        self._num_hidden = 0

    def note(self) -> str:
        """What a reader should know of what was left out."""
        return join_notes(
            "Hidden text was left out." if self.text.hidden or self._num_hidden else "",
            "Tracked changes were read as if all were accepted: deleted text was left out."
            if self._has_deleted
            else "",
            unknown_note(self.text.unknown),
        )

    def slides(self, presentation: etree._Element) -> Iterator[ParsedPage]:
        """One page for each slide; a hidden one is a page without text."""
        slides = [child for child in presentation if local_name(child) == "page"]
        for number, slide in enumerate(slides, start=1):
            builder = PageBuilder()
            label = f"Slide {number}"
            if self.styles.is_hidden("drawing-page", get_attribute(slide, "style-name")):
                yield builder.build(
                    number,
                    label=f"{label} (hidden)",
                    note="This slide is hidden in the show and was left out.",
                )
                continue
            for piece in self.walk(slide):
                builder.add(piece.kind, piece.text, level=piece.level)
            name = get_attribute(slide, "name")
            label += f": {name}" if name and not name.startswith("page") else ""
            yield builder.build(number, label=label)

    def _formula(self, href: str) -> str:
        """An embedded equation as text; empty for charts and other objects."""
        name = resolve_member("", f"{href.strip()}/content.xml") if href else ""
        data = self.archive.read_optional(name) if name else None
        root = parse_xml_leniently(data) if data else None
        if root is None or local_name(root) != "math":
            return ""
        return mathml_text(root)

    def walk(self, container: etree._Element, *, depth: int = 0) -> Iterator[Piece]:
        """Blocks inside an element, in order."""
        if depth > MAX_NESTING:
            return
        for child in container:
            name = local_name(child)
            if self._is_hidden(child, name):
                self._num_hidden += 1
            elif name == "h":
                yield self._heading(child)
            elif name == "p":
                yield Piece("paragraph", self.text.inline(child))
                yield from self._boxes(child, depth=depth)
            elif name == "list":
                yield from self._list(child, depth=depth)
            elif name == "table":
                yield from self._table(child)
            elif name and name not in _SKIPPED:
                yield from self.walk(child, depth=depth + 1)

    def _is_hidden(self, element: etree._Element, name: str) -> bool:
        if name == "section":
            return get_attribute(element, "display") == "none"
        if name not in {"p", "h", "table"}:
            return False
        family = "table" if name == "table" else "paragraph"
        return self.styles.is_hidden(family, get_attribute(element, "style-name"))

    def _heading(self, element: etree._Element) -> Piece:
        value = get_attribute(element, "outline-level")
        level = int(value) if value.isdigit() else 1
        text = squeeze(self.text.inline(element))
        own = get_attribute(element, "is-list-header") == "true"
        label = "" if own or not text else self.lists.heading(level)
        return Piece("heading", f"{label} {text}".strip(), level=level)

    def _boxes(self, paragraph: etree._Element, *, depth: int) -> Iterator[Piece]:
        for box in iter_named(paragraph, "text-box"):
            yield from self.walk(box, depth=depth + 1)

    def _list(
        self, element: etree._Element, *, depth: int, level: int = 0, style: str = ""
    ) -> Iterator[Piece]:
        if level > MAX_NESTING:
            return
        style = get_attribute(element, "style-name") or style
        if level == 0:
            self.lists.begin(element, style)
        for item in element:
            name = local_name(item)
            if name not in {"list-item", "list-header"}:
                continue
            label = ""
            own = [child for child in item if local_name(child) != "list"]
            if name == "list-item" and any(local_name(child) == "p" for child in own):
                label = self.lists.advance(style, level, get_attribute(item, "start-value"))
            for child in item:
                if local_name(child) == "list":
                    yield from self._list(child, depth=depth, level=level + 1, style=style)
                elif local_name(child) == "h":
                    yield from self.walk(item, depth=depth + 1)
                else:
                    yield from self._item(child, label, level)
                    label = " " * len(label)

    def _item(self, paragraph: etree._Element, label: str, level: int) -> Iterator[Piece]:
        if self._is_hidden(paragraph, local_name(paragraph)):
            self._num_hidden += 1
            return
        text = squeeze(self.text.inline(paragraph))
        if text:
            marker = f"{label} " if label else "- "
            yield Piece("list", "  " * min(level, 8) + marker + text, level=level)

    def _table(self, table: etree._Element) -> Iterator[Piece]:
        rows: list[list[Cell]] = []
        headers = 0
        for row in iter_named(table, "table-row"):
            parent = row.getparent()
            if parent is not None and local_name(parent) == "table-header-rows":
                headers += 1
            rows.append(self._row(row))
        yield from grid_pieces(spread(rows, headers=headers))

    def _row(self, row: etree._Element) -> list[Cell]:
        cells: list[Cell] = []
        for cell in row:
            # What a merged cell covers is filled from the cell itself.
            if local_name(cell) != "table-cell":
                continue
            text = squeeze(" ".join(self._cell_part(part) for part in cell))
            spans = [get_attribute(cell, f"number-{name}-spanned") for name in ("rows", "columns")]
            height, width = (int(span) if span.isdigit() else 1 for span in spans)
            repeat = get_attribute(cell, "number-columns-repeated")
            count = int(repeat) if repeat.isdigit() else 1
            cells += [Cell(text, height, width)] * min(count, MAX_REPEAT)
        while cells and not cells[-1].text:
            cells.pop()
        return cells

    def _cell_part(self, part: etree._Element) -> str:
        name = local_name(part)
        if name == "list":
            return " ".join(
                piece.text.strip().removeprefix("- ") for piece in self._list(part, depth=0)
            )
        if name in {"p", "h"}:
            hidden = self._is_hidden(part, name)
            self._num_hidden += hidden
            return "" if hidden else self.text.inline(part)
        return " ".join(piece.text for piece in self.walk(part) if piece.text)
