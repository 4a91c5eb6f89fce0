"""Word documents: body, tables, text boxes, headers, footers, notes and comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from parsing.formats.common import emit
from parsing.markup import find_child, get_attribute, iter_children, local_name
from parsing.ooxml import Package
from parsing.source import Source
from parsing.text import Piece, format_table, squeeze
from parsing.types import Opened, ParsedPage

_HEADING_NAME = re.compile(r"^(?:heading|überschrift|titre|título|titolo)\s*(\d)$", re.IGNORECASE)
_SKIPPED = frozenset((
    "del", "moveFrom", "instrText", "delText", "Fallback", "pPr", "rPr", "tblPr", "tblGrid",
    "tcPr", "trPr", "sectPr", "fldData", "binData", "annotationRef",
))  # fmt: skip
_PAGE_BREAK = "\x1d"
_LEAVES = {
    "t": "", "br": "", "sym": "", "docPr": "", "tab": "\t", "ptab": "\t", "cr": "\n",
    "noBreakHyphen": "-", "lastRenderedPageBreak": _PAGE_BREAK,
}  # fmt: skip
"""Elements that stand for text; those with an empty string are worked out one by one."""

MAX_NESTING = 20


@dataclass(slots=True)
class _Styles:
    """What the styles and numberings of a document mean."""

    levels: dict[str, int] = field(default_factory=dict)
    lists: set[str] = field(default_factory=set)
    code: set[str] = field(default_factory=set)
    titles: set[str] = field(default_factory=set)
    ordered: set[tuple[str, str]] = field(default_factory=set)


def read(source: Source) -> Iterator[Opened | ParsedPage]:
    """Pages of a Word document, cut where Word last laid them out."""
    package = Package(source)
    main = package.main_part("word/document.xml")
    root = package.parse(main)
    styles = _read_styles(package, main)
    body = find_child(root, "body")
    pieces: list[Piece] = []
    pieces += _read_parts(package, main, "header", styles)
    if body is not None:
        pieces += _walk(body, styles)
    pieces += _read_notes(package, main, styles)
    pieces += _read_parts(package, main, "footer", styles)
    metadata = package.properties()
    yield from emit(source, pieces, title=metadata.get("title", ""), metadata=metadata)


def _read_parts(package: Package, main: str, kind: str, styles: _Styles) -> list[Piece]:
    """Headers or footers; one that repeats another is taken once."""
    seen: set[str] = set()
    pieces: list[Piece] = []
    for part in package.related(main, kind):
        root = package.parse_optional(part)
        for piece in _walk(root, styles) if root is not None else ():
            if piece.text.strip() and piece.text not in seen:
                seen.add(piece.text)
                pieces.append(Piece("paragraph", piece.text))
    return pieces


def _read_notes(package: Package, main: str, styles: _Styles) -> list[Piece]:
    """Footnotes, endnotes and comments, each on its own after the body."""
    pieces: list[Piece] = []
    for kind, name in (("footnotes", "Footnote"), ("endnotes", "Endnote"), ("comments", "Comment")):
        for part in package.related(main, kind):
            root = package.parse_optional(part)
            for note in root if root is not None else ():
                if get_attribute(note, "type") in {"separator", "continuationSeparator"}:
                    continue
                text = squeeze(" ".join(piece.text for piece in _walk(note, styles)))
                author = get_attribute(note, "author")
                by = f" by {author}" if author else f" {get_attribute(note, 'id')}"
                if text:
                    pieces.append(Piece("paragraph", f"{name}{by}: {text}"))
    return pieces


def _read_styles(package: Package, main: str) -> _Styles:
    styles = _Styles()
    for part in package.related(main, "styles"):
        root = package.parse_optional(part)
        for style in iter_children(root, "style") if root is not None else ():
            _read_style(style, styles)
    for part in package.related(main, "numbering"):
        root = package.parse_optional(part)
        if root is not None:
            _read_numbering(root, styles)
    return styles


def _read_style(style: etree._Element, styles: _Styles) -> None:
    name_element = find_child(style, "name")
    name = get_attribute(name_element, "val") if name_element is not None else ""
    key = get_attribute(style, "styleId")
    match = _HEADING_NAME.match(name)
    if match:
        styles.levels[key] = int(match.group(1))
    elif name.lower() in {"title", "subtitle"}:
        styles.levels[key] = 1 if name.lower() == "title" else 2
        styles.titles.add(key)
    elif name.lower().startswith("list "):
        styles.lists.add(key)
    elif any(word in name.lower() for word in ("code", "preformatted", "verbatim")):
        styles.code.add(key)
    properties = find_child(style, "pPr")
    outline = find_child(properties, "outlineLvl") if properties is not None else None
    if outline is not None and key not in styles.levels:
        level = get_attribute(outline, "val")
        if level.isdigit() and int(level) < 9:
            styles.levels[key] = int(level) + 1


def _read_numbering(root: etree._Element, styles: _Styles) -> None:
    ordered: dict[str, set[str]] = {}
    for abstract in iter_children(root, "abstractNum"):
        levels = ordered.setdefault(get_attribute(abstract, "abstractNumId"), set())
        for level in iter_children(abstract, "lvl"):
            form = find_child(level, "numFmt")
            if form is not None and get_attribute(form, "val") not in {"bullet", "none"}:
                levels.add(get_attribute(level, "ilvl"))
    for number in iter_children(root, "num"):
        link = find_child(number, "abstractNumId")
        key = get_attribute(link, "val") if link is not None else ""
        for level_id in ordered.get(key, ()):
            styles.ordered.add((get_attribute(number, "numId"), level_id))


def _walk(container: etree._Element, styles: _Styles, *, depth: int = 0) -> Iterator[Piece]:
    """Blocks of a body, cell, header or note. Nested boxes follow the paragraph they are in."""
    counters: dict[tuple[str, str], int] = {}
    breaks = False
    for child in _iter_blocks(container):
        if local_name(child) == "tbl":
            yield from _read_table(child, styles, depth=depth)
            continue
        boxes: list[etree._Element] = []
        text = _run_text(child, boxes)
        # A paragraph belongs to the page it begins on; the break in it is for the next one.
        starts_page = breaks or text.lstrip(" \t\n").startswith(_PAGE_BREAK)
        breaks_after = _PAGE_BREAK in text.strip(" \t\n").lstrip(_PAGE_BREAK)
        text = text.replace(_PAGE_BREAK, "")
        if text.strip():
            yield _make_piece(child, text, styles, counters, page_break=starts_page)
            breaks = breaks_after
        else:
            breaks = starts_page or breaks_after
        for box in boxes if depth < MAX_NESTING else ():
            yield from _walk(box, styles, depth=depth + 1)


def _iter_blocks(container: etree._Element) -> Iterator[etree._Element]:
    """Paragraphs and tables, also those inside content controls and tracked insertions."""
    stack = list(reversed(container))
    while stack:
        child = stack.pop()
        name = local_name(child)
        if name in {"p", "tbl"}:
            yield child
        elif name not in _SKIPPED:
            stack.extend(reversed(child))


def _run_text(paragraph: etree._Element, boxes: list[etree._Element]) -> str:
    """Text of one paragraph; text boxes found inside are put into `boxes`."""
    out: list[str] = []
    stack = list(reversed(paragraph))
    while stack:
        element = stack.pop()
        name = local_name(element)
        if name in _LEAVES:
            out.append(_leaf_text(element, name))
        elif name == "txbxContent":
            boxes.append(element)
        elif name not in _SKIPPED:
            stack.extend(reversed(element))
    return "".join(out)


def _leaf_text(element: etree._Element, name: str) -> str:
    if name == "t":
        return element.text or ""
    if name == "br":
        return _PAGE_BREAK if get_attribute(element, "type") == "page" else "\n"
    if name == "sym":
        return _symbol(get_attribute(element, "char"))
    if name == "docPr":
        return _alternative_text(element)
    return _LEAVES[name]


def _symbol(code: str) -> str:
    """A symbol font's character, where it is an ordinary one."""
    value = int(code, 16) if re.fullmatch(r"[0-9A-Fa-f]{1,5}", code) else 0
    return "" if 0xE000 <= value <= 0xF8FF or value < 32 else chr(value)


def _alternative_text(element: etree._Element) -> str:
    text = get_attribute(element, "descr").strip()
    return f" [Image: {squeeze(text)}] " if text else ""


def _make_piece(
    paragraph: etree._Element,
    text: str,
    styles: _Styles,
    counters: dict[tuple[str, str], int],
    *,
    page_break: bool,
) -> Piece:
    properties = find_child(paragraph, "pPr")
    style = number = level = ""
    outline = 0
    if properties is not None:
        found = find_child(properties, "pStyle")
        style = get_attribute(found, "val") if found is not None else ""
        numbering = find_child(properties, "numPr")
        if numbering is not None:
            found = find_child(numbering, "numId")
            number = get_attribute(found, "val") if found is not None else ""
            found = find_child(numbering, "ilvl")
            level = get_attribute(found, "val") if found is not None else "0"
        found = find_child(properties, "outlineLvl")
        value = get_attribute(found, "val") if found is not None else ""
        outline = int(value) + 1 if value.isdigit() and int(value) < 9 else 0
    outline = styles.levels.get(style, outline)
    if outline and len(text) < 400:
        return Piece("heading", squeeze(text), level=outline, page_break=page_break)
    if style in styles.code:
        return Piece("code", text, page_break=page_break)
    if (number and number != "0") or style in styles.lists:
        marker = _list_marker(number, level or "0", styles, counters)
        return Piece("list", marker + text.strip(), page_break=page_break)
    return Piece("paragraph", text, page_break=page_break)


def _list_marker(
    number: str, level: str, styles: _Styles, counters: dict[tuple[str, str], int]
) -> str:
    depth = int(level) if level.isdigit() else 0
    indent = "  " * min(depth, 8)
    if (number, level) not in styles.ordered:
        return f"{indent}- "
    counters[(number, level)] = counters.get((number, level), 0) + 1
    for key in [key for key in counters if key[0] == number and key[1] > level]:
        del counters[key]
    return f"{indent}{counters[(number, level)]}. "


def _read_table(table: etree._Element, styles: _Styles, *, depth: int) -> Iterator[Piece]:
    """A table; tables nested in its cells follow it as tables of their own."""
    if depth >= MAX_NESTING:
        return
    rows: list[list[str]] = []
    nested: list[etree._Element] = []
    for row in _iter_named_blocks(table, "tr"):
        cells: list[str] = []
        for cell in _iter_named_blocks(row, "tc"):
            texts = []
            for block in _iter_blocks(cell):
                if local_name(block) == "tbl":
                    nested.append(block)
                    continue
                boxes: list[etree._Element] = []
                texts.append(_run_text(block, boxes).replace(_PAGE_BREAK, " "))
                nested += boxes
            cells.append(squeeze(" ".join(texts)))
        rows.append(cells)
    yield from _table_pieces(rows)
    for element in nested:
        if local_name(element) == "tbl":
            yield from _read_table(element, styles, depth=depth + 1)
        else:
            yield from _walk(element, styles, depth=depth + 1)


def _iter_named_blocks(container: etree._Element, name: str) -> Iterator[etree._Element]:
    """Rows or cells, also those inside content controls."""
    stack = list(reversed(container))
    while stack:
        child = stack.pop()
        found = local_name(child)
        if found == name:
            yield child
        elif found in {"sdt", "sdtContent", "ins", "customXml"}:
            stack.extend(reversed(child))


def _table_pieces(rows: list[list[str]]) -> Iterator[Piece]:
    if all(len(row) <= 1 for row in rows):
        text = "\n".join(row[0] for row in rows if row and row[0])
        yield Piece("paragraph", text)
    else:
        yield from format_table(rows)
